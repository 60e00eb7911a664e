// Rules are folded from the last to the first, each with the decision of those after it as its
// "otherwise", so first match needs no bookkeeping; the graph leaves out what cannot be reached.
#include "compile/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "abi/action.h"
#include "abi/notification.h"
#include "abi/syscalls.h"
#include "compile/condition_graph.h"

namespace bailey::compile {
namespace {

using abi::Arch;
using policy::Answer;
using policy::Rule;

// A filter has at most 4096 instructions; a graph this large cannot become one.
constexpr std::size_t kMaxNodes = 1 << 17;
constexpr std::size_t kMaxPieces = 1 << 22;

// Calls of x32 that have two numbers.
constexpr std::size_t kX32OwnCount = abi::kX32LastOwn - abi::kX32FirstOwn + 1;

// Calls of the i386 socketcall and ipc kind. ipc's selector is the low half of its argument; the
// high half is a version (ipc/syscall.c).
struct Multiplexer {
  std::string_view name;
  bool abi::ArchInfo::* has;
  std::uint32_t mask;
  std::span<const abi::Multiplexed> (*table)();
};
constexpr Multiplexer kMultiplexers[] = {
    {"socketcall", &abi::ArchInfo::has_socketcall, kAllBits, &abi::SocketcallTable},
    {"ipc", &abi::ArchInfo::has_ipc, 0xffff, &abi::IpcTable},
};

// Numbers under one token that belong to one architecture.
struct Zone {
  std::uint32_t first;
  Arch arch;
};

// Without the bits that nobody would see, so that equal answers are equal (and allow is the exact
// value that the kernel's bitmap asks for).
std::uint32_t Normalized(abi::Action action) {
  return abi::Encode(abi::Decode(abi::Encode(action)));
}

class Resolver {
 public:
  Resolver(Graph& graph, const policy::Syscalls& syscalls, Leaves leaves,
           const policy::Audit* audit)
      : graph_(graph), syscalls_(syscalls), leaves_(leaves), audit_(audit) {}

  base::Result<Resolved> Run();

 private:
  using RuleIndexes = std::vector<std::uint32_t>;

  base::Status IndexRules();
  // These leave the first fault in failure_, which is looked at once for each architecture.
  void DecideCalls(Arch arch);
  NodeId DecideCall(Arch arch, std::string_view name, std::optional<std::size_t> name_index,
                    std::uint32_t number);
  NodeId FoldRules(Arch arch, std::string_view name, const RuleIndexes& rules);
  NodeId DecideMultiplexer(Arch arch, const Multiplexer& multiplexer);
  NodeId DecideSubcall(Arch arch, std::string_view name);
  NodeId SwitchOnNumber(std::uint32_t token);
  std::vector<Zone> ZonesOf(std::uint32_t token) const;
  bool IsListed(Arch arch) const { return std::ranges::find(archs_, arch) != archs_.end(); }

  // Indexes of the rules that name the call there, by name (an index into abi::AllNames()) or
  // number, up to the first without a condition. What is returned holds until the next question.
  const RuleIndexes& RulesFor(Arch arch, std::optional<std::size_t> name,
                              std::optional<std::uint32_t> number);
  bool FallsBack(std::string_view name) const;
  std::uint32_t IndexOf(const Answer& answer);
  NodeId LeafOf(Arch arch, const Answer& answer, std::uint32_t rule);
  NodeId LeafOfIndex(Arch arch, std::uint32_t answer, std::uint32_t rule);
  void CannotFold(Arch arch, std::string_view name, const Rule& rule, std::string_view cause);

  Graph& graph_;
  const policy::Syscalls& syscalls_;
  const Leaves leaves_;
  const policy::Audit* const audit_;
  std::string_view call_;  // that is being decided: notices are for calls, not for answers alone
  std::vector<Arch> archs_;
  // Rules on each name of abi::AllNames(): the first, and for each rule the next, both plus one.
  std::vector<std::uint32_t> first_rule_;
  std::vector<std::uint32_t> next_rule_;
  RuleIndexes rules_;
  std::map<std::pair<Arch, std::uint32_t>, RuleIndexes> rules_by_number_;
  // Few answers are given to many calls, and comparing them is not free: each once, and for each
  // rule which it is. Their leaves are those of leaves_arch_.
  std::vector<const Answer*> answers_;
  std::vector<std::uint32_t> answer_of_rule_;
  std::uint32_t default_answer_ = 0, fallback_answer_ = 0;
  std::vector<std::optional<NodeId>> leaf_of_answer_;
  std::optional<Arch> leaves_arch_;
  std::map<Arch, std::pair<std::size_t, std::size_t>> calls_of_;  // half-open, in result_.calls
  Resolved result_;
  std::optional<base::Error> failure_;
};

base::Result<Resolved> Resolver::Run() {
  archs_ = Ordered(syscalls_.architectures);
  for (const Arch arch : archs_) {
    if (abi::Info(arch).big_endian != abi::Info(archs_[0]).big_endian) {
      return base::InvalidInput(
          fmt::format("compile policy: {} and {} have different byte orders, and no kernel runs "
                      "both; make a filter for each",
                      abi::Info(archs_[0]).name, abi::Info(arch).name));
    }
  }
  if (auto status = IndexRules(); !status) return status.error();
  std::size_t calls = rules_by_number_.size();
  for (const Arch arch : archs_) calls += abi::Syscalls(arch).size();
  result_.calls.reserve(calls + kX32OwnCount);
  for (const Arch arch : archs_) {
    DecideCalls(arch);
    if (failure_) return *std::move(failure_);
  }

  std::map<std::uint32_t, NodeId> by_token;
  for (const Arch arch : archs_) {
    const std::uint32_t token = abi::Info(arch).token;
    if (!by_token.contains(token)) by_token.emplace(token, SwitchOnNumber(token));
  }
  const NodeId foreign =
      LeafOf(syscalls_.architectures.empty() ? abi::NativeArch() : syscalls_.architectures[0],
             syscalls_.foreign, kNoRule);
  std::vector<Piece> pieces = {{0, foreign}};
  for (const auto& [token, node] : by_token) {
    if (pieces.back().first == token) pieces.pop_back();
    pieces.push_back({token, node});
    pieces.push_back({token + 1, foreign});
  }
  result_.root = graph_.Switch(Word::kArch, kAllBits, pieces);
  return std::move(result_);
}

base::Status Resolver::IndexRules() {
  result_.closes_subcalls.resize(syscalls_.rules.size());
  result_.names_call.resize(syscalls_.rules.size());
  first_rule_.resize(abi::AllNames().size());
  next_rule_.resize(syscalls_.rules.size());
  answer_of_rule_.resize(syscalls_.rules.size());
  default_answer_ = IndexOf(syscalls_.default_action);
  fallback_answer_ = IndexOf(syscalls_.fallback_default);
  // From the last to the first, so that each list is in order.
  for (auto i = static_cast<std::uint32_t>(syscalls_.rules.size()); i-- > 0;) {
    const Rule& rule = syscalls_.rules[i];
    answer_of_rule_[i] = IndexOf(rule.answer);
    if (!rule.number) {
      const auto name = abi::NameIndexOf(rule.syscall);
      if (name) next_rule_[i] = std::exchange(first_rule_[*name], i + 1);
    } else if (rule.arch) {
      RuleIndexes& rules = rules_by_number_[{*rule.arch, *rule.number}];
      rules.insert(rules.begin(), i);
    } else {
      base::Error error = base::InvalidInput(
          fmt::format("compile rule for number {}: it names no architecture", *rule.number));
      error.location = rule.location;
      return error;
    }
  }
  return {};
}

const Resolver::RuleIndexes& Resolver::RulesFor(Arch arch, std::optional<std::size_t> name,
                                                std::optional<std::uint32_t> number) {
  rules_.clear();
  if (name) {
    for (std::uint32_t i = first_rule_[*name]; i != 0; i = next_rule_[i - 1]) {
      const auto& only = syscalls_.rules[i - 1].arch;
      if (only && *only != arch) continue;
      rules_.push_back(i - 1);
      // No later rule by this name decides; one by the number may stand before it.
      if (!syscalls_.rules[i - 1].condition) break;
    }
  }
  if (!number || rules_by_number_.empty()) return rules_;
  const auto by_number = rules_by_number_.find({arch, *number});
  if (by_number == rules_by_number_.end()) return rules_;
  rules_.insert(rules_.end(), by_number->second.begin(), by_number->second.end());
  std::ranges::sort(rules_);
  const auto last = std::ranges::find_if(
      rules_, [this](std::uint32_t i) { return !syscalls_.rules[i].condition.has_value(); });
  if (last != rules_.end()) rules_.erase(last + 1, rules_.end());
  return rules_;
}

// Whether the default for the call is that of calls whose callers fall back.
bool Resolver::FallsBack(std::string_view name) const {
  return syscalls_.default_action.kind == abi::ActionKind::kErrno && !name.empty() &&
         policy::IsFallbackCall(name);
}

// Of very many answers the latest are looked at: one may then be there twice.
std::uint32_t Resolver::IndexOf(const Answer& answer) {
  constexpr std::size_t kLookedAt = 32;
  const std::size_t stop = answers_.size() > kLookedAt ? answers_.size() - kLookedAt : 0;
  for (std::size_t i = answers_.size(); i-- > stop;) {
    if (answers_[i] == &answer || *answers_[i] == answer) return static_cast<std::uint32_t>(i);
  }
  answers_.push_back(&answer);
  return static_cast<std::uint32_t>(answers_.size() - 1);
}

NodeId Resolver::LeafOf(Arch arch, const Answer& answer, std::uint32_t rule) {
  if (leaves_ == Leaves::kRules) return graph_.Leaf(rule);
  return LeafOfIndex(arch, IndexOf(answer), rule);
}

NodeId Resolver::LeafOfIndex(Arch arch, std::uint32_t answer, std::uint32_t rule) {
  if (leaves_ == Leaves::kRules) return graph_.Leaf(rule);
  if (leaves_arch_ != arch) leaf_of_answer_.clear();
  leaves_arch_ = arch;
  if (answer >= leaf_of_answer_.size()) leaf_of_answer_.resize(answers_.size());
  std::optional<NodeId>& leaf = leaf_of_answer_[answer];
  if (!leaf) leaf = graph_.Leaf(Normalized(policy::Resolve(*answers_[answer], arch)));
  if (audit_ == nullptr || !policy::IsNotified(*audit_, call_, *answers_[answer])) return *leaf;
  return graph_.Leaf(abi::Notified(abi::Decode(graph_.LeafValue(*leaf))));
}

void Resolver::DecideCalls(Arch arch) {
  const std::size_t first = result_.calls.size();
  const auto decide = [&](std::string_view name, std::optional<std::size_t> name_index,
                          std::uint32_t number) {
    result_.calls.push_back({arch, number, name, DecideCall(arch, name, name_index, number)});
  };
  for (const abi::Syscall& call : abi::Syscalls(arch)) {
    decide(call.name, call.name_index, call.number);
    if (failure_) return;
    const std::uint32_t bare = call.number & ~abi::kX32Bit;
    if (arch == Arch::kX32 && bare >= abi::kX32FirstOwn && bare <= abi::kX32LastOwn) {
      decide(call.name, call.name_index, bare);
    }
  }
  const auto of_arch = rules_by_number_.lower_bound({arch, 0});
  for (auto it = of_arch; it != rules_by_number_.end() && it->first.first == arch; ++it) {
    const std::uint32_t number = it->first.second;
    if (std::ranges::find(result_.calls.begin() + static_cast<std::ptrdiff_t>(first),
                          result_.calls.end(), number, &Call::number) != result_.calls.end()) {
      continue;
    }
    decide({}, {}, number);
    if (failure_) return;
  }
  const std::span<Call> calls = std::span(result_.calls).subspan(first);
  // They are in order already, unless raw rules or x32's own numbers were added.
  if (!std::ranges::is_sorted(calls, {}, &Call::number)) {
    std::ranges::sort(calls, {}, &Call::number);
  }
  calls_of_[arch] = {first, result_.calls.size()};
}

NodeId Resolver::DecideCall(Arch arch, std::string_view name, std::optional<std::size_t> name_index,
                            std::uint32_t number) {
  call_ = name;
  const RuleIndexes& rules = RulesFor(arch, name_index, number);
  if (rules.empty() && syscalls_.multiplexers == policy::Multiplexers::kFollow) {
    for (const Multiplexer& multiplexer : kMultiplexers) {
      if (name == multiplexer.name && abi::Info(arch).*multiplexer.has) {
        return DecideMultiplexer(arch, multiplexer);
      }
    }
  }
  return FoldRules(arch, name, rules);
}

NodeId Resolver::FoldRules(Arch arch, std::string_view name, const RuleIndexes& rules) {
  for (const std::uint32_t i : rules) result_.names_call[i] = true;
  const bool is_covered = !rules.empty() && !syscalls_.rules[rules.back()].condition;
  NodeId node = {};
  if (!is_covered) {
    node = LeafOfIndex(arch, FallsBack(name) ? fallback_answer_ : default_answer_, kNoRule);
  }
  for (auto it = rules.rbegin(); it != rules.rend(); ++it) {
    const Rule& rule = syscalls_.rules[*it];
    const NodeId answer = LeafOfIndex(arch, answer_of_rule_[*it], *it);
    if (!rule.condition) {
      node = answer;
      continue;
    }
    const auto folded = BuildCondition(graph_, {arch, rule.syscall}, *rule.condition, answer, node);
    if (!folded) {
      CannotFold(arch, name, rule, folded.error().text);
      return node;
    }
    if (graph_.Size() > kMaxNodes || graph_.PieceCount() > kMaxPieces) {
      CannotFold(arch, name, rule, "the conditions are more than a filter can hold");
      return node;
    }
    node = *folded;
  }
  return node;
}

void Resolver::CannotFold(Arch arch, std::string_view name, const Rule& rule,
                          std::string_view cause) {
  base::Error error = base::InvalidInput(
      fmt::format("compile condition \"{}\" on {}, {}: {}", policy::ToString(*rule.condition),
                  name.empty() ? "a raw number" : name, abi::Info(arch).name, cause));
  error.location = rule.location;
  if (!failure_) failure_ = std::move(error);
}

NodeId Resolver::DecideMultiplexer(Arch arch, const Multiplexer& multiplexer) {
  const NodeId unknown = LeafOf(arch, syscalls_.unknown, kNoRule);
  std::vector<Piece> pieces = {{0, unknown}};
  for (const abi::Multiplexed& subcall : multiplexer.table()) {
    const NodeId decision = DecideSubcall(arch, subcall.name);
    if (pieces.back().first == subcall.selector) pieces.pop_back();
    pieces.push_back({subcall.selector, decision});
    pieces.push_back({subcall.selector + 1, unknown});
  }
  return graph_.Switch(LowWord(0), multiplexer.mask, pieces);
}

// The arguments lie behind a pointer, so a condition cannot be followed: what any of the rules, or
// the default below them, could answer is reduced to the strictest.
NodeId Resolver::DecideSubcall(Arch arch, std::string_view name) {
  const RuleIndexes& rules = RulesFor(arch, abi::NameIndexOf(name), abi::Number(arch, name));
  const Answer* strictest = nullptr;
  std::uint32_t decides = kNoRule;
  const auto consider = [&](const Answer& answer, std::uint32_t rule) {
    if (strictest != nullptr &&
        abi::ComparePrecedence(abi::Encode(policy::Resolve(answer, arch)),
                               abi::Encode(policy::Resolve(*strictest, arch))) >= 0) {
      return;
    }
    strictest = &answer;
    decides = rule;
  };
  for (const std::uint32_t i : rules) {
    result_.names_call[i] = true;
    result_.closes_subcalls[i] = true;
    consider(syscalls_.rules[i].answer, i);
  }
  const bool is_covered = !rules.empty() && !syscalls_.rules[rules.back()].condition;
  if (!is_covered) {
    consider(FallsBack(name) ? syscalls_.fallback_default : syscalls_.default_action, kNoRule);
  }
  return LeafOf(arch, *strictest, decides);
}

// x86_64 and x32 share a token. A tracer that skips a call leaves -1 in its place, which has x32's
// bit set and belongs to nobody: negative numbers are x86_64's when it is listed, so that skipping
// does not kill.
std::vector<Zone> Resolver::ZonesOf(std::uint32_t token) const {
  if (token == abi::Info(Arch::kX86_64).token) {
    return {{0, Arch::kX86_64},
            {abi::kX32FirstOwn, Arch::kX32},
            {abi::kX32LastOwn + 1, Arch::kX86_64},
            {abi::kX32Bit, Arch::kX32},
            {0x80000000, IsListed(Arch::kX86_64) ? Arch::kX86_64 : Arch::kX32}};
  }
  const auto arch = std::ranges::find(archs_, token, [](Arch a) { return abi::Info(a).token; });
  return {{0, *arch}};
}

NodeId Resolver::SwitchOnNumber(std::uint32_t token) {
  call_ = {};
  const std::vector<Zone> zones = ZonesOf(token);
  std::vector<Piece> pieces;
  const auto put = [&pieces](std::uint32_t first, NodeId next) {
    if (!pieces.empty() && pieces.back().first == first) pieces.pop_back();
    if (pieces.empty() || pieces.back().next != next) pieces.push_back({first, next});
  };
  const Arch foreign_arch = syscalls_.architectures[0];
  for (std::size_t i = 0; i < zones.size(); ++i) {
    const Zone& zone = zones[i];
    const std::uint32_t last = i + 1 < zones.size() ? zones[i + 1].first - 1 : kAllBits;
    if (!IsListed(zone.arch)) {
      put(zone.first, LeafOf(foreign_arch, syscalls_.foreign, kNoRule));
      continue;
    }
    const NodeId unknown = LeafOf(zone.arch, syscalls_.unknown, kNoRule);
    put(zone.first, unknown);
    const auto [begin, end] = calls_of_.at(zone.arch);
    const std::span<const Call> calls = std::span(result_.calls).subspan(begin, end - begin);
    auto call = std::ranges::lower_bound(calls, zone.first, {}, &Call::number);
    for (; call != calls.end() && call->number <= last; ++call) {
      put(call->number, call->decision);
      if (call->number != last) put(call->number + 1, unknown);
    }
  }
  return graph_.Switch(Word::kNumber, kAllBits, pieces);
}

}  // namespace

base::Result<Resolved> Resolve(Graph& graph, const policy::Syscalls& syscalls, Leaves leaves,
                               const policy::Audit* audit) {
  return Resolver(graph, syscalls, leaves, audit).Run();
}

std::vector<Arch> Ordered(const std::vector<Arch>& architectures) {
  std::vector<Arch> ordered;
  for (const Arch arch : architectures) {
    if (std::ranges::find(ordered, arch) == ordered.end()) ordered.push_back(arch);
  }
  const auto native = std::ranges::find(ordered, abi::NativeArch());
  if (native != ordered.end()) std::rotate(ordered.begin(), native, native + 1);
  return ordered;
}

}  // namespace bailey::compile
