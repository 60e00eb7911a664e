#include "verify/diagram.h"

#include <algorithm>

namespace bailey::verify {
namespace {

constexpr std::size_t kFirstTableSize = 1u << 11;
constexpr std::size_t kLargestCache = 1u << 18;

std::uint64_t Mix(std::uint64_t value) {
  value *= 0x9e3779b97f4a7c15;
  return value ^ (value >> 32);
}

std::uint32_t Hash(unsigned level, const Diagram::Children& children) {
  std::uint64_t even = level;
  std::uint64_t odd = 0x51ed270b;
  for (unsigned i = 0; i < Diagram::kFanOut; i += 4) {
    even = Mix(even ^ ((std::uint64_t{children[i]} << 32) | children[i + 1]));
    odd = Mix(odd ^ ((std::uint64_t{children[i + 2]} << 32) | children[i + 3]));
  }
  return static_cast<std::uint32_t>(Mix(even ^ (odd >> 7)));
}

// Cache keys of two-operand operations: no reference looks like this.
constexpr Ref kOperationKey = 0xfffffff0;

}  // namespace

Diagram::Diagram(Order order, const Limits& limits)
    : limits_(limits), table_(kFirstTableSize), cache_(kFirstTableSize) {
  unsigned level = 0;
  const auto place = [&](unsigned word, unsigned digit) {
    level_of_[word][digit] = static_cast<std::uint8_t>(level);
    digit_at_[level++] = {static_cast<Word>(word), static_cast<std::uint8_t>(digit)};
  };
  const unsigned first_mixed =
      order == Order::kInterleaved ? static_cast<unsigned>(Word::kArg0High) : kWords;
  for (unsigned word = 0; word < first_mixed; ++word) {
    for (unsigned digit = kDigits; digit-- > 0;) place(word, digit);
  }
  for (unsigned digit = kDigits; digit-- > 0;) {
    for (unsigned word = first_mixed; word < kWords; ++word) place(word, digit);
  }
}

Ref Diagram::Follow(Ref ref, const bpf::SeccompData& data) const {
  while (!IsTerminal(ref)) {
    const auto [word, digit] = digit_at_[levels_[ref]];
    ref = ChildrenOf(ref)[(Get(data, word) >> (kDigitBits * digit)) % kFanOut];
  }
  return ref;
}

Ref Diagram::Exhaust() {
  exhausted_ = true;
  return kLost;
}

bool Diagram::Spend(std::uint32_t steps) {
  steps_ += steps;
  if (steps_ <= limits_.steps) return true;
  exhausted_ = true;
  return false;
}

Ref Diagram::Make(unsigned level, const Children& children) {
  // Nothing is lost before a limit was reached.
  if (exhausted_ && std::ranges::find(children, kLost) != children.end()) return kLost;
  if (std::ranges::all_of(children, [&](Ref child) { return child == children[0]; })) {
    return children[0];
  }
  const std::uint32_t hash = Hash(level, children);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    Slot& slot = table_[i];
    if (slot.node == kLost) return Insert(level, children, hash, slot);
    if (slot.hash == hash && levels_[slot.node] == level && ChildrenOf(slot.node) == children) {
      return slot.node;
    }
  }
}

Ref Diagram::Insert(unsigned level, const Children& children, std::uint32_t hash, Slot& slot) {
  if (count_ >= limits_.nodes) return Exhaust();
  if (count_ % kChunk == 0) chunks_.push_back(std::unique_ptr<Children[]>(new Children[kChunk]));
  const Ref node = count_++;
  chunks_.back()[node % kChunk] = children;
  levels_.push_back(static_cast<std::uint8_t>(level));
  slot = {hash, node};
  if (2 * count_ > table_.size()) GrowTable();
  return node;
}

void Diagram::GrowTable() {
  std::vector<Slot> larger(2 * table_.size());
  const std::size_t mask = larger.size() - 1;
  for (const Slot& slot : table_) {
    if (slot.node == kLost) continue;
    std::size_t i = slot.hash & mask;
    while (larger[i].node != kLost) i = (i + 1) & mask;
    larger[i] = slot;
  }
  table_ = std::move(larger);
  // What the cache forgets is computed again.
  if (cache_.size() < kLargestCache) cache_.assign(2 * cache_.size(), CacheLine{});
}

Diagram::CacheLine& Diagram::Line(Ref a, Ref b, Ref c) {
  const std::uint64_t hash = Mix(Mix((std::uint64_t{a} << 32) | b) ^ c);
  return cache_[hash & (cache_.size() - 1)];
}

Ref Diagram::Choose(unsigned level, const Children& children) {
  if (std::ranges::all_of(children, [&](Ref child) { return Level(child) > level; })) {
    return Make(level, children);
  }
  Ref result = children[0];
  for (unsigned i = 1; i < kFanOut; ++i) {
    if (std::find(children.begin(), children.begin() + i, children[i]) != children.begin() + i) {
      continue;
    }
    Children is_child;
    for (unsigned j = 0; j < kFanOut; ++j)
      is_child[j] = children[j] == children[i] ? kTrue : kFalse;
    result = Ite(Make(level, is_child), children[i], result);
  }
  return result;
}

Ref Diagram::Ite(Ref condition, Ref then, Ref otherwise) {
  if (condition == kTrue) return then;
  if (condition == kFalse) return otherwise;
  if (condition == kLost || then == kLost || otherwise == kLost) return kLost;
  if (then == otherwise) return then;
  if (then == kTrue && otherwise == kFalse) return condition;
  if (then == condition) then = kTrue;
  if (otherwise == condition) otherwise = kFalse;

  const CacheLine& known = Line(condition, then, otherwise);
  if (known.a == condition && known.b == then && known.c == otherwise) return known.result;
  if (!Spend()) return kLost;

  const unsigned level = std::min({Level(condition), Level(then), Level(otherwise)});
  const Ref* conditions = ChildrenAt(condition, level);
  const Ref* thens = ChildrenAt(then, level);
  const Ref* otherwises = ChildrenAt(otherwise, level);
  Children children;
  Ref c = condition;
  Ref t = then;
  Ref o = otherwise;
  for (unsigned i = 0; i < kFanOut; ++i) {
    const Ref next_c = conditions != nullptr ? conditions[i] : c;
    const Ref next_t = thens != nullptr ? thens[i] : t;
    const Ref next_o = otherwises != nullptr ? otherwises[i] : o;
    // Neighbours are mostly alike.
    if (i > 0 && next_c == c && next_t == t && next_o == o) {
      children[i] = children[i - 1];
      continue;
    }
    c = next_c;
    t = next_t;
    o = next_o;
    children[i] = c == kTrue ? t : c == kFalse ? o : Ite(c, t, o);
  }
  const Ref result = Make(level, children);
  if (result != kLost) Line(condition, then, otherwise) = {condition, then, otherwise, result};
  return result;
}

Ref Diagram::PairLabel(Ref a, Ref b) {
  const auto [place, is_new] = label_of_.try_emplace((std::uint64_t{a} << 32) | b,
                                                     Label(0) + static_cast<Ref>(pairs_.size()));
  if (is_new) {
    if (pairs_.size() >= limits_.nodes) return Exhaust();
    pairs_.push_back({a, b});
  }
  return place->second;
}

Ref Diagram::ApplyTerminals(Operation operation, Ref a, Ref b) {
  switch (operation) {
    case Operation::kXor:
      return a == b ? kFalse : kTrue;
    case Operation::kStricter:
      return OutcomeAt(b).rank < OutcomeAt(a).rank ? b : a;
    case Operation::kDiffer:
      return a == b || a == Outside() || b == Outside() ? kFalse : kTrue;
    case Operation::kPair:
      return PairLabel(a, b);
    case Operation::kIntersect:
      break;
  }
  return kLost;
}

Ref Diagram::Apply(Operation operation, Ref a, Ref b) {
  if (a == kLost || b == kLost) return kLost;
  if (IsTerminal(a) && IsTerminal(b)) return ApplyTerminals(operation, a, b);
  if (operation == Operation::kStricter && a == b) return a;
  if (operation == Operation::kDiffer && a == b) return kFalse;
  if (operation == Operation::kXor) {
    if (a == b) return kFalse;
    if (a == kFalse || b == kFalse) return a == kFalse ? b : a;
    if (a == kTrue || b == kTrue) return Not(a == kTrue ? b : a);
  }
  const Ref key = kOperationKey | static_cast<Ref>(operation);
  const CacheLine& known = Line(key, a, b);
  if (known.a == key && known.b == a && known.c == b) return known.result;
  if (!Spend()) return kLost;

  const unsigned level = std::min(Level(a), Level(b));
  const Ref* as = ChildrenAt(a, level);
  const Ref* bs = ChildrenAt(b, level);
  Children children;
  for (unsigned i = 0; i < kFanOut; ++i) {
    const Ref next_a = as != nullptr ? as[i] : a;
    const Ref next_b = bs != nullptr ? bs[i] : b;
    const bool again = i > 0 && next_a == (as != nullptr ? as[i - 1] : a) &&
                       next_b == (bs != nullptr ? bs[i - 1] : b);
    children[i] = again ? children[i - 1] : Apply(operation, next_a, next_b);
  }
  const Ref result = Make(level, children);
  if (result != kLost) Line(key, a, b) = {key, a, b, result};
  return result;
}

Ref Diagram::Intersect(Ref a, Ref b) {
  if (a == kFalse || b == kFalse) return kFalse;
  if (a == kLost || b == kLost) return kLost;
  // What is not false holds somewhere.
  if (a == kTrue || b == kTrue || a == b) return kTrue;
  const Ref key = kOperationKey | static_cast<Ref>(Operation::kIntersect);
  const CacheLine& known = Line(key, a, b);
  if (known.a == key && known.b == a && known.c == b) return known.result;
  if (!Spend()) return kLost;
  const unsigned level = std::min(Level(a), Level(b));
  const Ref* as = ChildrenAt(a, level);
  const Ref* bs = ChildrenAt(b, level);
  Ref result = kFalse;
  for (unsigned i = 0; i < kFanOut && result != kTrue; ++i) {
    const Ref found = Intersect(as != nullptr ? as[i] : a, bs != nullptr ? bs[i] : b);
    if (found != kFalse) result = found;
  }
  if (result != kLost) Line(key, a, b) = {key, a, b, result};
  return result;
}

Ref Diagram::Map(Ref ref, const std::function<Ref(Ref)>& replace) {
  if (IsTerminal(ref)) return ref == kLost ? kLost : replace(ref);
  std::vector<Ref> known(count_, kLost);
  const auto map = [&](const auto& self, Ref from) -> Ref {
    if (from == kLost) return kLost;
    if (IsTerminal(from)) return replace(from);
    if (known[from] != kLost) return known[from];
    if (!Spend()) return kLost;
    Children children;
    for (unsigned i = 0; i < kFanOut; ++i) {
      const Ref child = ChildrenOf(from)[i];
      children[i] = i > 0 && child == ChildrenOf(from)[i - 1] ? children[i - 1] : self(self, child);
    }
    return known[from] = Make(Level(from), children);
  };
  return map(map, ref);
}

Ref Diagram::Fix(Ref ref, Word word, std::uint32_t value) {
  std::vector<Ref> known(count_, kLost);
  const auto fix = [&](const auto& self, Ref from) -> Ref {
    if (IsTerminal(from)) return from;
    if (known[from] != kLost) return known[from];
    if (!Spend()) return kLost;
    const unsigned level = Level(from);
    if (WordAt(level) == word) {
      const unsigned digit = (value >> (kDigitBits * DigitAt(level))) % kFanOut;
      return known[from] = self(self, ChildrenOf(from)[digit]);
    }
    Children children;
    for (unsigned i = 0; i < kFanOut; ++i) children[i] = self(self, ChildrenOf(from)[i]);
    return known[from] = Make(level, children);
  };
  return fix(fix, ref);
}

}  // namespace bailey::verify
