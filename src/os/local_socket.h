// Sockets of this machine by their names in a directory (AF_UNIX, SOCK_SEQPACKET): messages keep
// their boundaries, carry descriptors, and the kernel says who is at the other end.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

// `directory`: a descriptor; names are looked up in it whatever its path has become. Not blocking:
// several processes may wait for one connection.
SysResult<base::UniqueFd> ListenIn(int directory, const char* name, unsigned mode);
SysResult<base::UniqueFd> ConnectIn(int directory, const char* name);
// The next connection; none when another process has taken it.
SysResult<std::optional<base::UniqueFd>> AcceptConnection(int listener);
// Nobody can connect any more, in any process; who waits is turned away.
SysStatus StopListening(int listener);
// Nothing comes or goes any more, in any process; who waits finds it closed.
SysStatus ShutDown(int connection);

struct Peer {
  uid_t uid = 0;
  pid_t pid = 0;
  base::UniqueFd pidfd;  // of the process that connected (Linux 6.5), if there is such a thing
};
SysResult<Peer> PeerOf(int connection);

// A message with descriptors (SCM_RIGHTS), at most kMostDescriptors.
inline constexpr std::size_t kMostDescriptors = 3;
SysStatus SendDescriptors(int socket, std::string_view message, std::span<const int> descriptors);
struct ReceivedMessage {
  std::size_t size = 0;  // 0: the other end is closed
  std::size_t descriptors = 0;
};
// EMSGSIZE for a message that `buffer` is too small for, or with more descriptors than `into`.
SysResult<ReceivedMessage> ReceiveDescriptors(int socket, std::span<char> buffer,
                                              std::span<base::UniqueFd> into);
// 0, 1 and 2: the next three that are opened or received take their numbers.
SysStatus CloseStandardDescriptors();
// The same for a task that is about to execute: they stay open then, and must take the numbers from
// 0 on, which are closed before (EBADF otherwise). Only recvmsg(2) is called. `wait`: false answers
// EAGAIN where there is no message.
SysResult<std::size_t> ReceiveStandardDescriptors(int socket, std::span<char> buffer, bool wait);

}  // namespace bailey::os
