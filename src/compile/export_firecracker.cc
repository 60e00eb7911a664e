#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "abi/action.h"
#include "compile/export_entries.h"
#include "compile/export_profile.h"

namespace bailey::compile {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kFormat = "Firecracker filter";

// Null when the format has no such action.
ordered_json ActionOf(abi::Action action) {
  if (action.kind == abi::ActionKind::kErrno) return {{"errno", action.data}};
  if (action.kind == abi::ActionKind::kTrace) return {{"trace", action.data}};
  if (action.data != 0) return nullptr;
  switch (action.kind) {
    case abi::ActionKind::kAllow:
      return "allow";
    case abi::ActionKind::kKillProcess:
      return "kill_process";
    case abi::ActionKind::kKillThread:
      return "kill_thread";
    case abi::ActionKind::kTrap:
      return "trap";
    case abi::ActionKind::kLog:
      return "log";
    default:
      return nullptr;
  }
}

base::Error Refuse(std::string_view cause) {
  return base::Unsupported(fmt::format("write {}: {}", kFormat, cause));
}

base::Status CheckFrame(const policy::Syscalls& syscalls) {
  constexpr abi::Arch kTargets[] = {abi::Arch::kX86_64, abi::Arch::kAarch64, abi::Arch::kRiscv64};
  const auto archs = Ordered(syscalls.architectures);
  if (archs.size() != 1 || std::ranges::find(kTargets, archs[0]) == std::end(kTargets)) {
    return Refuse("it is for one architecture (x86_64, aarch64 or riscv64); name it with --arch");
  }
  if (policy::Resolve(syscalls.foreign, archs[0]).kind != abi::ActionKind::kKillProcess) {
    return Refuse("foreign architectures are killed there, and the policy answers " +
                  policy::ToString(syscalls.foreign));
  }
  const abi::Action otherwise = policy::Resolve(syscalls.default_action, archs[0]);
  if (policy::Resolve(syscalls.unknown, archs[0]) != otherwise) {
    return Refuse(fmt::format("unknown numbers answer the default there, {}, and {} in the policy",
                              policy::ToString(syscalls.default_action),
                              policy::ToString(syscalls.unknown)));
  }
  if (ActionOf(otherwise).is_null()) {
    return Refuse("it has no action " + policy::ToString(syscalls.default_action));
  }
  return {};
}

ordered_json ArgumentOf(const Match& match) {
  const bool is_narrow = match.mask <= 0xffffffff;
  const bool is_whole = match.mask == (is_narrow ? 0xffffffff : ~0ull);
  ordered_json argument;
  argument["index"] = match.slot;
  argument["type"] = is_narrow ? "dword" : "qword";
  if (is_whole) {
    argument["op"] = "eq";
  } else {
    argument["op"]["masked_eq"] = match.mask;
  }
  argument["val"] = match.value;
  return argument;
}

}  // namespace

base::Result<std::string> ExportFirecracker(const policy::Syscalls& syscalls,
                                            std::string_view thread) {
  if (auto status = CheckFrame(syscalls); !status) return status.error();
  Graph graph;
  const auto resolved = Resolve(graph, syscalls, Leaves::kActions);
  if (!resolved) return resolved.error();
  const auto calls = EntriesOf(graph, *resolved, syscalls, kFormat);
  if (!calls) return calls.error();
  const abi::Arch arch = syscalls.architectures[0];
  ordered_json rules = ordered_json::array();
  std::optional<std::uint32_t> action;
  for (const auto& [name, call] : *calls) {
    for (const Entry& entry : call.entries) {
      const abi::Action answer = abi::Decode(entry.action);
      if (!action) action = entry.action;
      if (ActionOf(answer).is_null()) {
        return CannotSay(syscalls, kFormat, name, "it has no action " + abi::ToString(answer));
      }
      if (entry.action != *action) {
        return CannotSay(
            syscalls, kFormat, name,
            fmt::format("beside the default there is one answer, which is {} for "
                        "others and {} for this",
                        abi::ToString(abi::Decode(*action), arch), abi::ToString(answer, arch)));
      }
      ordered_json rule;
      rule["syscall"] = name;
      for (const Match& match : entry.matches) rule["args"].push_back(ArgumentOf(match));
      rules.push_back(std::move(rule));
    }
  }
  const abi::Action otherwise = policy::Resolve(syscalls.default_action, arch);
  // Where everything answers the default, no rule uses the other answer; it must differ from it.
  const abi::Action other = action                                      ? abi::Decode(*action)
                            : otherwise.kind == abi::ActionKind::kAllow ? abi::Action::KillProcess()
                                                                        : abi::Action::Allow();
  ordered_json filter;
  filter["default_action"] = ActionOf(otherwise);
  filter["filter_action"] = ActionOf(other);
  filter["filter"] = std::move(rules);
  ordered_json file;
  file[std::string(thread)] = std::move(filter);
  std::string text = file.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  if (auto status = CheckSize(syscalls, *calls, kFormat, text); !status) return status.error();
  return text;
}

}  // namespace bailey::compile
