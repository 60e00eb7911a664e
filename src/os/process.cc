#include "os/process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "os/file.h"
#include "os/local_socket.h"

namespace bailey::os {
namespace {

constexpr std::size_t kChildrenLimit = 16 << 20;

struct NamespaceFlag {
  Namespace name;
  std::uint64_t flag;
};

constexpr NamespaceFlag kNamespaceFlags[] = {
    {kUserNamespace, CLONE_NEWUSER},  {kMountNamespace, CLONE_NEWNS},
    {kPidNamespace, CLONE_NEWPID},    {kIpcNamespace, CLONE_NEWIPC},
    {kUtsNamespace, CLONE_NEWUTS},    {kCgroupNamespace, CLONE_NEWCGROUP},
    {kNetworkNamespace, CLONE_NEWNET}};

base::UniqueFd TakeDescriptor(cmsghdr* rights) {
  int descriptor = -1;
  ::memcpy(&descriptor, CMSG_DATA(rights), sizeof(descriptor));
  return base::UniqueFd(descriptor);
}

std::uint64_t CloneFlags(std::uint32_t namespaces) {
  std::uint64_t flags = 0;
  for (const NamespaceFlag& entry : kNamespaceFlags)
    if (namespaces & entry.name) flags |= entry.flag;
  return flags;
}

SysResult<Child> Clone(std::uint64_t flags, int exit_signal) {
  int pidfd = -1;
  clone_args arguments = {};
  arguments.flags = CLONE_PIDFD | flags;
  arguments.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  arguments.exit_signal = static_cast<std::uint64_t>(exit_signal);
  long pid = ::syscall(SYS_clone3, &arguments, sizeof(arguments));
  // Filters of container engines answer so, as they cannot see its flags; those of clone(2) they
  // can. Both write the pidfd to where the third argument of clone(2) points.
  if (pid < 0 && errno == ENOSYS) {
    pid = ::syscall(SYS_clone, arguments.flags | arguments.exit_signal, nullptr, &pidfd, nullptr,
                    nullptr);
  }
  if (pid < 0) return LastErrno();
  Child child;
  child.pid = static_cast<pid_t>(pid);
  if (pid > 0) child.pidfd.Reset(pidfd);
  return child;
}

}  // namespace

SysResult<Child> Fork(std::uint32_t namespaces) { return Clone(CloneFlags(namespaces), SIGCHLD); }

bool HasProcessors(int count) {
  cpu_set_t allowed;
  // EINVAL: more than the 1,024 that the set has room for.
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return errno == EINVAL;
  return CPU_COUNT(&allowed) >= count;
}

void PlaceBeside(pid_t child) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) != 2) return;
  cpu_set_t other = allowed;
  CPU_CLR(static_cast<std::size_t>(::sched_getcpu()), &other);
  // It stays where it is put; where it may run is as before.
  if (::sched_setaffinity(child, sizeof(other), &other) == 0)
    (void)::sched_setaffinity(child, sizeof(allowed), &allowed);
}

SysResult<Child> StartIdle(std::uint32_t namespaces) {
  // Nobody else's, even if it outlives the call that wanted it.
  alignas(16) static std::array<char, 16384> stack;
  // Touches errno only where it is about to end.
  constexpr auto kIdle = [](void* parent) {
    // One who was killed before this was said is not waited for.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) ::_exit(1);
    if (::getppid() != *static_cast<const pid_t*>(parent)) ::_exit(1);
    for (;;) (void)::pause();
    return 0;
  };
  static pid_t parent;
  parent = ::getpid();
  int pidfd = -1;
  const int flags = static_cast<int>(CLONE_VM | CLONE_PIDFD | CloneFlags(namespaces)) | SIGCHLD;
  const pid_t pid = ::clone(kIdle, stack.data() + stack.size(), flags, &parent, &pidfd);
  if (pid < 0) return LastErrno();
  Child child;
  child.pid = pid;
  child.pidfd.Reset(pidfd);
  return child;
}

SysResult<Child> ForkSibling(std::uint32_t namespaces) {
  // The signal is the parent's own (kernel/fork.c, copy_process).
  return Clone(CLONE_PARENT | CloneFlags(namespaces), 0);
}

SysStatus Unshare(std::uint32_t namespaces) {
  return Check(::unshare(static_cast<int>(CloneFlags(namespaces))));
}

SysStatus JoinNamespaces(int pidfd, std::uint32_t namespaces) {
  return Check(::setns(pidfd, static_cast<int>(CloneFlags(namespaces))));
}

SysStatus JoinNamespace(int fd, Namespace kind) {
  return Check(::setns(fd, static_cast<int>(CloneFlags(kind))));
}

SysResult<base::UniqueFd> OpenPidfd(pid_t pid) {
  const long fd = ::syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0) return LastErrno();
  return base::UniqueFd(static_cast<int>(fd));
}

SysStatus SendSignal(int pidfd, int signal) {
  return Check(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

SysStatus ExpectChildren() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  return Check(::sigaction(SIGCHLD, &action, nullptr));
}

SysStatus ReapUnseen() {
  struct sigaction action = {};
  action.sa_handler = SIG_IGN;
  return Check(::sigaction(SIGCHLD, &action, nullptr));
}

SysResult<Ended> WaitFor(pid_t pid) {
  Ended ended;
  while (::wait4(pid, &ended.wait_status, 0, &ended.usage) != pid)
    if (errno != EINTR) return LastErrno();
  return ended;
}

bool HasEnded(int pidfd) {
  pollfd polled = {pidfd, POLLIN, 0};
  return ::poll(&polled, 1, 0) == 1;
}

SysStatus AdoptOrphans() { return Check(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)); }

SysStatus KillChildren() {
  char path[64];
  (void)::snprintf(path, sizeof(path), "/proc/self/task/%d/children", ::getpid());
  for (;;) {
    const auto children = ReadFile(AT_FDCWD, path, kChildrenLimit);
    if (!children) return std::unexpected(children.error());
    for (const char* at = children->c_str(); *at != 0;) {
      char* end = nullptr;
      const long child = ::strtol(at, &end, 10);
      if (end == at) break;
      (void)::kill(static_cast<pid_t>(child), SIGKILL);
      at = end;
    }
    // One of them at least is about to end; its children may be ours by then.
    if (::wait4(-1, nullptr, 0, nullptr) >= 0 || errno == EINTR) continue;
    if (errno == ECHILD) return {};
    return LastErrno();
  }
}

SysStatus DieWithParent() { return Check(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)); }

SysStatus SetDumpable(bool dumpable) {
  return Check(::prctl(PR_SET_DUMPABLE, dumpable ? 1 : 0, 0, 0, 0));
}

SysStatus StartSession() { return Check(::setsid()); }

SysStatus SetHostname(std::string_view name) {
  return Check(::sethostname(name.data(), name.size()));
}

SysStatus ChangeDirectory(const char* path) { return Check(::chdir(path)); }

SysStatus FillStandardDescriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) != -1) continue;
    // Open for the wrong direction: reads from 0 and writes to 1 and 2 answer EBADF, as before.
    const int opened = ::open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
    if (opened != fd) return LastErrno();
  }
  return {};
}

SysStatus Duplicate(int descriptor, int copy) { return Check(::dup2(descriptor, copy)); }

SysStatus CloseAllBut(std::span<const int> kept) {
  unsigned first = 3;
  for (const int fd : kept) {
    const auto next = static_cast<unsigned>(fd);
    if (first < next && ::syscall(SYS_close_range, first, next - 1, 0) != 0) return LastErrno();
    first = next + 1;
  }
  return Check(::syscall(SYS_close_range, first, ~0u, 0));
}

SysStatus ResetSignals() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    // The two numbers that libc keeps for itself are refused with EINVAL.
    if (::sigaction(signal, &action, nullptr) != 0 && errno != EINVAL) return LastErrno();
  }
  sigset_t none;
  ::sigemptyset(&none);
  return Check(::sigprocmask(SIG_SETMASK, &none, nullptr));
}

SysStatus SetLimit(int resource, std::uint64_t value) {
  struct rlimit limit = {};
  const auto which = static_cast<__rlimit_resource>(resource);
  if (::getrlimit(which, &limit) != 0) return LastErrno();
  limit.rlim_max = std::min<rlim_t>(value, limit.rlim_max);
  limit.rlim_cur = limit.rlim_max;
  return Check(::setrlimit(which, &limit));
}

unsigned SetFileModeMask(unsigned mask) { return ::umask(mask); }

SysStatus LockForReading(int fd) {
  struct flock lock = {};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  return Check(::fcntl(fd, F_SETLK, &lock));
}

SysResult<std::pair<pid_t, int>> WaitForAny() {
  int status = 0;
  pid_t pid = -1;
  do {
    pid = ::wait4(-1, &status, 0, nullptr);
  } while (pid < 0 && errno == EINTR);
  if (pid < 0) return LastErrno();
  return std::pair{pid, status};
}

SysStatus Execute(const char* path, char* const* argv, char* const* environment) {
  ::execve(path, argv, environment);
  return LastErrno();
}

void Exit(int status) { ::_exit(status); }

SysResult<std::array<base::UniqueFd, 2>> MessagePair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return LastErrno();
  std::array<base::UniqueFd, 2> pair = {base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
  const int on = 1;
  if (::setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0) return LastErrno();
  return pair;
}

SysStatus Send(int socket, std::string_view message) {
  const ssize_t sent = ::send(socket, message.data(), message.size(), MSG_NOSIGNAL);
  if (sent < 0) return LastErrno();
  if (static_cast<std::size_t>(sent) != message.size()) return Fail(EMSGSIZE);
  return {};
}

SysResult<Received> Receive(int socket, std::span<char> buffer) {
  iovec part = {buffer.data(), buffer.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int))];
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  ssize_t size = -1;
  do {
    size = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    // ECONNRESET, once: the other end is gone and had not read all. What it said waits behind that.
  } while (size < 0 && (errno == EINTR || errno == ECONNRESET));
  if (size < 0) return LastErrno();
  Received received;
  received.size = static_cast<std::size_t>(size);
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET) continue;
    if (c->cmsg_type == SCM_RIGHTS) received.descriptor = TakeDescriptor(c);
    if (c->cmsg_type != SCM_CREDENTIALS) continue;
    ucred credentials;
    std::copy_n(CMSG_DATA(c), sizeof(credentials), reinterpret_cast<unsigned char*>(&credentials));
    received.sender = credentials.pid;
  }
  return received;
}

SysStatus SendDescriptor(int socket, int descriptor, std::string_view message) {
  if (descriptor < 0) return SendDescriptors(socket, message, {});
  return SendDescriptors(socket, message, {&descriptor, 1});
}

SysResult<base::UniqueFd> ReceiveDescriptor(int socket) {
  char byte = 0;
  auto received = Receive(socket, {&byte, 1});
  if (!received) return std::unexpected(received.error());
  if (received->size == 0) return Fail(EPIPE);
  return std::move(received->descriptor);
}

}  // namespace bailey::os
