// A piece of code, decoded: where it goes, which registers it sets to what, and whose addresses
// stand in it.
#pragma once

#include <cstdint>
#include <vector>

#include "elf/image.h"

namespace bailey::elf {

// What is decoded of one unit; a function that is larger is none.
inline constexpr std::uint64_t kMostOfOneUnit = 8u << 20;

// By the numbers that the machine gives them: 0 is eax, 7 is edi, 15 is r15.
using Register = std::uint8_t;
inline constexpr Register kAccumulator = 0;
inline constexpr unsigned kRegisters = 16;

struct Instruction {
  enum class Flow : std::uint8_t { kOn, kCall, kBranch, kJump, kIndirectJump, kReturn, kStop };
  enum class Sets : std::uint8_t { kUnknown, kConstant, kLowByte, kCopy, kLoad };
  enum class Enters : std::uint8_t { kNo, kNative, k32Bit };

  std::uint64_t address = 0;
  std::uint64_t target = 0;    // of a direct call, branch or jump
  std::uint64_t constant = 0;  // where it sets one, or the low byte to one
  std::uint16_t writes = 0;    // registers, a bit each
  std::uint8_t size = 0;
  Flow flow = Flow::kOn;
  Sets sets = Sets::kUnknown;   // of what it writes
  Register source = 0;          // of a copy
  Enters enters = Enters::kNo;  // the kernel
};

// An address of this image that an instruction holds.
struct Reference {
  std::uint64_t from = 0;  // the instruction
  std::uint64_t address = 0;
  bool is_called = false;  // through the word that is there
};

struct Code {
  std::vector<Instruction> instructions;  // by address
  std::vector<Reference> references;
  std::vector<std::uint64_t> cases;  // where tables of jumps lead, in order
  std::size_t entry = 0;             // the instruction that was asked for
};

enum class Detail : std::uint8_t {
  kFlow,    // without what is set
  kValues,  // with it
};

// A function as a whole, instruction after instruction: data within it is decoded like them, and
// what comes of it is too much, not too little. Of loose code what can be reached from the address,
// as far as it is in that unit. Empty where there is no code.
Code Decode(const Image& image, std::uint64_t address, Detail detail);

// Whether the code there can come back to its caller, as far as its unit shows.
bool Returns(const Image& image, std::uint64_t address);
// The word through which a stub of the procedure linkage table jumps; 0: it is none.
std::uint64_t SlotOfStub(const Image& image, std::uint64_t address);

}  // namespace bailey::elf
