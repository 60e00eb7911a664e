// Named constants of the kernel interface, per architecture: CLONE_NEWUSER, AF_INET, TIOCSTI...
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "abi/arch.h"
#include "base/texts.h"

namespace bailey::abi {

// The value on `arch`; nullopt when the name is unknown, or not defined on that architecture. A
// negative one (AT_FDCWD) is sign-extended: it is to be cut to the width of what it is compared
// with.
std::optional<std::uint64_t> Constant(Arch arch, std::string_view name);
// True when the name is known on some architecture.
bool IsKnownConstant(std::string_view name);
// Every name, sorted.
base::Texts AllConstants();
// A name for a value in a context ("CLONE_", "AF_", "TIOC"), for output; empty when there is none.
std::string_view ConstantName(Arch arch, std::string_view prefix, std::uint64_t value);

// Errno by name ("EPERM", "ENOSYS") and back: the generic numbering, which seccomp's ERRNO data
// uses on the architecture that runs the filter. MIPS, parisc (and alpha, sparc) number some
// differently; the value is the one of `arch`.
std::optional<std::uint16_t> ErrnoNumber(Arch arch, std::string_view name);
std::string_view ErrnoName(Arch arch, std::uint16_t number);

// Socket families by the short names that policies use: "unix", "inet", "inet6", "netlink"...
std::optional<std::uint16_t> SocketFamily(std::string_view name);
std::string_view SocketFamilyName(std::uint16_t family);

}  // namespace bailey::abi
