#include "os/inside.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "os/file.h"
#include "os/identity.h"
#include "os/seccomp.h"

namespace bailey::os {
namespace {

constexpr std::size_t kLimit = 1 << 20;
constexpr unsigned kSeconds = 5;

// How a child ends that could not do what was asked. Errnos are below.
enum Ending : int { kKilledBelow = 200, kNoNamespaces, kNoRoot, kNoIds, kNoFilters };

const char* StepOf(int ending) {
  switch (ending) {
    case kNoNamespaces:
      return "its namespaces";
    case kNoRoot:
      return "its root directory";
    case kNoIds:
      return "its ids and capabilities";
    default:
      return "its filters";
  }
}

struct Space {
  unsigned flag;
  const char* name;
};
constexpr Space kSpaces[] = {
    {CLONE_NEWUSER, "ns/user"},     {CLONE_NEWNS, "ns/mnt"},  {CLONE_NEWPID, "ns/pid"},
    {CLONE_NEWNET, "ns/net"},       {CLONE_NEWIPC, "ns/ipc"}, {CLONE_NEWUTS, "ns/uts"},
    {CLONE_NEWCGROUP, "ns/cgroup"},
};

// Connecting tells whether a socket is reachable; nothing is sent. EPROTOTYPE comes from one that
// is there, and of another kind.
int Connect(int family, const void* address, socklen_t size) {
  const int socket = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket == -1) return errno;
  const int done = ::connect(socket, static_cast<const struct sockaddr*>(address), size);
  const int error = done == 0 ? 0 : errno;
  (void)::close(socket);
  return error == EPROTOTYPE || error == EINPROGRESS || error == EAGAIN ? 0 : error;
}

int ConnectUnix(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return ENAMETOOLONG;
  std::memcpy(address.sun_path, path.data(), path.size());
  return Connect(AF_UNIX, &address, sizeof(address));
}

int ConnectToLoopback(std::uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket == -1) return errno;
  const int done =
      ::connect(socket, reinterpret_cast<const struct sockaddr*>(&address), sizeof(address));
  return done == 0 ? 0 : errno;
}

int OpenAndClose(const char* path, int flags) {
  const int fd = ::open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd == -1) return errno;
  (void)::close(fd);
  return 0;
}

int OpenForWriting(const std::string& path) {
  const int error = OpenAndClose(path.c_str(), O_WRONLY);
  if (error == EISDIR)
    return ::faccessat(AT_FDCWD, path.c_str(), W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
  if (error != ENOENT) return error;
  // Not there: it can be made where its directory may be written.
  char parent[4096];
  const auto slash = path.rfind('/');
  if (slash == std::string::npos || slash >= sizeof(parent)) return ENOENT;
  std::memcpy(parent, path.data(), slash);
  parent[slash] = '\0';
  const char* const directory = slash == 0 ? "/" : parent;
  return ::faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

int Do(const Attempted& what, bool is_elsewhere) {
  switch (what.deed) {
    case Deed::kConnect:
      return ConnectUnix(what.path);
    case Deed::kOpenForReading:
      return OpenAndClose(what.path.c_str(), O_RDONLY);
    case Deed::kOpenForWriting:
      return OpenForWriting(what.path);
    case Deed::kFindProcess:
      // In another pid namespace the number is another process's.
      if (is_elsewhere) return ESRCH;
      return ::kill(what.process, 0) == 0 || errno == EPERM ? 0 : errno;
    case Deed::kConnectToLoopback:
      return ConnectToLoopback(what.port);
    case Deed::kMakeUserNamespace:
      return ::unshare(CLONE_NEWUSER) == 0 ? 0 : errno;
  }
  return ENOSYS;
}

bool BecomeLike(uid_t uid, gid_t gid, std::uint64_t capabilities) {
  if (::getuid() != uid || ::geteuid() != uid || ::getgid() != gid || ::getegid() != gid) {
    // A user namespace may forbid it; then there are no groups to lose.
    (void)::syscall(SYS_setgroups, 0, nullptr);
    if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return false;
    if (::setresgid(gid, gid, gid) != 0 || ::setresuid(uid, uid, uid) != 0) return false;
  }
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (::syscall(SYS_capget, &header, data) != 0) return false;
  for (int half = 0; half < 2; ++half) {
    const auto wanted = static_cast<std::uint32_t>(capabilities >> (32 * half));
    data[half].permitted &= wanted;
    data[half].effective = data[half].permitted;
    data[half].inheritable = 0;
  }
  return ::syscall(SYS_capset, &header, data) == 0;
}

int StatusOf(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) == -1) {
    if (errno != EINTR) return kKilledBelow;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : static_cast<int>(kKilledBelow);
}

// The number after `key` in /proc/PID/status, `column` numbers further; -1 when there is none.
std::int64_t Field(std::string_view status, std::string_view key, int column, int base) {
  auto at = status.find(key);
  if (at == std::string_view::npos) return -1;
  at += key.size();
  std::uint64_t value = 0;
  for (int i = 0; i <= column; ++i) {
    at = status.find_first_not_of("\t ", at);
    if (at == std::string_view::npos) return -1;
    const auto read =
        std::from_chars(status.data() + at, status.data() + status.size(), value, base);
    if (read.ec != std::errc()) return -1;
    at = static_cast<std::size_t>(read.ptr - status.data());
  }
  return static_cast<std::int64_t>(value);
}

// An id of ours as the map's namespace has it; -1 where it is not mapped.
std::int64_t Inside(std::string_view map, std::int64_t outside) {
  const char* at = map.data();
  const char* const end = at + map.size();
  std::int64_t numbers[3];
  while (true) {
    for (std::int64_t& number : numbers) {
      while (at != end && (*at == ' ' || *at == '\n')) ++at;
      const auto read = std::from_chars(at, end, number);
      if (read.ec != std::errc()) return -1;
      at = read.ptr;
    }
    if (outside >= numbers[1] && outside - numbers[1] < numbers[2])
      return numbers[0] + outside - numbers[1];
  }
}

base::Error CannotOpen(pid_t pid, const char* what, Errno error) {
  return base::SystemError("enter process " + std::to_string(pid) + ": open its " + what,
                           error.value);
}

}  // namespace

base::Result<InsideOf> InsideOf::Open(pid_t pid, std::vector<std::vector<std::uint8_t>> filters) {
  InsideOf inside;
  inside.filters_ = std::move(filters);
  auto pidfd = OpenPidfd(pid);
  if (!pidfd) return CannotOpen(pid, "pidfd", pidfd.error());
  inside.pidfd_ = *std::move(pidfd);
  const std::string directory = "/proc/" + std::to_string(pid);
  const auto proc = os::Open(AT_FDCWD, directory.c_str(), O_PATH | O_DIRECTORY);
  if (!proc) return CannotOpen(pid, "directory in /proc", proc.error());
  auto root = os::Open(proc->Get(), "root", O_PATH | O_DIRECTORY);
  if (!root) return CannotOpen(pid, "root", root.error());
  inside.root_ = *std::move(root);
  for (const Space& space : kSpaces) {
    const auto theirs = ReadLink(proc->Get(), space.name);
    if (!theirs) return CannotOpen(pid, space.name, theirs.error());
    const auto ours = ReadLink(AT_FDCWD, ("/proc/self/" + std::string(space.name)).c_str());
    if (!ours || *ours != *theirs) inside.namespaces_ |= space.flag;
  }
  const auto their_root = StatFd(inside.root_.Get());
  const auto our_root = Stat(AT_FDCWD, "/", true);
  inside.root_differs_ = (inside.namespaces_ & CLONE_NEWNS) != 0 || !their_root || !our_root ||
                         their_root->st_dev != our_root->st_dev ||
                         their_root->st_ino != our_root->st_ino;
  const auto status = ReadFile(proc->Get(), "status", kLimit);
  const auto uids = ReadFile(proc->Get(), "uid_map", kLimit);
  const auto gids = ReadFile(proc->Get(), "gid_map", kLimit);
  if (!status || !uids || !gids) return CannotOpen(pid, "status", {ESRCH});
  std::int64_t uid = Field(*status, "Uid:", 1, 10), gid = Field(*status, "Gid:", 1, 10);
  if (inside.namespaces_ & CLONE_NEWUSER) {
    uid = Inside(*uids, uid);
    gid = Inside(*gids, gid);
  }
  if (uid < 0 || gid < 0)
    return base::Unsupported("enter process " + std::to_string(pid) +
                             ": its ids are not mapped in its user namespace");
  inside.uid_ = static_cast<uid_t>(uid);
  inside.gid_ = static_cast<gid_t>(gid);
  inside.capabilities_ = static_cast<std::uint64_t>(Field(*status, "CapPrm:", 0, 16));
  return inside;
}

// 0, or how the child is to end.
int InsideOf::Enter() const {
  if (namespaces_ != 0 && ::setns(pidfd_.Get(), static_cast<int>(namespaces_)) != 0)
    return kNoNamespaces;
  if (root_differs_ && (::fchdir(root_.Get()) != 0 || ::chroot(".") != 0)) return kNoRoot;
  if (root_differs_ && ::chdir("/") != 0) return kNoRoot;
  return 0;
}

Tried InsideOf::Try(const Attempted& what) const {
  const auto child = Fork(0);
  if (!child) return {Tried::Kind::kNotEntered, child.error().value, "a child of ours"};
  if (child->pid == 0) {
    // What runs inside may look at us as soon as we are there.
    (void)DieWithParent();
    (void)SetDumpable(false);
    (void)::alarm(kSeconds);
    if (const int ending = Enter(); ending != 0) Exit(ending);
    // Only children are in a pid namespace that was joined.
    const pid_t second = ::fork();
    if (second == -1) Exit(errno);
    if (second != 0) Exit(StatusOf(second));
    (void)::alarm(kSeconds);
    if (!BecomeLike(uid_, gid_, capabilities_)) Exit(kNoIds);
    (void)SetDumpable(false);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) Exit(kNoFilters);
    for (const auto& filter : filters_) {
      if (!AttachFilter(filter)) Exit(kNoFilters);
    }
    Exit(Do(what, (namespaces_ & CLONE_NEWPID) != 0));
  }
  const int status = StatusOf(child->pid);
  if (status == 0) return {Tried::Kind::kDone, 0, {}};
  if (status == kKilledBelow) return {Tried::Kind::kKilled, 0, {}};
  if (status > kKilledBelow) return {Tried::Kind::kNotEntered, 0, StepOf(status)};
  return {Tried::Kind::kRefused, status, {}};
}

}  // namespace bailey::os
