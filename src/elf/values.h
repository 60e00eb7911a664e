// Which numbers a register can hold where an instruction begins, as far as the unit shows.
//
//   const Ways ways(code, returns);
//   const Values values = ways.Before(code.instructions.size() - 1, kAccumulator);
//
// Goes back along every way that leads there, until the register is set.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "elf/code.h"

namespace bailey::elf {

struct Values {
  std::set<std::uint32_t> known;
  std::uint16_t entry = 0;  // registers as they were when the code began, a bit each
  // Where something else set it: the number is not known.
  std::optional<std::uint64_t> unknown;
  std::optional<std::uint64_t> loaded;  // the same, from memory
};

class Ways {
 public:
  // `returns` is asked of calls: what one that does not would leave in registers is nothing.
  Ways(const Code& code, std::function<bool(const Instruction& call)> returns);

  Values Before(std::size_t instruction, Register wanted) const;
  // The same, when it has been executed.
  Values Behind(std::size_t instruction, Register wanted) const;
  // The instruction at an address.
  std::optional<std::size_t> IndexOf(std::uint64_t address) const;

 private:
  struct Jump {
    std::size_t to, from;
    auto operator<=>(const Jump&) const = default;
  };
  Values Before(std::size_t instruction, Register wanted, unsigned depth) const;
  // With another low byte.
  void Combine(std::size_t instruction, Register wanted, unsigned depth, Values& values) const;
  bool FallsInto(std::size_t instruction) const;
  bool IsCase(std::size_t instruction) const;

  const Code& code_;
  std::function<bool(const Instruction&)> returns_;
  std::vector<Jump> jumps_;            // sorted
  std::vector<std::size_t> anywhere_;  // jumps that lead to any case
};

}  // namespace bailey::elf
