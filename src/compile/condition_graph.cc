// Simple because every comparison is first reduced to intervals of unsigned values: sign, order,
// equality and sets are then one construction. Nothing here compares arguments with each other:
// the language cannot say it, and seccomp programs could not use it for much.
#include "compile/condition_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "abi/arguments.h"

namespace bailey::compile {
namespace {

using policy::Comparison;
using policy::Condition;
using policy::Test;

struct Interval {
  std::uint64_t first, last;
};
using Intervals = std::vector<Interval>;  // ordered, disjoint

// An argument as one unsigned number of `bits` bits.
struct Operand {
  abi::Argument argument;
  unsigned bits;
  std::uint64_t mask;
  bool is_signed;

  std::uint64_t Largest() const { return bits == 64 ? ~0ull : (1ull << bits) - 1; }
};

bool Fits(std::uint64_t value, unsigned bits) {
  return bits == 64 || value < (1ull << bits) || value >= ~0ull << (bits - 1);
}

base::Result<std::uint64_t> ResolveValue(const policy::Value& value, const Operand& operand,
                                         const ConditionContext& context) {
  const std::optional<std::uint64_t> number = policy::Resolve(value, context.arch);
  if (!number) {
    return base::InvalidInput(
        fmt::format("a constant of it is not defined on {}", abi::Info(context.arch).name));
  }
  if (!Fits(*number, operand.bits)) {
    return base::InvalidInput(fmt::format("{:#x} does not fit in the {} bits of {} on {}", *number,
                                          operand.bits, operand.argument.name,
                                          abi::Info(context.arch).name));
  }
  return *number & operand.Largest();
}

Intervals Complement(const Intervals& intervals, std::uint64_t largest) {
  Intervals result;
  std::uint64_t next = 0;
  for (const Interval& interval : intervals) {
    if (interval.first > next) result.push_back({next, interval.first - 1});
    if (interval.last == largest) return result;
    next = interval.last + 1;
  }
  result.push_back({next, largest});
  return result;
}

// The values from `value` (or just above it) upwards, in the order of the operand's sign.
Intervals Upwards(const Operand& operand, std::uint64_t value, bool inclusive) {
  const std::uint64_t largest = operand.Largest();
  const std::uint64_t sign = operand.is_signed ? 1ull << (operand.bits - 1) : 0;
  const std::uint64_t top = operand.is_signed ? sign - 1 : largest;
  if (!inclusive) {
    if (value == top) return {};
    value = (value + 1) & largest;
  }
  if (value <= top) return {{value, top}};
  // A negative start: the negative numbers from it on, and all that are not negative.
  return {{0, top}, {value, largest}};
}

Intervals Merge(Intervals intervals) {
  std::ranges::sort(intervals, {}, &Interval::first);
  Intervals result;
  for (const Interval& interval : intervals) {
    if (!result.empty() && interval.first <= result.back().last) {
      result.back().last = std::max(result.back().last, interval.last);
    } else if (!result.empty() && interval.first == result.back().last + 1) {
      result.back().last = interval.last;
    } else {
      result.push_back(interval);
    }
  }
  return result;
}

Intervals Holds(const Operand& operand, Comparison comparison,
                const std::vector<std::uint64_t>& values) {
  const std::uint64_t largest = operand.Largest();
  switch (comparison) {
    case Comparison::kEqual:
    case Comparison::kIn: {
      Intervals intervals;
      for (const std::uint64_t value : values) intervals.push_back({value, value});
      return Merge(std::move(intervals));
    }
    case Comparison::kNotEqual:
      return Complement({{values[0], values[0]}}, largest);
    case Comparison::kAnyBit:
      return {{1, largest}};
    case Comparison::kGreaterEqual:
      return Upwards(operand, values[0], true);
    case Comparison::kGreater:
      return Upwards(operand, values[0], false);
    case Comparison::kLess:
      return Complement(Upwards(operand, values[0], true), largest);
    case Comparison::kLessEqual:
      return Complement(Upwards(operand, values[0], false), largest);
  }
  return {};
}

std::uint32_t Low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
std::uint32_t High(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

NodeId SwitchOnIntervals(Graph& graph, Word word, std::uint32_t mask, const Intervals& intervals,
                         NodeId yes, NodeId no) {
  std::vector<Piece> pieces = {{0, no}};
  for (const Interval& interval : intervals) {
    if (pieces.back().first == interval.first) pieces.pop_back();
    pieces.push_back({Low(interval.first), yes});
    if (Low(interval.last) != kAllBits) pieces.push_back({Low(interval.last) + 1, no});
  }
  return graph.Switch(word, mask, pieces);
}

// A 64-bit set: a switch over the high word, whose pieces are decided or go on to the low word.
//
//     [1, 0x1'00000004]      high: 0 -> low: 0 -> no, 1.. -> yes
//                                  1 -> low: 0..4 -> yes, 5.. -> no
//                                  2.. -> no
NodeId SwitchOnPair(Graph& graph, const Operand& operand, Intervals intervals, NodeId yes,
                    NodeId no) {
  const Word low_word = LowWord(operand.argument.low_slot);
  const Word high_word = operand.argument.high_slot == operand.argument.low_slot
                             ? HighWord(operand.argument.high_slot)
                             : LowWord(operand.argument.high_slot);
  std::vector<Piece> pieces = {{0, no}};
  const auto put = [&pieces](std::uint32_t first, NodeId next) {
    if (pieces.back().first == first) pieces.pop_back();
    pieces.push_back({first, next});
  };
  std::size_t i = 0;
  while (i < intervals.size()) {
    const std::uint32_t high = High(intervals[i].first);
    std::uint32_t after = high;  // the last high word decided in this round
    if (Low(intervals[i].first) == 0 &&
        (High(intervals[i].last) > high || Low(intervals[i].last) == kAllBits)) {
      // Whole high words, up to the one in which the interval ends.
      after = Low(intervals[i].last) == kAllBits ? High(intervals[i].last)
                                                 : High(intervals[i].last) - 1;
      put(high, yes);
      if (after == High(intervals[i].last)) {
        ++i;
      } else {
        intervals[i].first = (std::uint64_t{after} + 1) << 32;
      }
    } else {
      Intervals lows;
      while (i < intervals.size() && High(intervals[i].first) == high) {
        const bool ends_here = High(intervals[i].last) == high;
        lows.push_back({Low(intervals[i].first), ends_here ? Low(intervals[i].last) : kAllBits});
        if (ends_here) {
          ++i;
        } else {
          intervals[i].first = (std::uint64_t{high} + 1) << 32;
        }
      }
      put(high, SwitchOnIntervals(graph, low_word, Low(operand.mask), lows, yes, no));
    }
    if (after != kAllBits) put(after + 1, no);
  }
  return graph.Switch(high_word, High(operand.mask), pieces);
}

base::Result<NodeId> BuildTest(Graph& graph, const ConditionContext& context, const Test& test,
                               NodeId yes, NodeId no) {
  const auto argument = abi::FindArgument(context.arch, context.syscall, test.argument);
  if (!argument) return argument.error();
  Operand operand = {*argument, abi::Bits(argument->type, context.arch), 0,
                     abi::IsSigned(argument->type) && !test.mask};
  operand.mask = operand.Largest();
  if (test.mask) {
    const auto mask = ResolveValue(*test.mask, operand, context);
    if (!mask) return mask.error();
    operand.mask = *mask;
  }
  std::vector<std::uint64_t> values;
  for (const policy::Value& value : test.operands) {
    const auto number = ResolveValue(value, operand, context);
    if (!number) return number.error();
    values.push_back(*number);
  }
  if (test.comparison != Comparison::kAnyBit && values.empty()) {
    return base::InvalidInput(fmt::format("{} is compared with nothing", test.argument));
  }
  const Intervals intervals = Holds(operand, test.comparison, values);
  if (operand.bits == 64) return SwitchOnPair(graph, operand, intervals, yes, no);
  return SwitchOnIntervals(graph, LowWord(operand.argument.low_slot), Low(operand.mask), intervals,
                           yes, no);
}

}  // namespace

base::Result<NodeId> BuildCondition(Graph& graph, const ConditionContext& context,
                                    const Condition& condition, NodeId yes, NodeId no) {
  if (condition.kind == Condition::Kind::kTest) {
    return BuildTest(graph, context, condition.test, yes, no);
  }
  if (condition.kind == Condition::Kind::kNot) std::swap(yes, no);
  // From the last to the first: what comes after a child is known when the child is built.
  const bool any = condition.kind == Condition::Kind::kOr;
  base::Result<NodeId> node = any ? no : yes;
  for (auto child = condition.children.rbegin(); child != condition.children.rend(); ++child) {
    node = any ? BuildCondition(graph, context, *child, yes, *node)
               : BuildCondition(graph, context, *child, *node, no);
    if (!node) return node;
  }
  return node;
}

}  // namespace bailey::compile
