// Ranges of numbers go to the diagram as a whole, and only calls with conditions become more than a
// terminal: so a preset costs some hundred steps, not one for each number.
#include "prove/policy_meaning.h"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "abi/syscalls.h"
#include "prove/condition_diagram.h"
#include "verify/outcome.h"
#include "verify/predicate.h"

namespace bailey::prove {
namespace {

using abi::Arch;
using policy::Rule;
using verify::Diagram;
using verify::Ref;
using verify::Span;
using verify::Word;

constexpr std::uint32_t kSignBit = 0x80000000;
constexpr std::uint32_t kNone = ~0u;
constexpr std::uint32_t kLastNumber = std::numeric_limits<std::uint32_t>::max();

Ref TerminalOf(abi::Action action) {
  return Diagram::Terminal(verify::EffectOf(verify::OutcomeOf(abi::Encode(action))));
}

// Spans in order, gaps filled, neighbours with one value joined.
class SpanList {
 public:
  // [next, first) answers `gap`, [first, last] answers `value`.
  void Add(std::uint32_t first, std::uint32_t last, Ref value, Ref gap) {
    if (first > next_) Append(static_cast<std::uint32_t>(next_), first - 1, gap);
    Append(first, last, value);
  }
  void FillTo(std::uint32_t last, Ref gap) {
    if (next_ <= last) Append(static_cast<std::uint32_t>(next_), last, gap);
  }
  std::span<const Span> Spans() const { return spans_; }

 private:
  void Append(std::uint32_t first, std::uint32_t last, Ref value) {
    next_ = std::uint64_t{last} + 1;
    if (!spans_.empty() && spans_.back().value == value) {
      spans_.back().last = last;
      return;
    }
    spans_.push_back({first, last, value});
  }

  std::vector<Span> spans_;
  std::uint64_t next_ = 0;
};

class MeaningBuilder {
 public:
  MeaningBuilder(Diagram& diagram, const policy::Syscalls& syscalls)
      : diagram_(diagram),
        syscalls_(syscalls),
        first_of_name_(abi::AllNames().size(), kNone),
        next_of_name_(syscalls.rules.size(), kNone) {
    for (std::size_t i = syscalls.rules.size(); i-- > 0;) {
      const Rule& rule = syscalls.rules[i];
      const auto index = static_cast<std::uint32_t>(i);
      if (rule.number) {
        raw_.push_back(index);
      } else if (const auto name = abi::NameIndexOf(rule.syscall)) {
        next_of_name_[i] = first_of_name_[*name];
        first_of_name_[*name] = index;
      }
    }
    std::ranges::reverse(raw_);
  }

  Ref Build() {
    const Arch first =
        syscalls_.architectures.empty() ? abi::NativeArch() : syscalls_.architectures.front();
    foreign_ = TerminalOf(policy::Resolve(syscalls_.foreign, first));
    std::vector<Span> tokens;
    for (const abi::ArchInfo& info : abi::AllArchs()) {
      const bool is_x86_token = info.token == abi::Info(Arch::kX86_64).token;
      if (info.arch == Arch::kX32 || (!is_x86_token && !IsListed(info.arch))) continue;
      tokens.push_back({info.token, info.token, is_x86_token ? X86Numbers() : Numbers(info.arch)});
    }
    std::ranges::sort(tokens, {}, &Span::first);
    return verify::Switch(diagram_, Word::kArch, tokens, foreign_);
  }

 private:
  // Sorted by number.
  using Calls = std::vector<std::pair<std::uint32_t, Ref>>;

  bool IsListed(Arch arch) const {
    return std::ranges::find(syscalls_.architectures, arch) != syscalls_.architectures.end();
  }

  Ref UnknownOn(Arch arch) const { return TerminalOf(policy::Resolve(syscalls_.unknown, arch)); }

  Ref Numbers(Arch arch) {
    SpanList spans;
    AddRange(spans, arch, CallsOf(arch), 0, kLastNumber);
    return verify::Switch(diagram_, Word::kNr, spans.Spans());
  }

  // One token, two tables.
  Ref X86Numbers() {
    const bool has_x86_64 = IsListed(Arch::kX86_64);
    const Calls native = has_x86_64 ? CallsOf(Arch::kX86_64) : Calls();
    const Calls x32 = IsListed(Arch::kX32) ? CallsOf(Arch::kX32) : Calls();
    SpanList spans;
    AddRange(spans, Arch::kX86_64, native, 0, abi::kX32FirstOwn - 1);
    AddRange(spans, Arch::kX32, x32, abi::kX32FirstOwn, abi::kX32LastOwn);
    AddRange(spans, Arch::kX86_64, native, abi::kX32LastOwn + 1, abi::kX32Bit - 1);
    AddRange(spans, Arch::kX32, x32, abi::kX32Bit, kSignBit - 1);
    AddRange(spans, has_x86_64 ? Arch::kX86_64 : Arch::kX32, has_x86_64 ? native : x32, kSignBit,
             kLastNumber);
    return verify::Switch(diagram_, Word::kNr, spans.Spans());
  }

  void AddRange(SpanList& spans, Arch arch, const Calls& calls, std::uint32_t first,
                std::uint32_t last) const {
    if (!IsListed(arch)) return spans.FillTo(last, foreign_);
    const Ref unknown = UnknownOn(arch);
    auto call = std::ranges::lower_bound(calls, first, {}, &Calls::value_type::first);
    for (; call != calls.end() && call->first <= last; ++call)
      spans.Add(call->first, call->first, call->second, unknown);
    spans.FillTo(last, unknown);
  }

  // Every number that a table or a raw rule names.
  Calls CallsOf(Arch arch) {
    Calls calls;
    const auto table = abi::Syscalls(arch);
    calls.reserve(table.size() + raw_.size());
    for (const abi::Syscall& call : table)
      calls.emplace_back(call.number, Answer(arch, call.number, call.name, call.name_index));
    if (arch == Arch::kX32) AddPlainNumbers(calls);
    for (const std::uint32_t i : raw_) {
      const Rule& rule = syscalls_.rules[i];
      if (rule.arch != arch) continue;
      const auto place =
          std::ranges::lower_bound(calls, *rule.number, {}, &Calls::value_type::first);
      if (place != calls.end() && place->first == *rule.number) continue;
      calls.emplace(place, *rule.number, Answer(arch, *rule.number, "", std::nullopt));
    }
    return calls;
  }

  // x32's own numbers without the bit.
  void AddPlainNumbers(Calls& calls) {
    const std::size_t with_bit = calls.size();
    for (std::size_t i = 0; i < with_bit; ++i) {
      const std::uint32_t plain = calls[i].first & ~abi::kX32Bit;
      if (plain < abi::kX32FirstOwn || plain > abi::kX32LastOwn) continue;
      const std::string_view name = abi::Name(Arch::kX32, calls[i].first);
      calls.emplace_back(plain, Answer(Arch::kX32, plain, name, abi::NameIndexOf(name)));
    }
    std::ranges::sort(calls, {}, &Calls::value_type::first);
  }

  // The rules that name a call, in order; valid until the next is asked for.
  std::span<const std::uint32_t> RulesFor(Arch arch, std::optional<std::uint32_t> number,
                                          std::optional<std::size_t> name) const {
    rules_.clear();
    for (std::uint32_t i = name ? first_of_name_[*name] : kNone; i != kNone; i = next_of_name_[i]) {
      const Rule& rule = syscalls_.rules[i];
      if (!rule.arch || rule.arch == arch) rules_.push_back(i);
    }
    const std::size_t named = rules_.size();
    for (const std::uint32_t i : raw_) {
      const Rule& rule = syscalls_.rules[i];
      if (rule.arch == arch && rule.number == number) rules_.push_back(i);
    }
    if (rules_.size() > named) std::ranges::sort(rules_);
    return rules_;
  }

  Ref Default(Arch arch, std::string_view name) const {
    const bool falls_back = syscalls_.default_action.kind == abi::ActionKind::kErrno &&
                            !name.empty() && policy::IsFallbackCall(name);
    return TerminalOf(
        policy::Resolve(falls_back ? syscalls_.fallback_default : syscalls_.default_action, arch));
  }

  Ref Answer(Arch arch, std::uint32_t number, std::string_view name,
             std::optional<std::size_t> name_index) {
    const std::span<const std::uint32_t> rules = RulesFor(arch, number, name_index);
    if (rules.empty() && syscalls_.multiplexers == policy::Multiplexers::kFollow) {
      const abi::ArchInfo& info = abi::Info(arch);
      if (name == "socketcall" && info.has_socketcall)
        return Subcalls(arch, abi::SocketcallTable(), 32);
      if (name == "ipc" && info.has_ipc) return Subcalls(arch, abi::IpcTable(), 16);
    }
    const auto always =
        std::ranges::find_if(rules, [&](std::uint32_t i) { return !syscalls_.rules[i].condition; });
    Ref answer = always == rules.end()
                     ? Default(arch, name)
                     : TerminalOf(policy::Resolve(syscalls_.rules[*always].answer, arch));
    for (auto at = always; at != rules.begin();) {
      const Rule& rule = syscalls_.rules[*--at];
      const auto holds = ConditionDiagram(diagram_, *rule.condition, arch, rule.syscall);
      answer = holds ? diagram_.Ite(*holds, TerminalOf(policy::Resolve(rule.answer, arch)), answer)
                     : TerminalOf(abi::Action::KillProcess());
    }
    return answer;
  }

  // A multiplexer as a function of its selector, the low `bits` of the first argument.
  Ref Subcalls(Arch arch, std::span<const abi::Multiplexed> table, unsigned bits) {
    std::vector<Span> answers;
    answers.reserve(table.size());
    for (const abi::Multiplexed& subcall : table) {
      answers.push_back({subcall.selector, subcall.selector, Strictest(arch, subcall.name)});
    }
    std::ranges::sort(answers, {}, &Span::first);
    return verify::Switch(diagram_, verify::ArgLow(0), answers, UnknownOn(arch), bits);
  }

  // Of all that a direct call may be answered: its arguments are behind a pointer.
  Ref Strictest(Arch arch, std::string_view name) const {
    Ref strictest = Diagram::kLost;
    const auto consider = [&](Ref answer) {
      const bool is_stricter = strictest == Diagram::kLost ||
                               Diagram::OutcomeAt(answer).rank < Diagram::OutcomeAt(strictest).rank;
      if (is_stricter) strictest = answer;
    };
    for (const std::uint32_t i : RulesFor(arch, abi::Number(arch, name), abi::NameIndexOf(name))) {
      const Rule& rule = syscalls_.rules[i];
      consider(TerminalOf(policy::Resolve(rule.answer, arch)));
      if (!rule.condition) return strictest;
    }
    consider(Default(arch, name));
    return strictest;
  }

  Diagram& diagram_;
  const policy::Syscalls& syscalls_;
  // Rules of a name as a chain of indexes, in order.
  std::vector<std::uint32_t> first_of_name_;
  std::vector<std::uint32_t> next_of_name_;
  std::vector<std::uint32_t> raw_;
  mutable std::vector<std::uint32_t> rules_;  // RulesFor's answer
  Ref foreign_ = Diagram::kLost;
};

}  // namespace

Ref PolicyMeaning(Diagram& diagram, const policy::Syscalls& syscalls) {
  return MeaningBuilder(diagram, syscalls).Build();
}

}  // namespace bailey::prove
