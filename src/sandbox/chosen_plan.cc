#include "sandbox/chosen_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"

namespace bailey::sandbox {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

struct NamedNamespace {
  os::Namespace flag;
  std::string_view name;
};
constexpr NamedNamespace kNamespaces[] = {
    {os::kUserNamespace, "user"},       {os::kMountNamespace, "mount"},
    {os::kPidNamespace, "pid"},         {os::kIpcNamespace, "ipc"},
    {os::kUtsNamespace, "uts"},         {os::kCgroupNamespace, "cgroup"},
    {os::kNetworkNamespace, "network"},
};

std::string Describe(const Layout& layout) {
  return std::visit(
      Overloaded{
          [](const ShowPath& s) {
            return fmt::format("bind {} at {}{}{}{}", base::Escape(s.source),
                               base::Escape(s.target), s.directory ? "/" : "",
                               s.write ? " writable" : " read-only", s.devices ? " devices" : "");
          },
          [](const ShowData& s) {
            return fmt::format("bind what descriptor {} has at {} mode {:04o}{}", s.descriptor,
                               base::Escape(s.target), s.mode,
                               s.write ? " writable" : " read-only");
          },
          [](const CopyFile& s) {
            return fmt::format("file of what descriptor {} has at {} mode {:04o}", s.descriptor,
                               base::Escape(s.target), s.mode);
          },
          [](const HaveDirectory& s) {
            return fmt::format("directory {} mode {:04o}", base::Escape(s.target), s.mode);
          },
          [](const HaveSymlink& s) {
            return fmt::format("symlink {} -> {}", base::Escape(s.target), base::Escape(s.text));
          },
          [](const FreshTmpfs& s) {
            return fmt::format("tmpfs {} mode {}{}", base::Escape(s.target), s.mode,
                               s.size.empty() ? "" : " size " + s.size);
          },
          [](const ShowProc& s) { return fmt::format("proc {}", base::Escape(s.target)); },
          [](const FreshDevices& s) {
            return fmt::format("devices {}{}", base::Escape(s.target),
                               s.console.empty() ? "" : ", console " + s.console);
          },
          [](const FreshQueues& s) { return fmt::format("queues {}", base::Escape(s.target)); },
          [](const MakeReadOnly& s) { return fmt::format("read-only {}", base::Escape(s.target)); },
          [](const SetMode& s) {
            return fmt::format("mode {:04o} of {}", s.mode, base::Escape(s.target));
          },
          [](const OverlayMount& s) { return ToString(Step(s)); }},
      layout);
}

}  // namespace

bool ChosenPlan::HasSecondUserNamespace() const {
  const bool mapped_back =
      identity.root_first && (identity.inside_uid != 0 || identity.inside_gid != 0);
  return HasUserNamespace() && descriptors.user_block < 0 &&
         (mapped_back || identity.forbid_user_namespaces);
}

bool ChosenPlan::HasReaper() const {
  return !as_pid1 &&
         (namespaces & os::kPidNamespace || !lock_files.empty() || descriptors.sync >= 0);
}

const std::string& Target(const ChosenStep& step) {
  return std::visit([](const auto& layout) -> const std::string& { return layout.target; },
                    step.layout);
}

std::string ToString(const ChosenStep& step) {
  std::string text = Describe(step.layout);
  if (step.parent_mode != 0755) text += fmt::format(", parents mode {:04o}", step.parent_mode);
  return text;
}

std::string ToString(const ChosenPlan& plan) {
  std::string text;
  const auto line = [&text](std::string_view key, const std::string& value) {
    text += fmt::format("{:<12} {}\n", key, value);
  };
  std::vector<std::string> words;
  for (const std::string& word : plan.argv) words.push_back(base::ShellQuote(word));
  line("program", fmt::format("{} as {}", base::ShellQuote(plan.program), fmt::join(words, " ")));
  std::vector<std::string_view> namespaces;
  for (const NamedNamespace& entry : kNamespaces)
    if (plan.namespaces & entry.flag) namespaces.push_back(entry.name);
  line("namespaces", fmt::format("{}", fmt::join(namespaces, " ")));
  const ChosenIdentity& identity = plan.identity;
  line("user", fmt::format("{}:{} inside, {}:{} outside{}", identity.inside_uid,
                           identity.inside_gid, identity.uid, identity.gid,
                           plan.HasSecondUserNamespace() ? ", by way of 0:0" : ""));
  line("capabilities", plan.set_capabilities ? fmt::format("{:#x}", plan.capabilities) : "kept");
  for (const ChosenStep& step : plan.root) line("root", ToString(step));
  for (const std::string& file : plan.lock_files) line("lock", base::Escape(file));
  return text;
}

}  // namespace bailey::sandbox
