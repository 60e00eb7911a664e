// What this host offers: read from the kernel, never guessed from its version.
#pragma once

#include <optional>
#include <string>

#include "os/errno.h"

namespace bailey::os {

std::string KernelRelease();
std::string Hostname();
// Tries it: a child makes a user namespace (with the other namespaces, when asked) and ends.
SysStatus TryUserNamespace(bool with_others);
// Tries it: a child in namespaces of its own mounts a new proc.
SysStatus TryProcMount();
// Which actions seccomp(2) knows on this kernel (SECCOMP_GET_ACTION_AVAIL).
bool HasSeccompAction(unsigned action);
// Opens it as a KVM device: the API version, or the errno.
SysResult<int> KvmApiVersion();
// The first line of a /proc/sys or /sys file, if it can be read.
std::optional<std::string> ReadSetting(const char* path);
// Whether a 32-bit program's system calls are served (int 0x80 on x86_64).
bool HasCompatCalls();

}  // namespace bailey::os
