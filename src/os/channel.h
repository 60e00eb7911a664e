// A socket pair between two of our processes that keeps message boundaries and carries descriptors,
// without ever blocking.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

SysResult<std::array<base::UniqueFd, 2>> ChannelPair();

inline constexpr std::size_t kMostDescriptors = 16;
// Allocates nothing. EAGAIN when the other end has enough to read.
SysStatus SendMessage(int socket, std::span<const std::uint8_t> message,
                      std::span<const int> descriptors = {});
struct ReceivedMessage {
  std::size_t size = 0;  // 0: the other end is closed
  std::vector<base::UniqueFd> descriptors;
};
// EAGAIN when there is none.
SysResult<ReceivedMessage> ReceiveMessage(int socket, std::span<std::uint8_t> buffer);

// As many descriptors as this process may be given at all; what that is.
SysResult<std::size_t> RaiseDescriptorLimit();

}  // namespace bailey::os
