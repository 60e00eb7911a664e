#include "prove/difference.h"

#include <algorithm>
#include <set>
#include <utility>

#include "abi/action.h"
#include "abi/syscalls.h"
#include "prove/call_text.h"
#include "prove/condition_text.h"
#include "verify/describe.h"
#include "verify/query.h"

namespace bailey::prove {
namespace {

using abi::Arch;
using verify::Diagram;
using verify::Ref;
using verify::Span;
using verify::Word;

constexpr std::string_view kUnnamed = "numbers that no table names";

ChangeKind KindOf(verify::Outcome from, verify::Outcome to) {
  if (Openness(to) > Openness(from)) return ChangeKind::kNewlyAllowed;
  return Openness(to) < Openness(from) ? ChangeKind::kNewlyDenied : ChangeKind::kOther;
}

class Lister {
 public:
  explicit Lister(Diagram& diagram) : diagram_(diagram) {}

  bool List(Ref pairs) {
    const auto archs = verify::Split(diagram_, pairs, Word::kArch);
    if (!archs) return false;
    std::set<Ref> others;
    for (const Span& span : *archs) {
      const bool is_one = span.first == span.last && ArchOfCall(span.first, 0).has_value();
      // The ranges between tokens that are told apart mostly say the same: once is enough.
      if (!is_one && !others.insert(span.value).second) continue;
      if (!ListNumbers(span.value, span.first, is_one)) return false;
    }
    return true;
  }

  std::vector<Change> Take() { return std::move(changes_); }

 private:
  bool ListNumbers(Ref ref, std::uint32_t token, bool is_one) {
    const auto numbers = verify::Split(diagram_, ref, Word::kNr);
    if (!numbers) return false;
    for (const Span& span : *numbers) {
      const std::vector<Ref> changed = ChangedIn(span.value);
      if (changed.empty()) continue;
      if (!is_one) {
        Add(span.value, changed, std::nullopt, token, span.first, "", "every number");
        continue;
      }
      ListCalls(span, changed, token);
    }
    return true;
  }

  void ListCalls(const Span& span, const std::vector<Ref>& changed, std::uint32_t token) {
    std::vector<Arch> archs = {*ArchOfCall(token, 0)};
    if (archs[0] == Arch::kX86_64) archs.push_back(Arch::kX32);
    for (const Arch arch : archs) {
      for (const abi::Syscall& call : abi::Syscalls(arch)) {
        if (call.number < span.first || call.number > span.last) continue;
        Add(span.value, changed, arch, token, call.number, call.name, std::string(call.name));
      }
    }
    for (std::uint64_t number = span.first; number <= span.last; ++number) {
      const auto nr = static_cast<std::uint32_t>(number);
      const Arch arch = *ArchOfCall(token, nr);
      if (abi::Name(arch, nr).empty()) {
        Add(span.value, changed, arch, token, nr, "", std::string(kUnnamed));
        // One is enough, but x32's are listed apart.
        const bool crosses = arch == Arch::kX86_64 && nr < abi::kX32Bit && archs.size() > 1;
        if (!crosses || span.last < abi::kX32Bit) break;
        number = std::max<std::uint64_t>(number, abi::kX32Bit - 1);
      }
    }
  }

  // The labels in a part of the pairs that stand for two answers.
  std::vector<Ref> ChangedIn(Ref ref) const {
    std::vector<Ref> changed;
    std::set<Ref> visited;
    const auto visit = [&](const auto& self, Ref at) -> void {
      if (!visited.insert(at).second) return;
      if (!Diagram::IsTerminal(at)) {
        for (const Ref child : diagram_.ChildrenOf(at)) self(self, child);
        return;
      }
      const auto [from, to] = diagram_.PairAt(at);
      if (from != to) changed.push_back(at);
    };
    visit(visit, ref);
    return changed;
  }

  void Add(Ref ref, const std::vector<Ref>& changed, std::optional<Arch> arch, std::uint32_t token,
           std::uint32_t number, std::string_view syscall, std::string what) {
    for (const Ref label : changed) {
      const Ref predicate =
          diagram_.Map(ref, [&](Ref at) { return at == label ? Diagram::kTrue : Diagram::kFalse; });
      Change change;
      change.arch = arch;
      change.what = what;
      const auto [from, to] = diagram_.PairAt(label);
      change.from = Diagram::OutcomeAt(from);
      change.to = Diagram::OutcomeAt(to);
      change.kind = KindOf(change.from, change.to);
      change.witness = verify::FindWitness(diagram_, predicate).data;
      change.witness.arch = token;
      change.witness.nr = number;
      if (predicate != Diagram::kTrue) {
        const auto condition =
            ConditionOf(diagram_, predicate, arch.value_or(abi::NativeArch()), syscall);
        change.when = condition ? policy::ToString(*condition) : "arguments like the call below";
      }
      const bool is_known = std::ranges::any_of(changes_, [&](const Change& other) {
        return other.arch == change.arch && other.what == change.what &&
               other.when == change.when && other.from == change.from && other.to == change.to;
      });
      if (!is_known) changes_.push_back(std::move(change));
    }
  }

  Diagram& diagram_;
  std::vector<Change> changes_;
};

}  // namespace

unsigned Openness(verify::Outcome outcome) {
  const abi::Action action = abi::Decode(verify::ValueOf(outcome));
  switch (action.kind) {
    case abi::ActionKind::kKillProcess:
    case abi::ActionKind::kKillThread:
    case abi::ActionKind::kTrap:
      return 0;
    case abi::ActionKind::kErrno:
      return action.data == 0 ? 2 : 0;
    case abi::ActionKind::kNotify:
    case abi::ActionKind::kTrace:
      return 1;
    case abi::ActionKind::kLog:
    case abi::ActionKind::kAllow:
      return 2;
  }
  return 2;
}

std::optional<std::vector<Change>> ListChanges(Diagram& diagram, Ref before, Ref after) {
  if (before == Diagram::kLost || after == Diagram::kLost) return std::nullopt;
  if (before == after) return std::vector<Change>();
  diagram.Refill();
  const Ref pairs = diagram.Pair(before, after);
  if (pairs == Diagram::kLost) return std::nullopt;
  Lister lister(diagram);
  if (!lister.List(pairs)) return std::nullopt;
  return lister.Take();
}

}  // namespace bailey::prove
