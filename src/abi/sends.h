// Calls that send on a socket, and how what they send lies in memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "abi/arch.h"

namespace bailey::abi {

enum class SendForm : std::uint8_t {
  kBytes,       // (fd, bytes, size, ...)
  kMessage,     // (fd, struct msghdr*, ...)
  kMessages,    // (fd, struct mmsghdr[], count, ...)
  kMultiplexed  // socketcall(call, long[]): one of the others, with its arguments in memory
};

// nullopt for a call that sends nothing on sockets, or is made for files as well (write, splice).
std::optional<SendForm> SendFormOf(std::string_view call);

// Of an address in its structures.
unsigned PointerBytes(Arch arch);

}  // namespace bailey::abi
