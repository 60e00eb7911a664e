// An ELF file as the dynamic loader would see it: bytes by address, where functions begin, which
// words are filled with whose address. Pure, and bounded by the size of the file: what is read may
// have been made by anybody.
//
//   const auto image = elf::Image::Parse("libc.so.6", bytes);
//   image->needed                      // {"ld-linux-x86-64.so.2"}
//   image->exports.at("read")          // addresses
//   image->UnitAt(0x26380)->end        // of the piece of code that holds it
//
// Code is cut into units: functions, by the unwind table and by symbols, and what is between them,
// which is loose: code that no table names, padding, or data.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "abi/arch.h"
#include "base/result.h"

namespace bailey::elf {

inline constexpr std::size_t kMostBytes = 512u << 20;
inline constexpr std::size_t kMostRelocations = 16u << 20;

struct Segment {
  std::uint64_t address = 0, offset = 0, size = 0;  // of what the file has of it
  bool is_code = false;
};

struct Piece {
  std::uint64_t begin = 0, end = 0;
  bool is_loose = false;
  bool operator==(const Piece&) const = default;
};

struct Function {
  std::uint64_t address = 0;
  std::string_view name;
};

class Image {
 public:
  // kInvalidInput: it is none, or is damaged. kUnsupported: of another machine than x86.
  static base::Result<Image> Parse(std::string name, std::vector<std::uint8_t> bytes);

  std::string name;
  abi::Arch arch = abi::Arch::kX86_64;  // or kI386
  bool is_fixed = false;                // loaded where it says: addresses stand in code as numbers
  std::uint64_t entry = 0;
  std::uint64_t got = 0;    // what i386 code reckons from; 0: unknown
  std::string interpreter;  // empty: static, or a library
  std::vector<std::string> needed;
  std::string run_path;
  std::vector<Segment> segments;
  std::vector<Piece> units;         // all code, in order
  std::vector<Function> functions;  // that have a name, by address
  std::unordered_map<std::string_view, std::vector<std::uint64_t>> exports;
  // Words that the loader fills with the address of a symbol, for code to call or read.
  std::unordered_map<std::uint64_t, std::string_view> slots;
  // Code whose address is in data, or that the loader calls; and symbols of which the same is true.
  std::vector<std::uint64_t> roots;
  std::vector<std::string_view> root_symbols;

  // What the file has there; empty: not so much.
  std::span<const std::uint8_t> At(std::uint64_t address, std::uint64_t size) const;
  // A little-endian number of so many bytes.
  std::optional<std::uint64_t> Number(std::uint64_t address, unsigned size) const;
  bool IsCode(std::uint64_t address) const;
  const Piece* UnitAt(std::uint64_t address) const;
  // Whether an address is that of a function: of the beginning of a unit, or of loose code.
  bool IsFunction(std::uint64_t address) const;
  // "libc.so.6 at 0x11a2b (syscall)".
  std::string Describe(std::uint64_t address) const;

  unsigned WordSize() const { return arch == abi::Arch::kX86_64 ? 8 : 4; }

 private:
  friend class Parser;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace bailey::elf
