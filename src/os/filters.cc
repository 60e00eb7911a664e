#include "os/filters.h"

#include <linux/filter.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <cerrno>
#include <string>

namespace bailey::os {
namespace {

using Bytes = std::vector<std::uint8_t>;

long Trace(unsigned request, pid_t pid, unsigned long address, void* data) {
  return ptrace(static_cast<__ptrace_request>(request), pid, address, data);
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
    if (Trace(PTRACE_SEIZE, pid_, 0, nullptr) != 0) {
      const int error = errno;
      if (error != EPERM) return base::SystemError("trace " + name, error);
      return base::Unsupported("trace " + name +
                               ": this needs the same user and a process that may be dumped, or "
                               "CAP_SYS_PTRACE over its user namespace (and see "
                               "/proc/sys/kernel/yama/ptrace_scope)");
    }
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

base::Error Explain(pid_t pid, int error) {
  const std::string what = "read the filters of process " + std::to_string(pid);
  switch (error) {
    case EACCES:
      return base::Unsupported(what +
                               ": this needs CAP_SYS_ADMIN in the initial user namespace, and a "
                               "reader that is under no filter itself");
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
  Stopped process(pid);
  if (auto stopped = process.Stop(); !stopped) return stopped.error();
  std::vector<Bytes> filters;
  for (unsigned long index = 0;; ++index) {
    const long size = Trace(PTRACE_SECCOMP_GET_FILTER, pid, index, nullptr);
    // Past the last one; a process that has none at all answers EINVAL (its mode is not filter).
    if (size < 0 && (errno == ENOENT || (errno == EINVAL && index == 0))) return filters;
    if (size < 0) return Explain(pid, errno);
    std::vector<sock_filter> records(static_cast<std::size_t>(size));
    if (Trace(PTRACE_SECCOMP_GET_FILTER, pid, index, records.data()) != size)
      return Explain(pid, errno);
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(records.data());
    filters.emplace_back(bytes, bytes + records.size() * sizeof(sock_filter));
  }
}

}  // namespace bailey::os
