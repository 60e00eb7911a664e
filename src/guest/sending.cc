#include "guest/sending.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>

#include "audit/netlink_heads.h"
#include "guest/machine.h"
#include "guest/task.h"

namespace bailey::guest {
namespace {

const Sending* SendingOf(const Command& command, const bpf::SeccompData& call) {
  const auto sendings = std::span(command.sendings).first(command.sending_count);
  const auto at = std::ranges::find_if(
      sendings, [&](const Sending& one) { return one.arch == call.arch && one.number == call.nr; });
  return at == sendings.end() ? nullptr : &*at;
}

void PutPath(pid_t task, std::int32_t fd, Path& path) {
  path << "/proc/" << static_cast<std::size_t>(task) << "/fd/" << static_cast<std::size_t>(fd);
}

// Its file system says so, without a copy of it (net/socket.c, sockfs_xattr_get).
bool IsNetlink(pid_t task, std::int32_t fd) {
  if (fd < 0) return false;
  constexpr char kName[] = "NETLINK";
  Path path;
  PutPath(task, fd, path);
  char name[32];
  return ::getxattr(path.Text(), "system.sockprotoname", name, sizeof(name)) == sizeof(kName) &&
         memcmp(name, kName, sizeof(kName)) == 0;
}

// Of the socket that the task means: another thread of its process may have other descriptors.
bool ReadProtocol(pid_t task, std::int32_t fd, std::uint32_t& protocol) {
  const auto process =
      static_cast<int>(::syscall(SYS_pidfd_open, ProcessOf(static_cast<std::uint32_t>(task)), 0));
  if (process < 0) return false;
  const auto copy = static_cast<int>(::syscall(SYS_pidfd_getfd, process, fd, 0));
  ::close(process);
  if (copy < 0) return false;
  Path path;
  PutPath(task, fd, path);
  struct stat meant = {}, taken = {};
  int value = 0;
  socklen_t size = sizeof(value);
  const bool is_read = ::stat(path.Text(), &meant) == 0 && ::fstat(copy, &taken) == 0 &&
                       meant.st_ino == taken.st_ino && meant.st_dev == taken.st_dev &&
                       ::getsockopt(copy, SOL_SOCKET, SO_PROTOCOL, &value, &size) == 0;
  ::close(copy);
  protocol = static_cast<std::uint32_t>(value);
  return is_read;
}

bool HasPower(pid_t task) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, task};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  return ::syscall(SYS_capget, &header, sets) == 0 && (sets[0].effective >> CAP_NET_ADMIN & 1) != 0;
}

auto ReaderOf(pid_t task) {
  return audit::NetlinkReader([task](std::uint64_t address, std::span<char> bytes) {
    iovec to = {bytes.data(), bytes.size()};
    iovec from = {reinterpret_cast<void*>(address), bytes.size()};
    return bytes.empty() ||
           ::process_vm_readv(task, &to, 1, &from, 1, 0) == static_cast<ssize_t>(bytes.size());
  });
}

}  // namespace

bool ReadChanges(const Command& command, const bpf::SeccompData& call, pid_t task, Sent& sent) {
  const Sending* const sending = SendingOf(command, call);
  if (sending == nullptr) return false;
  auto reader = ReaderOf(task);
  const auto form = static_cast<abi::SendForm>(sending->form);
  audit::Send send = {static_cast<std::int32_t>(call.args[0]), form, call.args[1], call.args[2],
                      sending->pointer};
  if (form == abi::SendForm::kMultiplexed) {
    const auto said = reader.Demultiplex(static_cast<std::uint32_t>(call.args[0]), call.args[1],
                                         sending->pointer);
    if (!said) return false;
    send = *said;
  }
  if (!IsNetlink(task, send.socket) || !ReadProtocol(task, send.socket, sent.protocol))
    return false;
  const audit::NetlinkTypes types = reader.TypesOf(send, static_cast<int>(sent.protocol));
  if (types.count == 0 && !types.is_more) return false;
  sent.types = types.types;
  sent.count = static_cast<std::uint8_t>(types.count);
  sent.is_more = types.is_more;
  sent.has_power = HasPower(task);
  return true;
}

}  // namespace bailey::guest
