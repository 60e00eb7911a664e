#include "review/topics.h"

#include <algorithm>
#include <array>

namespace bailey::review {
namespace {

// Numbers of include/uapi/linux/capability.h.
constexpr int kDacReadSearch = 2, kNetAdmin = 12, kNetRaw = 13, kSysModule = 16, kSysRawio = 17,
              kSysChroot = 18, kSysPtrace = 19, kSysAdmin = 21, kSysBoot = 22, kSysTime = 25,
              kMknod = 27, kSyslog = 34, kBpf = 39;

constexpr Severity kLow = Severity::kLow, kMedium = Severity::kMedium, kHigh = Severity::kHigh;

constexpr Topic kTopics[] = {
    {"no-new-user-namespace", "User namespaces can be made or entered",
     "In a namespace of its own a program holds every capability, and reaches the kernel code that "
     "is written for administrators.",
     kHigh},
    {"no-new-namespaces", "Namespaces can be made or entered",
     "A program sees or arranges mounts, networks and processes in a way that the sandbox did not.",
     kMedium, Need::kOwnCapability, kSysAdmin, Layer::kNone, "no-new-user-namespace"},
    {"no-setns", "Namespaces can be entered",
     "A descriptor of a namespace that leaked into the sandbox leads out of it.", kMedium,
     Need::kOwnCapability, kSysAdmin, Layer::kNone, "no-new-namespaces"},
    {"no-mount", "The calls that arrange mounts and the root by path are not all closed",
     "Another root or mount hides or replaces what the sandbox's rules are written for.", kHigh,
     Need::kOwnCapability, kSysAdmin},
    {"no-mount-api", "The mount calls that take descriptors are not all closed",
     "Mounts change although the calls that take paths are denied (CVE-2021-41133).", kHigh,
     Need::kOwnCapability, kSysAdmin},
    {"no-mount-introspection", "Mounts and namespaces of the host can be listed",
     "The program learns how the host is laid out.", kLow},
    {"no-tty-injection", "Characters can be pushed into the terminal (TIOCSTI)",
     "What is pushed is run by the shell that started the sandbox, outside of it.", kHigh,
     Need::kNothing, -1, Layer::kNewSession},
    {"no-tty-linux", "Text can be selected and pasted on a console (TIOCLINUX)",
     "On a virtual console, what is pasted is run by the shell outside (CVE-2023-28100).", kMedium,
     Need::kNothing, -1, Layer::kNewSession},
    {"no-tty-line-discipline", "Terminals can be given another line discipline",
     "Line disciplines are kernel code with a history (CVE-2017-2636).", kLow, Need::kNothing, -1,
     Layer::kNewSession},
    {"no-keyring", "The keyring calls are not all closed",
     "No namespace separates keyrings: keys of the caller are read, and kernel code with a history "
     "is reached (CVE-2016-0728).",
     kMedium},
    {"no-io-uring", "io_uring can be used",
     "What is asked for through a ring no filter sees: files are opened and sockets made whatever "
     "the other rules say.",
     kHigh},
    {"no-bpf", "bpf can be called", "The verifier of eBPF programs is kernel code with a history.",
     kMedium, Need::kHostCapability, kBpf},
    {"no-perf", "Performance events can be opened",
     "Kernel code with a history (CVE-2013-2094), and a clock for side channels.", kMedium},
    {"no-userfaultfd", "userfaultfd can be called",
     "The kernel can be made to wait in the middle of a copy, which makes races easy to win.",
     kLow},
    {"no-kexec", "Another kernel can be loaded", "The running kernel is replaced.", kHigh,
     Need::kHostCapability, kSysBoot},
    {"no-modules", "Kernel modules can be loaded", "The program's code runs as the kernel.", kHigh,
     Need::kHostCapability, kSysModule},
    {"no-personality-change", "The personality can be changed",
     "Mitigations that depend on it, random addresses among them, are turned off.", kLow},
    {"no-legacy-x86", "Calls for old x86 programs are open",
     "Descriptor tables and ports are kernel code with a history.", kLow},
    {"no-ptrace", "Processes can be traced",
     "A program takes over others that the same user runs in its sight.", kMedium, Need::kNothing,
     -1, Layer::kPidNamespace},
    {"no-cross-process-memory", "Memory and descriptors of other processes can be taken",
     "A program reads, writes or robs others that the same user runs in its sight.", kMedium,
     Need::kNothing, -1, Layer::kPidNamespace, "no-ptrace"},
    {"no-pidfd-getfd", "Descriptors of other processes can be taken",
     "A program robs others that the same user runs in its sight.", kMedium, Need::kNothing, -1,
     Layer::kPidNamespace, "no-cross-process-memory"},
    {"no-quota", "Disk quotas can be reached", "Quotas of the host are read or set.", kLow,
     Need::kHostCapability, kSysAdmin},
    {"no-host-administration", "Accounting, swap or reboot are open",
     "The host is restarted, or its swap and accounting changed.", kHigh, Need::kHostCapability,
     kSysAdmin},
    {"no-hostname-change", "The host's name can be changed", "Names that others rely on change.",
     kLow, Need::kOwnCapability, kSysAdmin},
    {"no-syslog", "The kernel's log can be read",
     "The log holds addresses of the kernel and what other programs did.", kMedium,
     Need::kHostCapability, kSyslog},
    {"no-open-by-handle", "Files can be opened by handle",
     "Any file of a mounted file system is opened, past every path that is shown.", kHigh,
     Need::kHostCapability, kDacReadSearch},
    {"no-file-handles", "Handles of files can be asked for",
     "Handles alone open nothing: they serve one who can open by them.", kLow, Need::kNothing, -1,
     Layer::kNone, "no-open-by-handle"},
    {"no-clock-set", "The clocks of the host can be set",
     "Certificates, logs and timers of the host follow a false clock.", kMedium,
     Need::kHostCapability, kSysTime},
    {"no-seccomp-listener", "A second supervisor can be installed",
     "It answers for the program's descendants in the place of the sandbox's own.", kLow},
    {"no-speculation-control", "Mitigations of speculation can be turned off",
     "A program makes itself, and what it starts, an easier victim.", kLow},
    {"no-fanotify", "File events of whole mounts can be watched",
     "The program learns which files others use.", kLow},
    {"no-obsolete", "Calls that the kernel keeps for programs of another time are open",
     "Old code that nothing needs is reached.", kLow},
    {"no-numa", "Memory policy can be changed",
     "Rarely used kernel code is reached; pages of other processes of the user may be moved.",
     kLow},
    {"no-setuid-files", "Files can be made set-user-id",
     "On a file system that others mount without nosuid such a file is run with another's rights.",
     kLow},
    {"no-device-files", "Devices can be made", "A device that is opened is the hardware itself.",
     kMedium, Need::kHostCapability, kMknod},
    {"no-memory-map-tricks", "A process can rewrite what /proc says of it",
     "What reads /proc to decide is told something else.", kLow},
    {"architectures-closed", "Architectures that the filter is not for are answered as if it were",
     "A number means another call there: what is denied by name is called by another number.",
     kHigh},
    {"x32-closed", "Calls of x32 are open",
     "Every call has a second number there, which rules by name may not cover.", kMedium},
    {"unknown-closed", "System calls newer than the filter are open",
     "What a later kernel brings is reached before anybody has looked at it.", kMedium},
    {"negative-closed", "Negative call numbers are open",
     "No kernel has a call there; tracers use one of them.", kLow, Need::kNothing, -1, Layer::kNone,
     "unknown-closed"},
    {"fallback-enosys", "Calls that libc falls back from are denied by another errno than ENOSYS",
     "Programs do not fall back: they fail where a newer libc tries such a call first.", kLow},
    {"unknown-enosys", "Unknown calls are denied by another errno than ENOSYS",
     "Programs do not fall back from calls that are newer than the filter.", kLow},
    {"no-fake-success", "Calls are answered with success that never happened",
     "A program that drops its rights believes that it did (errno 0).", kHigh},
    {"well-formed", "Answers are not ones that the kernel knows",
     "The kernel kills the process, or cuts the errno to another one.", kMedium},
    {"only-socket-families", "Sockets of unlisted families can be made",
     "Every protocol that the kernel has, or can load, is reached.", kMedium},
    {"no-socket-alg", "Sockets of the kernel's cryptography can be made (AF_ALG)",
     "Kernel code with a history is reached (CVE-2026-31431).", kMedium, Need::kNothing, -1,
     Layer::kNone, "only-socket-families"},
    {"no-socket-vsock", "Sockets to a hypervisor can be made (AF_VSOCK)",
     "No network namespace separates them: services of the host are reached.", kMedium,
     Need::kNothing, -1, Layer::kNone, "only-socket-families"},
    {"no-socket-packet", "Sockets that see whole packets can be made (AF_PACKET)",
     "Packets of others are read and forged.", kMedium, Need::kOwnCapability, kNetRaw,
     Layer::kNetworkNamespace, "only-socket-families"},
};

constexpr std::string_view kOptional[] = {
    "no-attributes-set",
    "no-clock-adjust",
    "no-connect",
    "no-descriptor-passing",
    "no-dumpable-change",
    "no-exec",
    "no-fileless-exec",
    "no-landlock-nesting",
    "no-memfd-secret",
    "no-network",
    "no-priority-raise",
    "no-setuid-change",
    "no-socket-netlink",
    "no-socket-unix",
    "no-system-v-ipc",
    "no-uprobe",
    "no-userfaultfd-device",
    "no-vhost-kvm",
    "no-writable-executable",
};

struct Named {
  int number;
  std::string_view name;
};
constexpr Named kNames[] = {
    {kDacReadSearch, "CAP_DAC_READ_SEARCH"},
    {kNetAdmin, "CAP_NET_ADMIN"},
    {kNetRaw, "CAP_NET_RAW"},
    {kSysModule, "CAP_SYS_MODULE"},
    {kSysRawio, "CAP_SYS_RAWIO"},
    {kSysChroot, "CAP_SYS_CHROOT"},
    {kSysPtrace, "CAP_SYS_PTRACE"},
    {kSysAdmin, "CAP_SYS_ADMIN"},
    {kSysBoot, "CAP_SYS_BOOT"},
    {kSysTime, "CAP_SYS_TIME"},
    {kMknod, "CAP_MKNOD"},
    {kSyslog, "CAP_SYSLOG"},
    {kBpf, "CAP_BPF"},
};

}  // namespace

std::span<const Topic> Topics() { return kTopics; }
std::span<const std::string_view> OptionalGuarantees() { return kOptional; }

const Topic* FindTopic(std::string_view guarantee) {
  const auto found = std::ranges::find(kTopics, guarantee, &Topic::guarantee);
  return found == std::end(kTopics) ? nullptr : &*found;
}

std::string_view CapabilityName(int capability) {
  const auto found = std::ranges::find(kNames, capability, &Named::number);
  return found == std::end(kNames) ? std::string_view() : found->name;
}

}  // namespace bailey::review
