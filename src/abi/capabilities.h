// Capabilities by name; a name's place in the list is its number.
#pragma once

#include <array>
#include <string_view>

namespace bailey::abi {

// include/uapi/linux/capability.h, Linux 6.18.
inline constexpr auto kCapabilities = std::to_array<std::string_view>({"CAP_CHOWN",
                                                                       "CAP_DAC_OVERRIDE",
                                                                       "CAP_DAC_READ_SEARCH",
                                                                       "CAP_FOWNER",
                                                                       "CAP_FSETID",
                                                                       "CAP_KILL",
                                                                       "CAP_SETGID",
                                                                       "CAP_SETUID",
                                                                       "CAP_SETPCAP",
                                                                       "CAP_LINUX_IMMUTABLE",
                                                                       "CAP_NET_BIND_SERVICE",
                                                                       "CAP_NET_BROADCAST",
                                                                       "CAP_NET_ADMIN",
                                                                       "CAP_NET_RAW",
                                                                       "CAP_IPC_LOCK",
                                                                       "CAP_IPC_OWNER",
                                                                       "CAP_SYS_MODULE",
                                                                       "CAP_SYS_RAWIO",
                                                                       "CAP_SYS_CHROOT",
                                                                       "CAP_SYS_PTRACE",
                                                                       "CAP_SYS_PACCT",
                                                                       "CAP_SYS_ADMIN",
                                                                       "CAP_SYS_BOOT",
                                                                       "CAP_SYS_NICE",
                                                                       "CAP_SYS_RESOURCE",
                                                                       "CAP_SYS_TIME",
                                                                       "CAP_SYS_TTY_CONFIG",
                                                                       "CAP_MKNOD",
                                                                       "CAP_LEASE",
                                                                       "CAP_AUDIT_WRITE",
                                                                       "CAP_AUDIT_CONTROL",
                                                                       "CAP_SETFCAP",
                                                                       "CAP_MAC_OVERRIDE",
                                                                       "CAP_MAC_ADMIN",
                                                                       "CAP_SYSLOG",
                                                                       "CAP_WAKE_ALARM",
                                                                       "CAP_BLOCK_SUSPEND",
                                                                       "CAP_AUDIT_READ",
                                                                       "CAP_PERFMON",
                                                                       "CAP_BPF",
                                                                       "CAP_CHECKPOINT_RESTORE"});

// -1 for what is none.
constexpr int CapabilityNumber(std::string_view name) {
  for (std::size_t number = 0; number < kCapabilities.size(); ++number)
    if (kCapabilities[number] == name) return static_cast<int>(number);
  return -1;
}

}  // namespace bailey::abi
