// Attaching a seccomp filter.
#pragma once

#include <cstdint>
#include <span>

#include "os/errno.h"

namespace bailey::os {

// `filter` holds struct sock_filter records; the calling thread needs no_new_privs or
// CAP_SYS_ADMIN in its user namespace (kernel/seccomp.c, seccomp_prepare_filter), else EACCES.
SysStatus AttachFilter(std::span<const std::uint8_t> filter);

}  // namespace bailey::os
