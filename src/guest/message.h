// What the first process and the child that will be the program say to each other, on a socket that
// keeps messages apart.
#pragma once

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <cstddef>
#include <span>

namespace bailey::guest {

// In place of an errno: the child has a listener, of the number that is the index.
inline constexpr int kListening = -1;
// It waits for the command: for all of it, or for its words alone.
inline constexpr int kReady = -2;

// One with room for descriptors beside it.
template <std::size_t kMost>
class Message {
 public:
  Message(void* bytes, std::size_t size) : bytes_{bytes, size} {
    message_.msg_iov = &bytes_;
    message_.msg_iovlen = 1;
    message_.msg_control = control_;
    message_.msg_controllen = sizeof(control_);
  }
  int Send(int socket, std::span<const int> descriptors) {
    message_.msg_controllen = descriptors.empty() ? 0 : CMSG_SPACE(descriptors.size_bytes());
    if (cmsghdr* const header = CMSG_FIRSTHDR(&message_)) {
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
      memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
    }
    return ::sendmsg(socket, &message_, MSG_NOSIGNAL) < 0 ? errno : 0;
  }
  // Its size, or -1.
  ssize_t Receive(int socket) {
    ssize_t size;
    do {
      size = ::recvmsg(socket, &message_, MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    return size;
  }
  // How many came along, which are written to `descriptors`.
  std::size_t Take(int* descriptors) {
    const cmsghdr* const header = CMSG_FIRSTHDR(&message_);
    if (!header) return 0;
    const std::size_t size = header->cmsg_len - CMSG_LEN(0);
    memcpy(descriptors, CMSG_DATA(header), size);
    return size / sizeof(int);
  }

 private:
  alignas(cmsghdr) char control_[CMSG_SPACE(sizeof(int) * kMost)] = {};
  iovec bytes_;
  msghdr message_ = {};
};

}  // namespace bailey::guest
