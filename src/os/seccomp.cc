#include "os/seccomp.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bailey::os {

SysStatus AttachFilter(std::span<const std::uint8_t> filter) {
  sock_fprog program = {};
  if (filter.size() / sizeof(sock_filter) > BPF_MAXINSNS) return Fail(EINVAL);
  program.len = static_cast<unsigned short>(filter.size() / sizeof(sock_filter));
  program.filter = const_cast<sock_filter*>(reinterpret_cast<const sock_filter*>(filter.data()));
  return Check(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

}  // namespace bailey::os
