#include "os/channel.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <cstring>

namespace bailey::os {

SysResult<std::array<base::UniqueFd, 2>> ChannelPair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return LastErrno();
  return std::array<base::UniqueFd, 2>{base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

SysStatus SendMessage(int socket, std::span<const std::uint8_t> message,
                      std::span<const int> descriptors) {
  if (descriptors.size() > kMostDescriptors) return Fail(EINVAL);
  iovec part = {const_cast<std::uint8_t*>(message.data()), message.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostDescriptors)] = {};
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  if (::sendmsg(socket, &header, MSG_NOSIGNAL) < 0) return LastErrno();
  return {};
}

SysResult<ReceivedMessage> ReceiveMessage(int socket, std::span<std::uint8_t> buffer) {
  iovec part = {buffer.data(), buffer.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostDescriptors)];
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  const ssize_t size = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  if (size < 0) return LastErrno();
  ReceivedMessage received;
  received.size = static_cast<std::size_t>(size);
  for (cmsghdr* one = CMSG_FIRSTHDR(&header); one; one = CMSG_NXTHDR(&header, one)) {
    if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (one->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(one) + i * sizeof(int), sizeof(int));
      received.descriptors.emplace_back(descriptor);
    }
  }
  // Descriptors that did not fit into this process were lost on the way.
  if (header.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) return Fail(EMFILE);
  return received;
}

SysResult<std::size_t> RaiseDescriptorLimit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return LastErrno();
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return LastErrno();
  return static_cast<std::size_t>(limit.rlim_cur);
}

}  // namespace bailey::os
