#include "os/local_socket.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>

namespace bailey::os {
namespace {

// Linux 6.5; a kernel without it answers ENOPROTOOPT.
constexpr int kPeerPidfd = 77;  // SO_PEERPIDFD
constexpr std::size_t kControlSize = CMSG_SPACE(kMostDescriptors * sizeof(int));

// A name that is too long for an address is reached through the directory's descriptor.
sockaddr_un AddressIn(int directory, const char* name) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  (void)::snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", directory,
                   name);
  return address;
}

SysResult<base::UniqueFd> MakeSocket(int flags) {
  base::UniqueFd made(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0));
  if (!made.IsOpen()) return LastErrno();
  return made;
}

struct Control {
  alignas(cmsghdr) char bytes[kControlSize] = {};
};

// How many descriptors a received message holds, and the first of them.
std::span<const int> DescriptorsOf(msghdr& header) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    // CMSG_DATA is aligned for anything that a control message holds.
    return {reinterpret_cast<const int*>(CMSG_DATA(c)), count};
  }
  return {};
}

SysResult<std::size_t> ReceiveInto(int socket, msghdr& header, int flags) {
  ssize_t size = -1;
  do {
    size = ::recvmsg(socket, &header, flags);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return LastErrno();
  return static_cast<std::size_t>(size);
}

}  // namespace

SysResult<base::UniqueFd> ListenIn(int directory, const char* name, unsigned mode) {
  auto made = MakeSocket(SOCK_NONBLOCK);
  if (!made) return made;
  // The mode of what bind(2) makes is that of the socket's inode, less the umask.
  if (::fchmod(made->Get(), mode) != 0) return LastErrno();
  const sockaddr_un address = AddressIn(directory, name);
  if (::bind(made->Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return LastErrno();
  if (::listen(made->Get(), SOMAXCONN) != 0) return LastErrno();
  return made;
}

SysResult<base::UniqueFd> ConnectIn(int directory, const char* name) {
  auto made = MakeSocket(0);
  if (!made) return made;
  const sockaddr_un address = AddressIn(directory, name);
  if (::connect(made->Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return LastErrno();
  return made;
}

SysResult<std::optional<base::UniqueFd>> AcceptConnection(int listener) {
  base::UniqueFd accepted(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  if (accepted.IsOpen()) return std::optional(std::move(accepted));
  if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return std::nullopt;
  return LastErrno();
}

SysStatus StopListening(int listener) { return Check(::shutdown(listener, SHUT_RDWR)); }

SysStatus ShutDown(int connection) { return Check(::shutdown(connection, SHUT_RDWR)); }

SysResult<Peer> PeerOf(int connection) {
  ucred credentials = {};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return LastErrno();
  Peer peer;
  peer.uid = credentials.uid;
  peer.pid = credentials.pid;
  int pidfd = -1;
  size = sizeof(pidfd);
  if (::getsockopt(connection, SOL_SOCKET, kPeerPidfd, &pidfd, &size) == 0)
    peer.pidfd.Reset(pidfd);
  else if (errno != ENOPROTOOPT)
    return LastErrno();
  return peer;
}

SysStatus SendDescriptors(int socket, std::string_view message, std::span<const int> descriptors) {
  if (descriptors.size() > kMostDescriptors) return Fail(EINVAL);
  iovec part = {const_cast<char*>(message.data()), message.size()};
  Control control;
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    header.msg_control = control.bytes;
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    ::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  return Check(::sendmsg(socket, &header, MSG_NOSIGNAL));
}

SysResult<ReceivedMessage> ReceiveDescriptors(int socket, std::span<char> buffer,
                                              std::span<base::UniqueFd> into) {
  iovec part = {buffer.data(), buffer.size()};
  Control control;
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes;
  header.msg_controllen = sizeof(control.bytes);
  const auto size = ReceiveInto(socket, header, MSG_CMSG_CLOEXEC);
  if (!size) return std::unexpected(size.error());
  ReceivedMessage received = {*size, 0};
  bool too_many = (header.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0;
  for (const int descriptor : DescriptorsOf(header)) {
    base::UniqueFd owned(descriptor);
    if (received.descriptors == into.size())
      too_many = true;
    else
      into[received.descriptors++] = std::move(owned);
  }
  if (too_many) return Fail(EMSGSIZE);
  return received;
}

SysStatus CloseStandardDescriptors() { return Check(::syscall(SYS_close_range, 0u, 2u, 0)); }

SysResult<std::size_t> ReceiveStandardDescriptors(int socket, std::span<char> buffer, bool wait) {
  iovec part = {buffer.data(), buffer.size()};
  Control control;
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes;
  header.msg_controllen = sizeof(control.bytes);
  const auto size = ReceiveInto(socket, header, wait ? 0 : MSG_DONTWAIT);
  if (!size || *size == 0) return size;
  const auto descriptors = DescriptorsOf(header);
  int next = 0;
  for (const int descriptor : descriptors)
    if (descriptor != next++) return Fail(EBADF);
  if (next != 3) return Fail(EBADF);
  return size;
}

}  // namespace bailey::os
