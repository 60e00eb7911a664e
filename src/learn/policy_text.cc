#include "learn/policy_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "abi/constants.h"
#include "abi/syscalls.h"
#include "audit/decode.h"
#include "base/text.h"
#include "egress/decide.h"
#include "learn/modes.h"
#include "learn/recording_filter.h"
#include "policy/condition.h"
#include "prove/reading.h"

namespace bailey::learn {
namespace {

using abi::Arch;

// What the C library's memory and locks call as they please, and another run may where this one
// did not.
constexpr std::string_view kAlways[] = {
    "brk", "futex", "madvise", "mmap", "mmap2", "mprotect", "mremap", "munmap", "sched_yield",
};

// include/uapi/linux/sched.h: CLONE_NEWTIME is a signal's bit in clone.
constexpr std::uint64_t kNewNamespaces = 0x7e020000;
constexpr std::string_view kNoNamespaces =
    "not clone_flags & "
    "CLONE_NEWNS|CLONE_NEWCGROUP|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWUSER|CLONE_NEWPID|CLONE_NEWNET";

constexpr std::uint64_t kUnixFamily = 1;  // AF_UNIX, on every architecture
// A bound of what ran at once is what was started at all; other runs may start more.
constexpr std::uint64_t kLeastProcesses = 256;

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string List(const std::vector<std::string>& entries) {
  if (entries.empty()) return "[]";
  std::string text = "[\n";
  for (const std::string& entry : entries) text += "  " + entry + ",\n";
  return text + "]";
}

bpf::SeccompData CallOf(Arch arch, std::string_view name, const abi::Argument* telling,
                        std::uint64_t value) {
  bpf::SeccompData data = {.nr = abi::Number(arch, name).value_or(0),
                           .arch = abi::Info(arch).token};
  if (telling == nullptr) return data;
  data.args[telling->low_slot] = value;
  if (telling->high_slot != telling->low_slot) {
    data.args[telling->low_slot] = value & 0xffffffff;
    data.args[telling->high_slot] = value >> 32;
  }
  return data;
}

// The condition under which the call was seen; empty: whatever it asks for.
std::string ConditionOf(Arch arch, const std::string& name, const CallUse& use) {
  if (GivesMode(name) && !use.sets_ids) {
    return NeedsFlags(name) ? "not flags & O_CREAT|O_TMPFILE or not mode & S_ISUID|S_ISGID"
                            : "not mode & S_ISUID|S_ISGID";
  }
  const auto telling = audit::TellingArgumentOf(arch, name);
  // Memory is given and taken back in ways that differ from run to run.
  const bool varies = name == "madvise" || name == "mprotect" || use.has_more_values;
  if (!telling || use.values.empty() || varies) return {};
  if (name == "clone") {
    const bool is_plain = std::ranges::none_of(
        use.values, [](std::uint64_t flags) { return (flags & kNewNamespaces) != 0; });
    return is_plain ? std::string(kNoNamespaces) : std::string();
  }
  std::vector<std::string> values;
  for (const std::uint64_t value : use.values) {
    const auto text = audit::TellingArgument(CallOf(arch, name, &*telling, value));
    values.push_back(text ? text->text : fmt::format("{:#x}", value));
  }
  if (values.size() == 1) return fmt::format("{} == {}", telling->name, values[0]);
  return fmt::format("{} in {{{}}}", telling->name, fmt::join(values, ", "));
}

std::string EntryOf(const std::string& name, std::optional<Arch> only,
                    const std::string& condition) {
  if (!only && condition.empty()) return Quoted(name);
  std::string text = fmt::format("{{ syscall = {}", Quoted(name));
  if (only) text += fmt::format(", arch = {}", Quoted(abi::Info(*only).name));
  if (!condition.empty()) text += fmt::format(", when = {}", Quoted(condition));
  return text + " }";
}

// Whether an entry names this host, at whatever port.
bool IsConnectedTo(const Profile& profile, const std::string& name) {
  const auto entry = profile.destinations.lower_bound(name + ":");
  return entry != profile.destinations.end() && entry->starts_with(name + ":");
}

std::string NetworkText(const Profile& profile, bool is_the_hosts) {
  std::string text = "\n[network]\n";
  if (!is_the_hosts && !profile.destinations.empty()) {
    std::vector<std::string> entries;
    for (const std::string& entry : profile.destinations) entries.push_back(Quoted(entry));
    text += fmt::format("mode = \"allow\"\nallow = {}\n", List(entries));
  } else {
    text += fmt::format("mode = \"{}\"\n", is_the_hosts ? "host" : "none");
    for (const std::string& address : profile.addresses)
      text += fmt::format("# connected to {}\n", base::Escape(address));
  }
  for (const std::string& name : OnlyLookedUp(profile)) {
    text += fmt::format(
        "# asked for the address of {0}, and connected to none\n"
        "#   to let it have one: \"{0}:443\" under allow, and mode = \"allow\"\n",
        name);
  }
  return text;
}

std::vector<Arch> ArchsOf(const Profile& profile) {
  std::vector<Arch> archs;
  for (const auto& [call, use] : profile.calls)
    if (std::ranges::find(archs, call.first) == archs.end()) archs.push_back(call.first);
  return archs;
}

// The C library asks for a cache of names by a socket; where there is none, that is all.
bool IsProbingUnixSockets(const Profile& profile) {
  return !profile.unix_sockets && std::ranges::any_of(profile.calls, [](const auto& one) {
    const auto& [call, use] = one;
    return call.second == "socket" && use.values.contains(kUnixFamily) && !use.has_more_values;
  });
}

std::uint64_t ProcessesOf(const Profile& profile) {
  std::uint64_t started = 0;
  for (const auto& [call, use] : profile.calls) {
    const std::string& name = call.second;
    if (name == "clone" || name == "clone3" || name == "fork" || name == "vfork")
      started += use.count;
  }
  return std::max(kLeastProcesses, 2 * started);
}

std::vector<std::string> AllowEntries(const Profile& profile, const std::vector<Arch>& archs) {
  std::vector<std::string> entries;
  for (const Arch arch : archs) {
    const std::optional<Arch> only = archs.size() > 1 ? std::optional(arch) : std::nullopt;
    std::map<std::string, std::string> conditions;
    for (const auto& [call, use] : profile.calls) {
      if (call.first != arch) continue;
      CallUse granted = use;
      if (IsProbingUnixSockets(profile) && call.second == "socket") {
        granted.values.erase(kUnixFamily);
        if (granted.values.empty()) continue;
      }
      conditions[call.second] = ConditionOf(arch, call.second, granted);
    }
    // What clone3 asks for is behind a pointer: without it the C library falls back to clone.
    if (conditions.erase("clone3") > 0) conditions.try_emplace("clone", kNoNamespaces);
    const auto always = [&](std::string_view name) {
      if (abi::Number(arch, name)) conditions[std::string(name)] = "";
    };
    for (const std::string_view name : kAlways) always(name);
    for (const std::string_view name : Unseen()) always(name);
    for (const auto& [name, condition] : conditions)
      entries.push_back(EntryOf(name, only, condition));
  }
  return entries;
}

// ENOSYS where libraries then make an older call.
bool IsExpected(const std::string& call, const std::string& answer) {
  return answer == "ENOSYS" &&
         !policy::IsNotified({.log = policy::AuditLog::kDenied}, call, {.errno_name = answer});
}

}  // namespace

std::vector<std::string> OnlyLookedUp(const Profile& profile) {
  std::vector<std::string> names;
  std::ranges::copy_if(profile.names, std::back_inserter(names),
                       [&](const std::string& name) { return !IsConnectedTo(profile, name); });
  return names;
}

std::string PolicyText(const Profile& profile, const Grants& grants,
                       const LearnedOptions& options) {
  const auto paths = [&](const std::vector<std::string>& list) {
    std::vector<std::string> entries;
    for (const std::string& path : list)
      entries.push_back(path == options.workspace ? "\".\"" : Quoted(path + "?"));
    return List(entries);
  };
  const auto quoted = [](const auto& list) {
    std::vector<std::string> entries;
    for (const auto& one : list) entries.push_back(Quoted(one));
    return List(entries);
  };
  const std::vector<Arch> archs = ArchsOf(profile);
  std::vector<std::string> arch_names;
  for (const Arch arch : archs) arch_names.push_back(std::string(abi::Info(arch).name));
  std::string text = fmt::format(
      "# What the program did in {} recorded run{}, and no more: see `bailey learn --help`.\n"
      "bailey = 1\nname = {}\nextends = [\"os\"]\n\n",
      profile.runs, profile.runs == 1 ? "" : "s", Quoted(options.name));
  text +=
      fmt::format("[filesystem]\nread = {}\nwrite = {}\n", paths(grants.read), paths(grants.write));
  std::vector<std::string> binds;
  for (const std::string& path : grants.named)
    binds.push_back(fmt::format("{{ from = {}, to = {} }}", Quoted(path + "?"), Quoted(path)));
  if (!binds.empty()) text += fmt::format("bind = {}\n", List(binds));
  if (!profile.sockets.empty()) {
    const std::vector<std::string> sockets(profile.sockets.begin(), profile.sockets.end());
    text += fmt::format("sockets = {}\n", paths(sockets));
  }
  if (!options.hide.empty()) text += fmt::format("hide = {}\n", quoted(options.hide));
  text += NetworkText(profile, options.host_network);
  text += fmt::format("\n[environment]\npass = {}\n", quoted(options.pass));
  text += fmt::format(
      "\n[syscalls]\ndefault = \"EPERM\"\nunknown = \"ENOSYS\"\narchitectures = {}\nallow = {}\n",
      quoted(arch_names), List(AllowEntries(profile, archs)));
  if (!options.hot.empty()) text += fmt::format("hot = {}\n", Quoted(options.hot));
  text += fmt::format("\n[limits]\npids = {}\n", ProcessesOf(profile));
  text += "\n[audit]\nlog = \"denied\"\n";
  if (IsProbingUnixSockets(profile))
    text += "probes = [{ syscall = \"socket\", when = \"family == AF_UNIX\" }]\n";
  if (!options.keep.empty())
    text += fmt::format("\n[guarantees]\nkeep = {}\n", quoted(options.keep));
  return text;
}

std::string HotText(const Profile& profile) {
  nlohmann::ordered_json calls = nlohmann::ordered_json::object();
  for (const auto& [call, use] : profile.calls)
    calls[std::string(abi::Info(call.first).name)][call.second] = use.count;
  const nlohmann::ordered_json whole = {{"version", 1}, {"calls", std::move(calls)}};
  return whole.dump(1) + "\n";
}

std::vector<WouldDeny> Check(const policy::Policy& policy, const Profile& profile) {
  std::vector<WouldDeny> denied;
  for (const auto& [call, use] : profile.calls) {
    const auto& [arch, name] = call;
    if (!abi::Number(arch, name)) continue;
    const auto telling = audit::TellingArgumentOf(arch, name);
    std::vector<std::uint64_t> values(use.values.begin(), use.values.end());
    if (!telling || values.empty()) values = {0};
    for (const std::uint64_t value : values) {
      const bpf::SeccompData data = CallOf(arch, name, telling ? &*telling : nullptr, value);
      const prove::Decision decision = prove::Decide(policy.syscalls, data);
      const abi::ActionKind kind = decision.action.kind;
      if (kind == abi::ActionKind::kAllow || kind == abi::ActionKind::kLog) continue;
      if (prove::IsProbe(policy, data)) continue;
      const std::string answer = abi::ToString(decision.action, arch);
      if (IsExpected(name, answer)) continue;
      std::string text =
          arch == abi::NativeArch() ? name : fmt::format("{}: {}", abi::Info(arch).name, name);
      if (const auto argument = audit::TellingArgument(data))
        text += fmt::format("({}={})", argument->name, argument->text);
      denied.push_back({std::move(text), answer, decision.reason, use.count});
    }
  }
  return denied;
}

std::vector<WouldRefuse> CheckNetwork(const policy::Network& network, const Profile& profile) {
  if (network.mode == policy::NetworkMode::kHost) return {};
  std::vector<WouldRefuse> refused;
  for (const std::string& entry : profile.destinations) {
    const auto rule = egress::ParseRule(entry, egress::RuleList::kAllow);
    if (!rule) continue;
    if (network.mode != policy::NetworkMode::kAllow) {
      refused.push_back({entry, "the policy has no network"});
      continue;
    }
    const auto* const name = std::get_if<egress::Name>(&rule->target);
    const auto* const range = std::get_if<base::AddressRange>(&rule->target);
    egress::Verdict verdict;
    if (name) verdict = network.egress.Decide(name->host, rule->ports.low, rule->protocol);
    if (range) verdict = network.egress.Decide(range->first, rule->ports.low, rule->protocol);
    if (!verdict.allowed) refused.push_back({entry, verdict.why});
  }
  return refused;
}

}  // namespace bailey::learn
