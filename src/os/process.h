// Processes: made with namespaces, watched by descriptor, signalled without a race on the pid.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

enum Namespace : std::uint32_t {
  kUserNamespace = 1u << 0,
  kMountNamespace = 1u << 1,
  kPidNamespace = 1u << 2,
  kIpcNamespace = 1u << 3,
  kUtsNamespace = 1u << 4,
  kCgroupNamespace = 1u << 5,
  kNetworkNamespace = 1u << 6,
};

struct Child {
  pid_t pid = -1;        // 0 in the child
  base::UniqueFd pidfd;  // in the parent
};

// clone3(2) like fork: the child goes on from here on a copy of the memory, in new namespaces.
SysResult<Child> Fork(std::uint32_t namespaces);
// A child in new namespaces that only waits to be killed, or for its parent's end; one at a time.
// It shares the memory: to copy that and to give it back is most of what a fork costs.
SysResult<Child> StartIdle(std::uint32_t namespaces);
// Moves a child that was just forked to the other processor, where this process may use two. The
// kernel leaves it where it was forked while the other is asleep, as a virtual machine's mostly is,
// and there it waits until its parent sleeps. Of more processors the kernel is to choose.
void PlaceBeside(pid_t child);
// Whether this process may run on so many processors at once.
bool HasProcessors(int count);
// Like Fork, but the child is one of the caller's parent, which alone may wait for it.
SysResult<Child> ForkSibling(std::uint32_t namespaces);
// Moves this process into new namespaces (unshare(2)); a new user namespace gives it all
// capabilities there, and no more in the one that it leaves.
SysStatus Unshare(std::uint32_t namespaces);
// Moves this process into those of another (setns(2) with a pidfd: Linux 5.8).
SysStatus JoinNamespaces(int pidfd, std::uint32_t namespaces);

// Moves this process into the namespace of this one kind that a descriptor refers to; into a pid
// namespace only its later children.
SysStatus JoinNamespace(int fd, Namespace kind);

SysResult<base::UniqueFd> OpenPidfd(pid_t pid);
SysStatus SendSignal(int pidfd, int signal);
bool HasEnded(int pidfd);

// Children that end are forgotten at once; nobody waits for them.
SysStatus ReapUnseen();

struct Ended {
  int wait_status = 0;
  struct rusage usage = {};  // the process and the children that it waited for
};
// A caller that ignores SIGCHLD would have our children reaped by the kernel, unseen.
SysStatus ExpectChildren();
// Waits for this child; EINTR is retried.
SysResult<Ended> WaitFor(pid_t pid);

// From now on what children leave behind becomes a child of this process (prctl(2),
// PR_SET_CHILD_SUBREAPER).
SysStatus AdoptOrphans();
// Kills and reaps the children of this process until it has none, their orphans included.
// Allocates.
SysStatus KillChildren();

// This process dies with SIGKILL when its parent does. Cleared by the kernel when ids change.
SysStatus DieWithParent();
// Whether others of the same user may ptrace this process and open its /proc files.
SysStatus SetDumpable(bool dumpable);
SysStatus StartSession();
SysStatus SetHostname(std::string_view name);
SysStatus ChangeDirectory(const char* path);
// Descriptors 0, 1 and 2 that were closed by the caller become ones that fail like closed ones: the
// next files opened here must not take their numbers, and so be handed to a program as its output.
SysStatus FillStandardDescriptors();
// Makes `copy` another name of `descriptor`, kept across execution.
SysStatus Duplicate(int descriptor, int copy);
// Closes every descriptor but 0, 1, 2 and these, which must be in rising order and above 2.
SysStatus CloseAllBut(std::span<const int> kept);
// Signal dispositions and mask back to what a new program expects.
SysStatus ResetSignals();
// Lowers the soft and hard limit, never raising the hard one: min(value, hard).
SysStatus SetLimit(int resource, std::uint64_t value);
// Returns the old one.
unsigned SetFileModeMask(unsigned mask);
// A lock for reading on the whole file, as long as the process lives and has it open.
SysStatus LockForReading(int fd);
// Of all children; ECHILD when there are none.
SysResult<std::pair<pid_t, int>> WaitForAny();
SysStatus Execute(const char* path, char* const* argv, char* const* environment);
[[noreturn]] void Exit(int status);

// A pair of connected sockets that keep message boundaries. The first receives, with each message,
// the sender's pid as seen from the receiver (SCM_CREDENTIALS).
SysResult<std::array<base::UniqueFd, 2>> MessagePair();
SysStatus Send(int socket, std::string_view message);
struct Received {
  std::size_t size = 0;  // 0: the other end is closed
  pid_t sender = 0;
  base::UniqueFd descriptor;  // that came with it
};
SysResult<Received> Receive(int socket, std::span<char> buffer);

// A message with a descriptor (SCM_RIGHTS), or with none: -1.
SysStatus SendDescriptor(int socket, int descriptor, std::string_view message = "d");
// EPIPE when the other end is closed.
SysResult<base::UniqueFd> ReceiveDescriptor(int socket);

}  // namespace bailey::os
