// The supervisor's side of a seccomp filter that hands calls to it (SECCOMP_RET_USER_NOTIF).
//
//   auto listener = os::AttachListener(filter);        // in the task that is to be watched
//   ...                                                // the descriptor goes to the supervisor
//   auto call = os::ReceiveNotification(listener);
//   os::AnswerWithErrno(listener, call->id, EPERM);
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <span>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

// As AttachFilter (os/seccomp.h), and returns the listener, which is closed on execution. EBUSY
// when a filter of this task or one that it inherited has a listener already: there is one for a
// chain. Where the kernel can (5.19), a task waits through every signal but one that kills it, once
// its call was received: else programs that get many signals would make their calls again and
// again.
SysResult<base::UniqueFd> AttachListener(std::span<const std::uint8_t> filter);

// Caller and supervisor take turns on one processor, instead of one waking the other on a second
// one, which takes ten times as long (SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP, 6.6; EINVAL before).
SysStatus TakeTurns(int listener);

struct Notification {
  std::uint64_t id = 0;
  pid_t task = 0;  // the thread, as this process sees it; 0 when it cannot
  std::uint32_t number = 0, arch = 0;
  std::uint64_t instruction_pointer = 0;
  std::array<std::uint64_t, 6> args = {};
};
// Waits for one. ENOENT: the task was gone before it could be received, or, on kernels since 6.11,
// nobody is left whom the filter holds for; EINTR: a signal came.
SysResult<Notification> ReceiveNotification(int listener);
enum class ListenerState : std::uint8_t { kHasCall, kIsQuiet, kIsOver };  // over: nobody is left
SysResult<ListenerState> LookAt(int listener);
// Waits until there is one to receive, or `stop` can be read; false when nobody is left, or
// stopped.
SysResult<bool> AwaitNotification(int listener, int stop);
// The call returns this error and is not made. ENOENT when the task is gone, or no longer waits.
SysStatus AnswerWithErrno(int listener, std::uint64_t id, int number);
// The call is made. Nothing that was read from the task's memory may have decided this: it can
// change before the kernel reads it again.
SysStatus LetGoOn(int listener, std::uint64_t id);
// Whether the task still waits for an answer: what was read of a task by its number between two
// questions was read of this task, if both say yes.
bool StillWaits(int listener, std::uint64_t id);
// Whether a descriptor is a listener at all.
bool IsListener(int fd);

// A copy of a descriptor of another process (pidfd_getfd(2): Linux 5.6), which one may ptrace.
SysResult<base::UniqueFd> TakeDescriptor(int pidfd, int fd);
// Reads memory of another process, as far as it is there: fewer bytes than asked for at the end of
// a mapping.
SysResult<std::size_t> ReadMemory(pid_t pid, std::uint64_t address, std::span<char> buffer);

}  // namespace bailey::os
