// The order of the list is the whole of the precedence: from the top layer down, each layer's
// denies and then its allows of single calls; at the end the groups that any layer allows. So a
// deny beats an allow of its own layer, an allow of one call beats the denies below it, and a group
// opens nothing that any layer denies.
#include "policy/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "abi/constants.h"
#include "abi/syscalls.h"
#include "policy/condition_check.h"
#include "policy/groups.h"
#include "policy/table_reader.h"

namespace bailey::policy {
namespace {

constexpr std::uint16_t kUnix = 1;  // AF_UNIX, on every architecture

template <class T>
void TakeHighest(std::span<const Layer> layers, std::optional<T> CallLayer::* key, T& out) {
  for (const Layer& layer : layers) {
    if (layer.calls.*key) out = *(layer.calls.*key);
  }
}

std::vector<abi::Arch> Architectures(std::span<const Layer> layers, abi::Arch native) {
  std::vector<Text> names = {{"native", {}, false}, {"compat", {}, false}};
  TakeHighest(layers, &CallLayer::architectures, names);
  std::vector<abi::Arch> archs;
  for (const Text& name : names) {
    std::optional<abi::Arch> arch = native;
    if (name.value == "compat") {
      arch = abi::CompatArch(native);
    } else if (name.value != "native") {
      arch = abi::FindArch(name.value);
    }
    if (arch && std::ranges::find(archs, *arch) == archs.end()) archs.push_back(*arch);
  }
  return archs;
}

// The first entry that is plainly in both lists of a layer.
std::optional<base::Error> FindContradiction(const Layer& layer) {
  if (layer.is_preset || layer.calls.deny.empty()) return std::nullopt;
  constexpr int kEvery = -1;
  using Key = std::tuple<std::string_view, std::optional<std::uint32_t>, int>;
  const auto key = [](const CallEntry& entry, int arch) {
    return Key(entry.name, entry.number, arch);
  };
  const auto arch_of = [](const CallEntry& entry) {
    return entry.arch ? static_cast<int>(*entry.arch) : kEvery;
  };
  std::map<Key, const CallEntry*> allowed;
  for (const CallEntry& entry : layer.calls.allow) {
    if (!entry.condition) allowed.emplace(key(entry, arch_of(entry)), &entry);
  }
  const auto find = [&](const CallEntry& entry) -> const CallEntry* {
    for (int arch = kEvery; arch < static_cast<int>(abi::kArchCount); ++arch) {
      if (entry.arch && arch != kEvery && arch != arch_of(entry)) continue;
      const auto found = allowed.find(key(entry, arch));
      if (found != allowed.end()) return found->second;
    }
    return nullptr;
  };
  for (const CallEntry& entry : layer.calls.deny) {
    if (entry.condition) continue;
    const CallEntry* const allow = find(entry);
    if (allow == nullptr) continue;
    const std::string name =
        entry.number ? fmt::format("{} of {}", *entry.number, abi::Info(*entry.arch).name)
                     : std::string(entry.name);
    return layer.document->ErrorAt(
        entry.place, fmt::format("read [syscalls]: {} is denied here and allowed at {}", name,
                                 base::ToString(layer.document->At(allow->place))));
  }
  return std::nullopt;
}

// At most so many: each entry one, and each call one through groups.
std::size_t CountRules(std::span<const Layer> layers) {
  std::size_t singles = 0;
  std::size_t grouped = 0;
  for (const Layer& layer : layers) {
    singles += layer.calls.deny.size() + layer.calls.allow.size();
    for (const CallEntry& entry : layer.calls.allow) {
      if (entry.IsGroup()) grouped += FindGroup(entry.name)->members.size();
    }
  }
  return singles + std::min(grouped, abi::AllNames().size());
}

class RuleBuilder {
 public:
  explicit RuleBuilder(Syscalls& syscalls)
      : syscalls_(syscalls), decided_(abi::AllNames().size()), followed_(abi::AllNames().size()) {
    for (const abi::Arch arch : syscalls.architectures) {
      in_play_ |= ArchBit(arch);
      if (abi::Info(arch).has_socketcall) Follow(abi::SocketcallTable());
      if (abi::Info(arch).has_ipc) Follow(abi::IpcTable());
    }
  }

  std::optional<base::Error> Add(const Layer& layer, std::string_view list,
                                 const CallEntry& entry) {
    if (const Group* const group = entry.IsGroup() ? FindGroup(entry.name) : nullptr) {
      AddGroup(layer, list, entry, *group);
      return std::nullopt;
    }
    if (!layer.is_preset) {
      if (auto error = Check(layer, list, entry)) return error;
    }
    if (entry.number || IsInPlay(entry.name)) {
      AddRule({.syscall = std::string(entry.name),
               .number = entry.number,
               .arch = entry.arch,
               .condition = entry.condition,
               .answer = AnswerFor(list, entry, entry.name),
               .origin = OriginOf(list, layer),
               .location = layer.document->At(entry.place)});
    }
    return std::nullopt;
  }

  // Both calls that make sockets answer EAFNOSUPPORT to a family that is not listed; and socket
  // to the unix family where no path of a unix socket is granted: what socketpair makes has no
  // name that could lead out.
  void AddFamilies(const Layer& layer, std::span<const std::uint16_t> families,
                   bool has_socket_paths) {
    const auto add = [&](std::string_view call, OptionalCondition condition, std::string_view key) {
      if (!IsInPlay(call)) return;
      Rule rule;
      rule.syscall = call;
      rule.condition = std::move(condition);
      rule.answer = {abi::ActionKind::kErrno, "EAFNOSUPPORT", 0};
      rule.origin = fmt::format("{} of {}", key, layer.name);
      rule.location = layer.document->At(layer.calls.socket_families_place);
      AddRule(std::move(rule));
    };
    if (std::ranges::find(families, kUnix) != families.end() && !has_socket_paths)
      add("socket", FamilyIs(kUnix), "sockets");
    for (const std::string_view call : {"socket", "socketpair"})
      add(call, FamilyIsNotIn(families), "socket-families");
  }

 private:
  // Entries come list by list: each list's origin is made once.
  const base::SharedText& OriginOf(std::string_view list, const Layer& layer) {
    if (origin_layer_ != &layer || origin_list_ != list) {
      origin_ = fmt::format("{} of {}", list, layer.name);
      origin_layer_ = &layer;
      origin_list_ = list;
    }
    return origin_;
  }

  void Follow(std::span<const abi::Multiplexed> table) {
    for (const abi::Multiplexed& call : table) {
      if (const auto index = abi::NameIndexOf(call.name)) followed_[*index] = true;
    }
  }

  // Directly or through a multiplexer.
  bool IsInPlay(std::string_view name) const {
    const auto index = abi::NameIndexOf(name);
    if (!index) return false;
    if (followed_[*index]) return true;
    return std::ranges::any_of(syscalls_.architectures, [&](abi::Arch arch) {
      return abi::NumberAt(arch, *index).has_value();
    });
  }

  std::optional<base::Error> Check(const Layer& layer, std::string_view list,
                                   const CallEntry& entry) const {
    if (entry.arch && (in_play_ & ArchBit(*entry.arch)) == 0) {
      return layer.document->ErrorAt(
          entry.place, fmt::format("read [syscalls] {}: {} is not in architectures", list,
                                   abi::Info(*entry.arch).name));
    }
    const std::string where = fmt::format("[syscalls] {}", list);
    if (entry.number) return CheckCondition(layer, where, entry, {});
    std::span<const abi::Arch> archs = syscalls_.architectures;
    if (entry.arch) archs = {&*entry.arch, 1};
    const bool known = entry.arch ? HasCall(*entry.arch, entry.name) : IsInPlay(entry.name);
    if (known) return CheckCondition(layer, where, entry, archs);
    std::string names;
    for (const abi::Arch arch : archs)
      names += fmt::format("{}{}", names.empty() ? "" : " or ", abi::Info(arch).name);
    return layer.document->ErrorAt(
        entry.place,
        fmt::format("read [syscalls] {}: \"{}\" is no system call of {}", list, entry.name, names));
  }

  static bool HasCall(abi::Arch arch, std::string_view name) {
    const auto reaches = [&](std::span<const abi::Multiplexed> table) {
      return std::ranges::find(table, name, &abi::Multiplexed::name) != table.end();
    };
    return abi::Number(arch, name).has_value() ||
           (abi::Info(arch).has_socketcall && reaches(abi::SocketcallTable())) ||
           (abi::Info(arch).has_ipc && reaches(abi::IpcTable()));
  }

  static Answer AnswerFor(std::string_view list, const CallEntry& entry, std::string_view call) {
    if (list == "allow") return {abi::ActionKind::kAllow, "", 0};
    if (entry.answer) return *entry.answer;
    return {abi::ActionKind::kErrno, IsFallbackCall(call) ? "ENOSYS" : "EPERM", 0};
  }

  void AddGroup(const Layer& layer, std::string_view list, const CallEntry& entry,
                const Group& group) {
    const base::SharedText origin = fmt::format("{} {} of {}", list, entry.name, layer.name);
    const base::Location location = layer.document->At(entry.place);
    const std::uint32_t archs = entry.arch ? in_play_ & ArchBit(*entry.arch) : in_play_;
    for (const GroupMember& member : group.members) {
      if ((member.archs & archs) == 0 && !followed_[member.index]) continue;
      if (decided_[member.index]) continue;
      if (!entry.arch) decided_[member.index] = true;
      const std::string_view call = abi::AllNames()[member.index];
      Rule& rule = syscalls_.rules.emplace_back();
      rule.syscall = call;
      rule.arch = entry.arch;
      rule.answer = AnswerFor(list, entry, call);
      rule.origin = origin;
      rule.location = location;
    }
  }

  // What an earlier rule decides for good is left out.
  void AddRule(Rule rule) {
    const auto index = rule.number ? std::nullopt : abi::NameIndexOf(rule.syscall);
    if (index) {
      if (decided_[*index]) return;
      if (!rule.condition && !rule.arch) decided_[*index] = true;
    }
    syscalls_.rules.push_back(std::move(rule));
  }

  static Value FamilyValue(std::uint16_t family) {
    constexpr std::string_view kPrefix = "AF_";
    const std::string_view name = abi::ConstantName(abi::Arch::kX86_64, kPrefix, family);
    if (name.empty()) return {{Term{"", family}}};
    return {{Term{std::string(name), 0}}};
  }

  static Condition FamilyIs(std::uint16_t family) {
    return {.test = {.argument = "family",
                     .comparison = Comparison::kEqual,
                     .operands = {FamilyValue(family)}}};
  }

  static OptionalCondition FamilyIsNotIn(std::span<const std::uint16_t> families) {
    if (families.empty()) return std::nullopt;
    Condition listed = {.test = {.argument = "family", .comparison = Comparison::kIn}};
    for (const std::uint16_t family : families) listed.test.operands.push_back(FamilyValue(family));
    Condition condition;
    condition.kind = Condition::Kind::kNot;
    condition.children.push_back(std::move(listed));
    return condition;
  }

  Syscalls& syscalls_;
  std::uint32_t in_play_ = 0;
  std::vector<bool> decided_;   // by an unconditional rule for every architecture
  std::vector<bool> followed_;  // names that a multiplexer in play reaches
  base::SharedText origin_;     // of origin_layer_'s origin_list_
  const Layer* origin_layer_ = nullptr;
  std::string_view origin_list_;
};

std::vector<std::uint16_t> Families(const std::vector<Text>& names) {
  std::vector<std::uint16_t> families;
  for (const Text& name : names) families.push_back(*abi::SocketFamily(name.value));
  std::ranges::sort(families);
  const auto repeated = std::ranges::unique(families);
  families.erase(repeated.begin(), repeated.end());
  return families;
}

}  // namespace

base::Result<Syscalls> StackCalls(std::span<const Layer> layers, abi::Arch native) {
  Syscalls syscalls;
  syscalls.default_action = {abi::ActionKind::kErrno, "EPERM", 0};
  TakeHighest(layers, &CallLayer::default_action, syscalls.default_action);
  TakeHighest(layers, &CallLayer::unknown, syscalls.unknown);
  TakeHighest(layers, &CallLayer::foreign, syscalls.foreign);
  TakeHighest(layers, &CallLayer::fallback, syscalls.fallback_default);
  TakeHighest(layers, &CallLayer::multiplexers, syscalls.multiplexers);
  syscalls.architectures = Architectures(layers, native);

  const Layer* families = nullptr;
  bool has_socket_paths = false;
  for (const Layer& layer : layers) {
    if (layer.calls.socket_families) families = &layer;
    has_socket_paths |= !layer.sockets.empty();
  }
  if (families != nullptr) syscalls.socket_families = Families(*families->calls.socket_families);

  syscalls.rules.reserve(CountRules(layers));
  RuleBuilder builder(syscalls);
  for (std::size_t i = layers.size(); i-- > 0;) {
    const Layer& layer = layers[i];
    if (auto error = FindContradiction(layer)) return *std::move(error);
    for (const CallEntry& entry : layer.calls.deny) {
      if (auto error = builder.Add(layer, "deny", entry)) return *std::move(error);
    }
    if (&layer == families) builder.AddFamilies(layer, *syscalls.socket_families, has_socket_paths);
    for (const CallEntry& entry : layer.calls.allow) {
      if (entry.IsGroup()) continue;
      if (auto error = builder.Add(layer, "allow", entry)) return *std::move(error);
    }
  }
  for (std::size_t i = layers.size(); i-- > 0;) {
    for (const CallEntry& entry : layers[i].calls.allow) {
      if (!entry.IsGroup()) continue;
      if (auto error = builder.Add(layers[i], "allow", entry)) return *std::move(error);
    }
  }
  return syscalls;
}

}  // namespace bailey::policy
