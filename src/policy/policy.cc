#include "policy/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "abi/constants.h"
#include "abi/name_index.h"
#include "abi/paths.h"
#include "abi/sends.h"

namespace bailey::policy {
namespace {

// The same number everywhere.
constexpr std::uint16_t kEperm = 1;

// Beside the *_time64 family: what was added since Linux 5.0, when numbers became common to all
// architectures, and the older calls that glibc, musl or language runtimes try first.
constexpr std::string_view kFallbackList[] = {
    "cachestat",
    "clock_adjtime64",
    "clock_gettime64",
    "clock_settime64",
    "clone3",
    "close_range",
    "copy_file_range",
    "epoll_pwait2",
    "faccessat2",
    "fchmodat2",
    "file_getattr",
    "file_setattr",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "futex_requeue",
    "futex_wait",
    "futex_waitv",
    "futex_wake",
    "getrandom",
    "getxattrat",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "landlock_add_rule",
    "landlock_create_ruleset",
    "landlock_restrict_self",
    "listmount",
    "listns",
    "listxattrat",
    "lsm_get_self_attr",
    "lsm_list_modules",
    "lsm_set_self_attr",
    "map_shadow_stack",
    "membarrier",
    "memfd_create",
    "memfd_secret",
    "mount_setattr",
    "move_mount",
    "mseal",
    "open_tree",
    "open_tree_attr",
    "openat2",
    "pidfd_getfd",
    "pidfd_open",
    "pidfd_send_signal",
    "preadv2",
    "process_madvise",
    "process_mrelease",
    "pwritev2",
    "quotactl_fd",
    "removexattrat",
    "renameat2",
    "rseq",
    "rseq_slice_yield",
    "set_mempolicy_home_node",
    "setxattrat",
    "statmount",
    "statx",
    "timer_gettime64",
    "timer_settime64",
    "timerfd_gettime64",
    "timerfd_settime64",
};
constexpr auto kFallbackCalls = base::Pack<kFallbackList>();
constexpr auto kFallbackIndex = abi::MakeNameIndex(kFallbackCalls);

// Of them, what glibc, musl and the run times of Go, Java, node and Rust call unasked.
constexpr std::string_view kProbedCalls[] = {
    "clone3",     "close_range", "copy_file_range", "epoll_pwait2",      "faccessat2",
    "fchmodat2",  "futex_waitv", "getrandom",       "membarrier",        "openat2",
    "pidfd_open", "preadv2",     "pwritev2",        "pidfd_send_signal", "renameat2",
    "rseq",       "statx",
};

// A task of a launch calls these under the filter, before anybody answers notifications.
constexpr std::string_view kNeverNotified[] = {
    "exit", "exit_group", "read", "restart_syscall", "rt_sigreturn", "sigreturn", "write",
};

bool Contains(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

abi::Action Resolve(const Answer& answer, abi::Arch arch) {
  if (answer.kind != abi::ActionKind::kErrno || answer.errno_name.empty())
    return {answer.kind, answer.data};
  // The loader takes only names that every architecture numbers.
  return abi::Action::Errno(abi::ErrnoNumber(arch, answer.errno_name).value_or(kEperm));
}

std::string ToString(const Answer& answer) {
  if (answer.kind != abi::ActionKind::kErrno) return abi::ToString({answer.kind, answer.data});
  return answer.errno_name.empty() ? fmt::format("errno({})", answer.data) : answer.errno_name;
}

bool IsFallbackCall(std::string_view name) {
  return name.ends_with("_time64") || kFallbackIndex.Find(kFallbackCalls, name).has_value();
}

bool IsProbedCall(std::string_view name) {
  return name.ends_with("time64") || Contains(kProbedCalls, name);
}

bool IsNotified(const Audit& audit, std::string_view name, const Answer& answer) {
  if (audit.log == AuditLog::kNone || Contains(kNeverNotified, name)) return false;
  if (answer.kind == abi::ActionKind::kAllow)
    return (audit.files && !abi::PathsOf(name).empty()) ||
           (audit.network && abi::SendFormOf(name).has_value());
  if (answer.kind != abi::ActionKind::kErrno) return false;
  const bool is_fake_success = answer.errno_name.empty() && answer.data == 0;
  if (is_fake_success || std::ranges::find(audit.quiet, name) != audit.quiet.end()) return false;
  return answer.errno_name != "ENOSYS" || !IsProbedCall(name);
}

}  // namespace bailey::policy
