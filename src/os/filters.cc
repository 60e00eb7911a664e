#include "os/filters.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "os/file.h"

namespace bailey::os {
namespace {

using Bytes = std::vector<std::uint8_t>;

long Trace(unsigned request, pid_t pid, unsigned long address, void* data) {
  return ptrace(static_cast<__ptrace_request>(request), pid, address, data);
}

// A number that /proc tells of a process: -1 where it tells none.
long StatusOf(const std::string& process, const std::string& field) {
  const auto text = ReadFile(AT_FDCWD, ("/proc/" + process + "/status").c_str(), 65536);
  if (!text) return -1;
  const std::size_t at = text->find("\n" + field + ":\t");
  return at == std::string::npos ? -1 : std::strtol(&(*text)[at + field.size() + 3], nullptr, 10);
}

base::Error CannotTrace(pid_t pid, int error) {
  const std::string number = std::to_string(pid);
  const std::string what = "trace process " + number + ": ";
  if (error == ESRCH) return base::InvalidInput(what + "there is none");
  if (error != EPERM) return base::SystemError("trace process " + number, error);
  if (pid == ::getpid()) return base::InvalidInput(what + "it is this process");
  if (const long tracer = StatusOf(number, "TracerPid"); tracer > 0)
    return base::Unsupported(what + "process " + std::to_string(tracer) + " traces it already");
  if (StatusOf(number, "Kthread") > 0)
    return base::InvalidInput(what + "it is a thread of the kernel");
  return base::Unsupported(what +
                           "this needs the same user and a process that may be dumped, or "
                           "CAP_SYS_PTRACE over its user namespace (and see "
                           "/proc/sys/kernel/yama/ptrace_scope)");
}

// Traced and stopped; lets go at the end.
class Stopped {
 public:
  explicit Stopped(pid_t pid) : pid_(pid) {}
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;
  ~Stopped() {
    // A process that died meanwhile needs no letting go.
    if (is_seized_) (void)Trace(PTRACE_DETACH, pid_, 0, nullptr);
  }

  base::Status Stop() {
    const std::string name = "process " + std::to_string(pid_);
    if (Trace(PTRACE_SEIZE, pid_, 0, nullptr) != 0) return CannotTrace(pid_, errno);
    is_seized_ = true;
    if (Trace(PTRACE_INTERRUPT, pid_, 0, nullptr) != 0)
      return base::SystemError("stop " + name, errno);
    int status = 0;
    pid_t waited = 0;
    do {
      waited = waitpid(pid_, &status, __WALL);
    } while (waited == -1 && errno == EINTR);
    if (waited != pid_ || !WIFSTOPPED(status))
      return base::SystemError("stop " + name, waited == -1 ? errno : ESRCH);
    return {};
  }

 private:
  pid_t pid_;
  bool is_seized_ = false;
};

// kernel/seccomp.c, seccomp_get_filter and get_nth_filter. EINVAL is what a process under no filter
// answers too, which needs no asking.
base::Error CannotRead(pid_t pid, int error) {
  const std::string what = "read the filters of process " + std::to_string(pid);
  switch (error) {
    case EACCES:
      if (StatusOf("self", "Seccomp") > SECCOMP_MODE_DISABLED)
        return base::Unsupported(what +
                                 ": this process is under a filter itself, and the kernel tells "
                                 "filters only to those that are under none");
      return base::Unsupported(what + ": this needs CAP_SYS_ADMIN in the initial user namespace");
    case EIO:
    case EINVAL:
      return base::Unsupported(what + ": this kernel was built without CONFIG_CHECKPOINT_RESTORE");
    case EMEDIUMTYPE:
      return base::Unsupported(what + ": one is an eBPF program, which has no classic form");
    default:
      return base::SystemError(what, error);
  }
}

}  // namespace

base::Result<std::vector<Bytes>> FiltersOf(pid_t pid) {
  const long mode = StatusOf(std::to_string(pid), "Seccomp");
  if (mode == SECCOMP_MODE_DISABLED) return std::vector<Bytes>();
  if (mode == SECCOMP_MODE_STRICT) {
    return base::Unsupported("read the filters of process " + std::to_string(pid) +
                             ": it is in strict mode, which is no filter");
  }
  Stopped process(pid);
  if (auto stopped = process.Stop(); !stopped) return stopped.error();
  std::vector<Bytes> filters;
  for (unsigned long index = 0;; ++index) {
    const long size = Trace(PTRACE_SECCOMP_GET_FILTER, pid, index, nullptr);
    if (size < 0 && errno == ENOENT) return filters;  // past the last one
    if (size < 0) return CannotRead(pid, errno);
    std::vector<sock_filter> records(static_cast<std::size_t>(size));
    if (Trace(PTRACE_SECCOMP_GET_FILTER, pid, index, records.data()) != size)
      return CannotRead(pid, errno);
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(records.data());
    filters.emplace_back(bytes, bytes + records.size() * sizeof(sock_filter));
  }
}

}  // namespace bailey::os
