// System call names and numbers of every architecture (data/syscalls.csv, made into code at build).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "abi/arch.h"
#include "base/texts.h"

namespace bailey::abi {

struct Syscall {
  std::uint32_t number;
  std::string_view name;
  std::uint16_t name_index;  // of `name` in AllNames()
};

// The number as the kernel sees it in seccomp_data.nr: x32's with kX32Bit, mips with its base.
std::optional<std::uint32_t> Number(Arch arch, std::string_view name);
// The same, for the name with this index in AllNames().
std::optional<std::uint32_t> NumberAt(Arch arch, std::size_t name_index);
// Empty when no table names this number. For x32, both n|kX32Bit; never n alone.
std::string_view Name(Arch arch, std::uint32_t number);

// All calls of an architecture, ordered by number. Elements are made when they are read, so that
// the tables hold no pointers and cost nothing at start-up: `for (const Syscall& call : ...)`.
class SyscallList {
 public:
  class Iterator {
   public:
    using value_type = Syscall;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(std::size_t row) : row_(row) {}
    Syscall operator*() const { return Row(row_); }
    Iterator& operator++() {
      ++row_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(row_++); }
    bool operator==(const Iterator&) const = default;

   private:
    std::size_t row_ = 0;
  };

  SyscallList(std::uint16_t first, std::uint16_t last) : first_(first), last_(last) {}
  std::size_t size() const { return static_cast<std::size_t>(last_ - first_); }
  bool empty() const { return first_ == last_; }
  Syscall operator[](std::size_t i) const { return Row(first_ + i); }  // i < size()
  Iterator begin() const { return Iterator(first_); }
  Iterator end() const { return Iterator(last_); }

 private:
  static Syscall Row(std::size_t row);
  std::uint16_t first_;
  std::uint16_t last_;
};
SyscallList Syscalls(Arch arch);

// Every name that any architecture has, sorted and unique.
base::Texts AllNames();
// True when some architecture has a call of this name.
bool IsKnownName(std::string_view name);
// Its place in AllNames().
std::optional<std::size_t> NameIndexOf(std::string_view name);

// The newest call number of the table (common numbering, without bases), and its kernel.
inline constexpr std::uint32_t kNewestNumber = 471;
inline constexpr std::string_view kNewestKernel = "7.1-rc";

// What the multiplexers reach (include/uapi/linux/net.h, include/uapi/linux/ipc.h): the value of
// their first argument, and the direct call that does the same.
struct Multiplexed {
  std::uint32_t selector;  // socketcall's `call`; ipc's `call` (its low 16 bits)
  std::string_view name;   // "socket", "accept4", "semop"
};
std::span<const Multiplexed> SocketcallTable();
std::span<const Multiplexed> IpcTable();

}  // namespace bailey::abi
