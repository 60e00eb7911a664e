#include "os/notify.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

// include/uapi/linux/seccomp.h, Linux 5.19 and 6.6.
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

namespace bailey::os {
namespace {

// The kernel writes its own struct seccomp_notif, which may be longer than the one of these headers
// (seccomp(2), SECCOMP_GET_NOTIF_SIZES). It wants the buffer to be zero.
union NoticeBuffer {
  seccomp_notif notice;
  std::array<char, 512> room;
};

SysStatus Answer(int listener, std::uint64_t id, int error, std::uint32_t flags) {
  union {
    seccomp_notif_resp answer;
    std::array<char, 512> room;
  } buffer = {.room = {}};
  buffer.answer.id = id;
  buffer.answer.error = -error;
  buffer.answer.flags = flags;
  return Check(::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &buffer));
}

SysResult<base::UniqueFd> Attach(std::span<const std::uint8_t> filter, unsigned long flags) {
  sock_fprog program = {};
  if (filter.size() / sizeof(sock_filter) > BPF_MAXINSNS) return Fail(EINVAL);
  program.len = static_cast<unsigned short>(filter.size() / sizeof(sock_filter));
  program.filter = const_cast<sock_filter*>(reinterpret_cast<const sock_filter*>(filter.data()));
  const long fd = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                            SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, &program);
  if (fd < 0) return LastErrno();
  return base::UniqueFd(static_cast<int>(fd));
}

}  // namespace

SysResult<base::UniqueFd> AttachListener(std::span<const std::uint8_t> filter) {
  auto listener = Attach(filter, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
  // A flag that the kernel does not know.
  if (!listener && listener.error().value == EINVAL) return Attach(filter, 0);
  return listener;
}

SysStatus TakeTurns(int listener) {
  return Check(
      ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP));
}

SysResult<Notification> ReceiveNotification(int listener) {
  NoticeBuffer buffer = {.room = {}};
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &buffer) != 0) return LastErrno();
  const seccomp_notif& notice = buffer.notice;
  Notification call = {.id = notice.id,
                       .task = static_cast<pid_t>(notice.pid),
                       .number = static_cast<std::uint32_t>(notice.data.nr),
                       .arch = notice.data.arch,
                       .instruction_pointer = notice.data.instruction_pointer};
  std::ranges::copy(notice.data.args, call.args.begin());
  return call;
}

SysResult<ListenerState> LookAt(int listener) {
  pollfd polled = {listener, POLLIN, 0};
  while (::poll(&polled, 1, 0) < 0)
    if (errno != EINTR) return LastErrno();
  if ((polled.revents & POLLIN) != 0) return ListenerState::kHasCall;
  return polled.revents == 0 ? ListenerState::kIsQuiet : ListenerState::kIsOver;
}

SysResult<bool> AwaitNotification(int listener, int stop) {
  std::array<pollfd, 2> polled = {pollfd{listener, POLLIN, 0}, pollfd{stop, POLLIN, 0}};
  while (::poll(polled.data(), polled.size(), -1) < 0)
    if (errno != EINTR) return LastErrno();
  return polled[1].revents == 0 && (polled[0].revents & POLLIN) != 0;
}

SysStatus AnswerWithErrno(int listener, std::uint64_t id, int number) {
  return Answer(listener, id, number, 0);
}

SysStatus LetGoOn(int listener, std::uint64_t id) {
  return Answer(listener, id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

bool StillWaits(int listener, std::uint64_t id) {
  return ::ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

bool IsListener(int fd) {
  std::uint64_t none = 0;
  return ::ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &none) == 0 || errno == ENOENT;
}

SysResult<base::UniqueFd> TakeDescriptor(int pidfd, int fd) {
  const long copy = ::syscall(SYS_pidfd_getfd, pidfd, fd, 0);
  if (copy < 0) return LastErrno();
  return base::UniqueFd(static_cast<int>(copy));
}

SysResult<std::size_t> ReadMemory(pid_t pid, std::uint64_t address, std::span<char> buffer) {
  iovec local = {buffer.data(), buffer.size()};
  iovec remote = {reinterpret_cast<void*>(address), buffer.size()};
  const ssize_t size = ::process_vm_readv(pid, &local, 1, &remote, 1, 0);
  if (size < 0) return LastErrno();
  return static_cast<std::size_t>(size);
}

}  // namespace bailey::os
