#include "cli/pool_recipe.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/text.h"
#include "cli/proved_filters.h"
#include "cli/run_audit.h"
#include "cli/run_report.h"
#include "os/file.h"
#include "os/identity.h"
#include "os/inherited.h"
#include "policy/paths.h"
#include "pool/bytes.h"

namespace bailey::cli {
namespace {

// Stands in a plan for the program that is not known yet.
const std::vector<std::string> kNoProgram = {"(prepared)"};

// What comes with each program.
SandboxOptions WithoutProgramsOwn(SandboxOptions options) {
  options.environment.clear();
  options.overrides.timeout.clear();
  return options;
}

bool IsPreset(std::string_view name) {
  const auto presets = policy::Presets();
  return name.empty() || std::ranges::find(presets, name, &policy::Preset::name) != presets.end();
}

base::Status CheckAudit(const policy::Audit& audit) {
  if (audit.log == policy::AuditLog::kNone || std::ranges::count(audit.to, "stdout") == 0)
    return {};
  return base::Unsupported(
      "prepare a sandbox: events are to go to stdout, and whose that is, is not known yet");
}

base::Status CheckBinds(const policy::Filesystem& filesystem) {
  for (const policy::Bind& bind : filesystem.binds) {
    if (policy::DescriptorIn(bind.from)) {
      return base::Unsupported(fmt::format(
          "prepare a sandbox: {} is to show {}, a descriptor of a caller that is not known yet",
          base::Escape(bind.to), bind.from));
    }
  }
  return {};
}

// What `bailey run` says of a launch of its own.
class Account : public pool::Account {
 public:
  Account(const pool::Batch& batch, std::unique_ptr<RunAudit> audit)
      : batch_(batch), audit_(std::move(audit)) {}

  sandbox::CallObserver* Observer() override { return audit_ ? audit_->Observer() : nullptr; }
  void Begin() override {
    if (audit_) audit_->SetProgram(batch_.plan.argv);
  }
  void Decided(const network::Decision& decision) override {
    if (!decision.allowed) refusals_.Add(decision);
    if (audit_) audit_->Decided(decision);
  }
  Told End(const sandbox::Outcome& outcome, bool report) override {
    std::optional<AuditReport> audited;
    if (audit_) audited = audit_->Close(outcome, report);
    Told told = {WhatHappened(batch_.plan, outcome) + WhatWasRefused(refusals_) +
                     AuditText(batch_.policy, audited),
                 {}};
    if (report) told.report = ReportJson(batch_.policy, batch_.plan, outcome, audited, refusals_);
    return told;
  }

 private:
  const pool::Batch& batch_;
  std::unique_ptr<RunAudit> audit_;
  network::Refusals refusals_;
};

}  // namespace

base::Result<std::string> PoolKey(const SandboxOptions& all, const policy::Context& context,
                                  const char* bailey) {
  const SandboxOptions options = WithoutProgramsOwn(all);
  const policy::Overrides& over = options.overrides;
  const auto executable = os::Stat(AT_FDCWD, bailey, true);
  if (!executable) return base::SystemError("look at bailey", executable.error().value);
  const auto caller = os::CurrentCaller();
  if (!caller) return base::SystemError("find out who is calling", caller.error().value);
  pool::Writer key;
  // Presets and code are those of one file.
  key.Number(executable->st_dev).Number(executable->st_ino);
  key.Number(static_cast<std::uint64_t>(executable->st_mtim.tv_sec));
  key.Number(static_cast<std::uint64_t>(executable->st_mtim.tv_nsec));
  key.Text(options.policy).Text(context.home).Text(context.current_directory);
  for (const auto* const list :
       {&over.read, &over.write, &over.hide, &over.tmpfs, &over.binds, &over.network,
        &over.allow_syscalls, &over.deny_syscalls, &over.audit_to, &options.without})
    key.Texts(*list);
  for (const auto* const text :
       {&over.workdir, &over.memory, &over.cpu, &over.output, &over.io, &over.audit})
    key.Text(*text);
  key.Number(over.processes.has_value()).Number(over.processes.value_or(0));
  key.Number(caller->uid).Number(caller->gid).Number(caller->effective_capabilities);
  key.Number(caller->groups.size());
  for (const gid_t group : caller->groups) key.Number(group);
  key.Number(os::FileCreationMask());
  for (const std::uint64_t limit : os::ResourceLimits()) key.Number(limit);
  return std::move(key).Take();
}

std::string PoolName(const std::string& key) {
  // FNV-1a. Two keys of one name would be told apart by the pool, which compares them.
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : key) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

pool::Recipe PoolRecipe(const SandboxOptions& all, const policy::Context& context,
                        const std::string& key) {
  const SandboxOptions options = WithoutProgramsOwn(all);
  pool::Recipe recipe;
  recipe.key = key;
  recipe.make = [options, context]() -> base::Result<pool::Batch> {
    auto policy = LoadPolicy(options, context);
    if (!policy) return policy.error();
    if (const auto known = CheckBinds(policy->filesystem); !known) return known.error();
    auto plan = PlanSandbox(*policy, options, context, kNoProgram);
    if (!plan) return plan.error();
    if (const auto kept = CheckAudit(policy->audit); !kept) return kept.error();
    auto filters = ProvedFilters(*policy, IsListenedTo(*policy));
    if (!filters) return filters.error();
    return pool::Batch{*std::move(policy), *std::move(plan), *std::move(filters)};
  };
  recipe.is_policy_current = [options, context](const pool::Batch& batch) -> base::Result<bool> {
    // Presets are in this executable.
    if (IsPreset(options.policy)) return true;
    const auto policy = LoadPolicy(options, context);
    if (!policy) return policy.error();
    return *policy == batch.policy;
  };
  recipe.is_plan_current = [options, context](const pool::Batch& batch) -> base::Result<bool> {
    const auto plan = PlanSandbox(batch.policy, options, context, kNoProgram);
    if (!plan) return plan.error();
    return *plan == batch.plan;
  };
  recipe.account = [](const pool::Batch& batch) -> base::Result<std::unique_ptr<pool::Account>> {
    auto audit = RunAudit::Open(batch.policy, batch.plan);
    if (!audit) return audit.error();
    return std::make_unique<Account>(batch, *std::move(audit));
  };
  return recipe;
}

}  // namespace bailey::cli
