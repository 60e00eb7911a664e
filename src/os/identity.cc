#include "os/identity.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/file.h"
#include "os/process.h"

namespace bailey::os {
namespace {

struct CapabilitySets {
  __user_cap_data_struct word[2] = {};
};

SysResult<CapabilitySets> GetCapabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  CapabilitySets sets;
  if (::syscall(SYS_capget, &header, sets.word) != 0) return LastErrno();
  return sets;
}

// "<a> <b> <c>\n" without allocating.
SysStatus WriteRange(int proc, const char* process, const char* file, const IdRange& range) {
  char path[64];
  char text[64];
  (void)::snprintf(path, sizeof(path), "%s/%s", process, file);
  (void)::snprintf(text, sizeof(text), "%u %u %u\n", range.inside, range.outside, range.count);
  return WriteFile(proc, path, text);
}

SysStatus WriteMaps(int proc, const char* process, const IdRange& uids, const IdRange& gids,
                    bool deny_setgroups) {
  if (deny_setgroups) {
    char path[64];
    (void)::snprintf(path, sizeof(path), "%s/setgroups", process);
    if (const auto done = WriteFile(proc, path, "deny"); !done) return done;
  }
  if (const auto done = WriteRange(proc, process, "gid_map", gids); !done) return done;
  return WriteRange(proc, process, "uid_map", uids);
}

std::string MapText(const std::vector<IdRange>& ranges) {
  std::string text;
  for (const IdRange& range : ranges) {
    text += std::to_string(range.inside) + " " + std::to_string(range.outside) + " " +
            std::to_string(range.count) + "\n";
  }
  return text;
}

}  // namespace

SysResult<Caller> CallerIds() {
  Caller caller;
  caller.uid = ::getuid();
  caller.euid = ::geteuid();
  caller.gid = ::getgid();
  caller.egid = ::getegid();
  caller.secure_execution = ::getauxval(AT_SECURE) != 0;
  const auto sets = GetCapabilities();
  if (!sets) return std::unexpected(sets.error());
  caller.effective_capabilities =
      sets->word[0].effective | static_cast<std::uint64_t>(sets->word[1].effective) << 32;
  return caller;
}

SysResult<Caller> CurrentCaller() {
  auto ids = CallerIds();
  if (!ids) return ids;
  Caller caller = *std::move(ids);
  // The initial user namespace, and no other, maps every id to itself (user_namespaces(7)).
  const auto map = ReadFile(AT_FDCWD, "/proc/self/uid_map", 4096);
  if (!map) return std::unexpected(map.error());
  unsigned inside = 1, outside = 1, number = 0;
  caller.owns_host = ::sscanf(map->c_str(), "%u %u %u", &inside, &outside, &number) == 3 &&
                     inside == 0 && outside == 0 && number == 0xffffffff;
  const int count = ::getgroups(0, nullptr);
  if (count < 0) return LastErrno();
  caller.groups.resize(static_cast<std::size_t>(count));
  if (::getgroups(count, caller.groups.data()) < 0) return LastErrno();
  return caller;
}

SysStatus WriteIdMaps(int proc, pid_t pid, const IdRange& uids, const IdRange& gids,
                      bool deny_setgroups) {
  char process[16];
  (void)::snprintf(process, sizeof(process), "%d", pid);
  return WriteMaps(proc, process, uids, gids, deny_setgroups);
}

SysStatus WriteOwnIdMaps(int proc, const IdRange& uids, const IdRange& gids, bool deny_setgroups) {
  return WriteMaps(proc, "self", uids, gids, deny_setgroups);
}

SysResult<base::UniqueFd> MakeUserNamespace(const std::vector<IdRange>& uids,
                                            const std::vector<IdRange>& gids) {
  // Only keeps the namespace alive until its descriptor is open; then it is killed.
  auto child = StartIdle(kUserNamespace);
  if (!child) return std::unexpected(child.error());
  const std::string directory = "/proc/" + std::to_string(child->pid) + "/";
  auto result = [&]() -> SysResult<base::UniqueFd> {
    if (auto done = WriteFile(AT_FDCWD, (directory + "gid_map").c_str(), MapText(gids)); !done)
      return std::unexpected(done.error());
    if (auto done = WriteFile(AT_FDCWD, (directory + "uid_map").c_str(), MapText(uids)); !done)
      return std::unexpected(done.error());
    return Open(AT_FDCWD, (directory + "ns/user").c_str(), O_RDONLY);
  }();
  (void)SendSignal(child->pidfd.Get(), 9);
  (void)WaitFor(child->pid);
  return result;
}

SysStatus DropGroups() { return Check(::setgroups(0, nullptr)); }

SysStatus BecomeIds(uid_t uid, gid_t gid) {
  if (::setresgid(gid, gid, gid) != 0) return LastErrno();
  return Check(::setresuid(uid, uid, uid));
}

SysStatus LowerBound(std::uint64_t set) {
  for (unsigned long number = 0; number < 64; ++number) {
    if (set >> number & 1) continue;
    if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) break;  // this kernel's last capability is behind us
    return LastErrno();
  }
  return {};
}

SysStatus KeepCapabilities(std::uint64_t set) {
  // Whatever user namespaces and id 0 do to capabilities on execve(2) is switched off and locked.
  constexpr unsigned long kBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                  SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED;
  if (::prctl(PR_SET_SECUREBITS, kBits, 0, 0, 0) != 0) return LastErrno();
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return LastErrno();
  if (const auto done = SetCapabilities(set, set); !done) return done;
  for (unsigned long number = 0; number < 64; ++number) {
    if ((set >> number & 1) == 0) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0) return LastErrno();
  }
  return {};
}

SysStatus DropCapabilities() {
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return LastErrno();
  return SetCapabilities(0, 0);
}

SysStatus SetCapabilities(std::uint64_t permitted, std::uint64_t inheritable) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  CapabilitySets sets;
  for (unsigned half = 0; half < 2; ++half) {
    const auto bits = static_cast<std::uint32_t>(permitted >> (32 * half));
    sets.word[half].permitted = bits;
    sets.word[half].effective = bits;
    sets.word[half].inheritable = static_cast<std::uint32_t>(inheritable >> (32 * half));
  }
  return Check(::syscall(SYS_capset, &header, sets.word));
}

SysResult<std::uint64_t> PermittedCapabilities() {
  const auto sets = GetCapabilities();
  if (!sets) return std::unexpected(sets.error());
  return sets->word[0].permitted | static_cast<std::uint64_t>(sets->word[1].permitted) << 32;
}

SysStatus BoundCapabilities(std::uint64_t set) {
  const auto held = GetCapabilities();
  if (!held) return std::unexpected(held.error());
  if ((held->word[0].effective >> CAP_SETPCAP & 1) == 0) return {};
  return LowerBound(set);
}

SysStatus RaiseAmbient(std::uint64_t set) {
  for (unsigned long number = 0; number < 64; ++number) {
    if ((set >> number & 1) == 0) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) == 0) continue;
    if (errno != EPERM && errno != EINVAL) return LastErrno();
  }
  return {};
}

SysStatus SetNoNewPrivileges() { return Check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }

SysStatus JoinNewSessionKeyring() {
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) >= 0 || errno == ENOSYS)
    return {};
  const int number = errno;
  // A filter around us that refuses what no kernel has refuses all: nobody inside reaches a
  // keyring.
  constexpr long kNoOperation = -1;
  if (::syscall(SYS_keyctl, kNoOperation) < 0 && errno != EOPNOTSUPP) return {};
  return Fail(number);
}

}  // namespace bailey::os
