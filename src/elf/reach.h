// The system calls that a program and its libraries can make at all: what is reachable from where
// they begin, by calls, by addresses that code takes, and by those that stand in data.
//
//   elf::Objects objects;                       // decoded once, for many programs
//   const auto bound = elf::FindCalls({&program, &libc, &loader});
//   bound.calls                                 // {{kX86_64, 59}, ...}
//   bound.open                                  // "any": where a number is not known
//
// It is a bound for what compilers make of programs, too large where nothing more is known. What a
// program makes into code while it runs, or loads by name, is not in it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "abi/arch.h"
#include "elf/image.h"
#include "elf/values.h"

namespace bailey::elf {

// Code that is decoded, of one program and its libraries.
inline constexpr std::uint64_t kMostCode = 96u << 20;

// A way out of what can be seen.
struct Opening {
  std::string where;  // "libc.so.6 at 0x11a2b (syscall)"
  std::string why;
  bool operator==(const Opening&) const = default;
};

struct Bound {
  std::map<std::pair<abi::Arch, std::uint32_t>, std::string> calls;  // and a place of each
  std::vector<Opening> open;     // any call: its number is not known
  std::vector<Opening> loading;  // where other libraries are loaded by name
  std::uint64_t units = 0;       // that can be reached
};

// What is known of the units of an image, once they have been looked at.
class Object {
 public:
  explicit Object(Image image);
  ~Object();
  Object(Object&&) noexcept;
  const Image& TheImage() const { return image_; }

  struct Facts;
  // Of the code from an address to the end of the unit that it is in.
  const Facts& FactsOf(std::uint64_t begin);
  Values ValuesBefore(std::uint64_t begin, std::uint64_t instruction, Register wanted);
  // Of the code that begins there.
  bool IsInstruction(std::uint64_t begin, std::uint64_t address);

 private:
  bool CanReturn(const Code& code, const Instruction& call);

  Image image_;
  std::map<std::uint64_t, std::unique_ptr<Facts>> facts_;
  std::map<std::uint64_t, std::vector<bool>> starts_;  // of instructions, by unit
  std::map<std::uint64_t, bool> returns_;
  std::unique_ptr<Code> asked_about_;
  std::uint64_t asked_begin_ = 0;
};

// The program first, then its libraries in the order in which the loader looks names up.
Bound FindCalls(const std::vector<Object*>& objects);

}  // namespace bailey::elf
