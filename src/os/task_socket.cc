#include "os/task_socket.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>

#include "base/unique_fd.h"

namespace bailey::os {
namespace {

// include/uapi/linux/pidfd.h, Linux 6.9: of a thread that leads no process.
constexpr unsigned kThread = O_EXCL;

// Of /proc, by numbers.
class Path {
 public:
  Path(pid_t thread, int fd) {
    Put("/proc/");
    Put(thread);
    Put("/fd/");
    Put(fd);
  }
  const char* Text() const { return text_.data(); }

 private:
  void Put(std::string_view text) { end_ += text.copy(end_, text.size()); }
  void Put(int number) { end_ = std::to_chars(end_, text_.end() - 1, number).ptr; }
  std::array<char, 64> text_ = {};
  char* end_ = text_.data();
};

SysResult<base::UniqueFd> OpenThread(pid_t thread, pid_t process) {
  long fd = ::syscall(SYS_pidfd_open, thread, kThread);
  if (fd < 0 && errno == EINVAL) fd = ::syscall(SYS_pidfd_open, process, 0);
  if (fd < 0) return LastErrno();
  return base::UniqueFd(static_cast<int>(fd));
}

}  // namespace

bool IsNetlinkSocket(pid_t thread, int fd) {
  // The protocol's name, with its null byte (net/socket.c, sockfs_xattr_get).
  constexpr std::string_view kName("NETLINK\0", 8);
  std::array<char, 32> name;
  const ssize_t size =
      ::getxattr(Path(thread, fd).Text(), "system.sockprotoname", name.data(), name.size());
  return size > 0 && std::string_view(name.data(), static_cast<std::size_t>(size)) == kName;
}

SysResult<int> NetlinkProtocol(pid_t thread, pid_t process, int fd) {
  const auto pidfd = OpenThread(thread, process);
  if (!pidfd) return std::unexpected(pidfd.error());
  const base::UniqueFd copy(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd->Get(), fd, 0)));
  if (!copy.IsOpen()) return LastErrno();
  struct stat meant = {}, taken = {};
  if (::stat(Path(thread, fd).Text(), &meant) != 0 || ::fstat(copy.Get(), &taken) != 0)
    return LastErrno();
  if (meant.st_ino != taken.st_ino || meant.st_dev != taken.st_dev) return Fail(EXDEV);
  int protocol = 0;
  socklen_t size = sizeof(protocol);
  if (::getsockopt(copy.Get(), SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0) return LastErrno();
  return protocol;
}

SysResult<bool> MayChangeNetworks(pid_t thread) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, thread};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets = {};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return LastErrno();
  return (sets[0].effective >> CAP_NET_ADMIN & 1) != 0;
}

}  // namespace bailey::os
