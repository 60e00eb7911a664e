#include "os/host.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "os/mount.h"
#include "os/process.h"

namespace bailey::os {

std::string KernelRelease() {
  utsname names = {};
  if (::uname(&names) != 0) return "unknown";
  return names.release;
}

std::string Hostname() {
  utsname names = {};
  if (::uname(&names) != 0) return "unknown";
  return names.nodename;
}

namespace {

// Runs `act` in a child with these namespaces; its errno, if any, comes back as the exit status.
template <class F>
SysStatus TryInChild(std::uint32_t namespaces, F act) {
  const auto child = Fork(namespaces);
  if (!child) return std::unexpected(child.error());
  if (child->pid == 0) {
    const SysStatus done = act();
    Exit(done ? 0 : done.error().value);
  }
  const auto ended = WaitFor(child->pid);
  if (!ended) return std::unexpected(ended.error());
  if (!WIFEXITED(ended->wait_status)) return Fail(ECHILD);
  if (const int number = WEXITSTATUS(ended->wait_status)) return Fail(number);
  return {};
}

}  // namespace

SysStatus TryUserNamespace(bool with_others) {
  std::uint32_t namespaces = kUserNamespace;
  if (with_others) {
    namespaces |= kMountNamespace | kPidNamespace | kIpcNamespace | kUtsNamespace |
                  kCgroupNamespace | kNetworkNamespace;
  }
  return TryInChild(namespaces, [] { return SysStatus(); });
}

SysStatus TryProcMount() {
  return TryInChild(kUserNamespace | kMountNamespace | kPidNamespace, []() -> SysStatus {
    const auto proc = NewFilesystem("proc", {}, kNoSuid | kNoDev | kNoExec);
    if (!proc) return std::unexpected(proc.error());
    return {};
  });
}

bool HasSeccompAction(unsigned action) {
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

SysResult<int> KvmApiVersion() {
  const auto kvm = Open(AT_FDCWD, "/dev/kvm", O_RDWR);
  if (!kvm) return std::unexpected(kvm.error());
  const int version = ::ioctl(kvm->Get(), KVM_GET_API_VERSION, 0);
  if (version < 0) return LastErrno();
  return version;
}

std::optional<std::string> ReadSetting(const char* path) {
  const auto text = ReadFile(AT_FDCWD, path, 65536);
  if (!text) return std::nullopt;
  return text->substr(0, text->find('\n'));
}

bool HasCompatCalls() {
#if defined(__x86_64__)
  // Without IA32 emulation the trap is a general protection fault, so a child asks.
  const auto child = Fork(0);
  if (!child) return false;
  if (child->pid == 0) {
    long result;
    // getpid is 20 in the i386 table.
    asm volatile("int $0x80" : "=a"(result) : "0"(20L) : "memory", "r8", "r9", "r10", "r11");
    Exit(result > 0 ? 0 : 1);
  }
  const auto ended = WaitFor(child->pid);
  return ended && WIFEXITED(ended->wait_status) && WEXITSTATUS(ended->wait_status) == 0;
#else
  return false;
#endif
}

}  // namespace bailey::os
