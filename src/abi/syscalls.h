// System call names and numbers of every architecture (data/syscalls.csv, made into code at build).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "abi/arch.h"

namespace bailey::abi {

struct Syscall {
  std::uint32_t number;
  std::string_view name;
};

// The number as the kernel sees it in seccomp_data.nr: x32's with kX32Bit, mips with its base.
std::optional<std::uint32_t> Number(Arch arch, std::string_view name);
// Empty when no table names this number. For x32, both n|kX32Bit; never n alone.
std::string_view Name(Arch arch, std::uint32_t number);
// All calls of an architecture, ordered by number.
std::span<const Syscall> Syscalls(Arch arch);
// Every name that any architecture has, sorted and unique.
std::span<const std::string_view> AllNames();
// True when some architecture has a call of this name.
bool IsKnownName(std::string_view name);

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
