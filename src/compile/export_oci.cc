#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "abi/arguments.h"
#include "abi/constants.h"
#include "abi/syscalls.h"
#include "compile/export_entries.h"
#include "compile/export_profile.h"

namespace bailey::compile {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kFormat = "OCI profile";

std::string ArchName(abi::Arch arch) {
  if (arch == abi::Arch::kI386) return "SCMP_ARCH_X86";
  std::string name = "SCMP_ARCH_";
  for (const char c : abi::Info(arch).name) {
    name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

std::string_view ActionName(abi::ActionKind kind) {
  switch (kind) {
    case abi::ActionKind::kKillProcess:
      return "SCMP_ACT_KILL_PROCESS";
    case abi::ActionKind::kKillThread:
      return "SCMP_ACT_KILL_THREAD";
    case abi::ActionKind::kTrap:
      return "SCMP_ACT_TRAP";
    case abi::ActionKind::kErrno:
      return "SCMP_ACT_ERRNO";
    case abi::ActionKind::kNotify:
      return "SCMP_ACT_NOTIFY";
    case abi::ActionKind::kTrace:
      return "SCMP_ACT_TRACE";
    case abi::ActionKind::kLog:
      return "SCMP_ACT_LOG";
    case abi::ActionKind::kAllow:
      return "SCMP_ACT_ALLOW";
  }
  return {};
}

// Why a profile cannot say this answer on an architecture; empty when it can. Profiles have errnos
// as numbers, and mean x86_64's.
std::string WhyNot(abi::Action action, abi::Arch arch) {
  if (action.kind == abi::ActionKind::kErrno) {
    const std::string_view name = abi::ErrnoName(abi::Arch::kX86_64, action.data);
    const auto there = name.empty() ? action.data : abi::ErrnoNumber(arch, name);
    if (there != action.data) {
      return fmt::format("errno {} is another one on {} than on x86_64", action.data,
                         abi::Info(arch).name);
    }
    return {};
  }
  if (action.kind != abi::ActionKind::kTrace && action.data != 0) {
    return fmt::format("there is no place for the data of {}", abi::ToString(action));
  }
  return {};
}

void PutAction(ordered_json& object, abi::Action action, std::string_view key,
               std::string_view number) {
  object[key] = ActionName(action.kind);
  if (action.kind == abi::ActionKind::kErrno || action.kind == abi::ActionKind::kTrace) {
    object[number] = action.data;
  }
}

// A profile compares whole registers; where it masks within the low half, readers (ours among
// them) look at the argument at its width.
bool FitsArgument(const policy::Syscalls& syscalls, const std::string& call, const Match& match) {
  if (match.mask > 0xffffffff) return true;
  return std::ranges::all_of(syscalls.architectures, [&](abi::Arch arch) {
    if (!abi::Number(arch, call)) return true;
    const auto argument = abi::FindArgument(arch, call, fmt::format("arg{}", match.slot));
    const unsigned bits = argument ? abi::Bits(argument->type, arch) : 64;
    return bits == 64 || (match.mask >> bits) == 0;
  });
}

class Writer {
 public:
  explicit Writer(const policy::Syscalls& syscalls) : syscalls_(syscalls) {}

  base::Result<std::string> Write() {
    if (auto status = CheckFrame(); !status) return status.error();
    Graph graph;
    const auto resolved = Resolve(graph, syscalls_, Leaves::kActions);
    if (!resolved) return resolved.error();
    const auto calls = EntriesOf(graph, *resolved, syscalls_, kFormat);
    if (!calls) return calls.error();
    for (const auto& [name, entries] : *calls) {
      if (auto status = AddCall(name, entries); !status) return status.error();
    }
    for (auto& [action, names] : always_) {
      ordered_json rule;
      rule["names"] = names;
      PutAction(rule, abi::Decode(action), "action", "errnoRet");
      rules_.insert(rules_.begin(), std::move(rule));
    }
    ordered_json profile;
    PutAction(profile, policy::Resolve(syscalls_.default_action, Arch()), "defaultAction",
              "defaultErrnoRet");
    profile["architectures"] = ordered_json::array();
    for (const abi::Arch arch : Ordered(syscalls_.architectures)) {
      profile["architectures"].push_back(ArchName(arch));
    }
    profile["syscalls"] = std::move(rules_);
    std::string text = profile.dump(2) + "\n";
    if (auto status = CheckSize(syscalls_, *calls, kFormat, text); !status) return status.error();
    return text;
  }

 private:
  abi::Arch Arch() const { return syscalls_.architectures[0]; }

  base::Status CheckFrame() const {
    const auto refuse = [](std::string cause) {
      return base::Unsupported(fmt::format("write {}: {}", kFormat, cause));
    };
    if (syscalls_.architectures.empty()) return refuse("the policy is for no architecture");
    const bool is_errno = syscalls_.default_action.kind == abi::ActionKind::kErrno;
    for (const abi::Arch arch : syscalls_.architectures) {
      if (policy::Resolve(syscalls_.foreign, arch).kind != abi::ActionKind::kKillProcess) {
        return refuse("foreign architectures are killed there, and the policy answers " +
                      policy::ToString(syscalls_.foreign));
      }
      const policy::Answer expected = is_errno
                                          ? policy::Answer{abi::ActionKind::kErrno, "ENOSYS", 0}
                                          : syscalls_.default_action;
      if (policy::Resolve(syscalls_.unknown, arch) != policy::Resolve(expected, arch)) {
        return refuse(fmt::format("unknown numbers answer {} there, and {} in the policy",
                                  policy::ToString(expected), policy::ToString(syscalls_.unknown)));
      }
      const std::string why = WhyNot(policy::Resolve(syscalls_.default_action, arch), arch);
      if (!why.empty()) return refuse("the default: " + why);
    }
    return {};
  }

  base::Status AddCall(const std::string& name, const CallEntries& call) {
    for (const Entry& entry : call.entries) {
      for (const abi::Arch arch : syscalls_.architectures) {
        if (!abi::Number(arch, name)) continue;
        const std::string why = WhyNot(abi::Decode(entry.action), arch);
        if (!why.empty()) return CannotSay(syscalls_, kFormat, name, why);
      }
      if (entry.matches.empty()) {
        always_[entry.action].push_back(name);
        return {};
      }
      ordered_json rule;
      rule["names"] = {name};
      PutAction(rule, abi::Decode(entry.action), "action", "errnoRet");
      for (const Match& match : entry.matches) {
        if (!FitsArgument(syscalls_, name, match)) {
          return CannotSay(
              syscalls_, kFormat, name,
              fmt::format("it looks at bits of arg{} that the kernel does not read", match.slot));
        }
        ordered_json argument;
        argument["index"] = match.slot;
        argument["value"] = match.mask;
        argument["valueTwo"] = match.value;
        argument["op"] = "SCMP_CMP_MASKED_EQ";
        rule["args"].push_back(std::move(argument));
      }
      rules_.push_back(std::move(rule));
    }
    // Multiplexers that no rule names follow what they reach: said, lest a reader works it out
    // anew.
    const bool is_multiplexer = name == "socketcall" || name == "ipc";
    if (call.entries.empty() && is_multiplexer) {
      always_[abi::Encode(policy::Resolve(syscalls_.default_action, Arch()))].push_back(name);
    }
    return {};
  }

  const policy::Syscalls& syscalls_;
  std::map<std::uint32_t, std::vector<std::string>> always_;
  ordered_json rules_ = ordered_json::array();
};

}  // namespace

base::Result<std::string> ExportOci(const policy::Syscalls& syscalls) {
  return Writer(syscalls).Write();
}

}  // namespace bailey::compile
