#include "microvm/firecracker_filter.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include "base/text.h"
#include "os/events.h"
#include "os/file.h"
#include "os/filters.h"
#include "os/process.h"
#include "os/tree.h"
#include "os/vmm.h"
#include "sandbox/state.h"

namespace bailey::microvm {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kThread = "fc_api";
constexpr std::chrono::milliseconds kPause{5};

base::Error Cannot(os::Errno error) {
  return base::SystemError("start Firecracker to look at its filters", error.value);
}

[[noreturn]] void Become(const std::string& path, int directory) {
  const auto null = os::Open(AT_FDCWD, "/dev/null", O_RDWR);
  const bool ready = os::DieWithParent() && os::StartSession() && os::ResetSignals() && null &&
                     os::Duplicate(null->Get(), 0) && os::Duplicate(null->Get(), 1) &&
                     os::Duplicate(null->Get(), 2) && os::KeepOnExecution(directory);
  if (!ready) os::Exit(126);
  const std::string socket = fmt::format("/proc/self/fd/{}/api", directory);
  char* const argv[] = {const_cast<char*>(path.c_str()), const_cast<char*>("--api-sock"),
                        const_cast<char*>(socket.c_str()), nullptr};
  char* const none[] = {nullptr};
  (void)os::Execute(path.c_str(), argv, none);
  os::Exit(127);
}

// The filters of the thread of that name; none where there is no such thread, or it has none yet.
base::Result<std::vector<bpf::Program>> Look(pid_t pid) {
  std::vector<bpf::Program> programs;
  const std::string place = fmt::format("/proc/{}/task", pid);
  const auto tasks = os::Open(AT_FDCWD, place.c_str(), O_RDONLY | O_DIRECTORY);
  if (!tasks) return programs;
  const auto names = os::Names(tasks->Get());
  if (!names) return programs;
  for (const std::string& name : *names) {
    const auto called = os::ReadFile(tasks->Get(), (name + "/comm").c_str(), 64);
    const auto number = base::ParseNumber(name);
    if (!called || base::Trim(*called) != kThread || !number) continue;
    const auto filters = os::FiltersOf(static_cast<pid_t>(*number));
    if (!filters) return filters.error();
    for (const auto& bytes : *filters) {
      auto program = bpf::Read(bytes);
      if (!program) return program.error();
      programs.push_back(*std::move(program));
    }
  }
  return programs;
}

base::Result<std::vector<bpf::Program>> Await(const os::Child& child, Clock::time_point deadline) {
  const os::Interest ends[] = {{child.pidfd.Get()}};
  for (;;) {
    auto found = Look(child.pid);
    if (!found || !found->empty()) return found;
    const auto now = Clock::now();
    const auto ended = os::WaitReady(ends, now + kPause);
    if (!ended) return Cannot(ended.error());
    if (*ended)
      return base::Unsupported("look at Firecracker's filters: it has ended without a machine");
    if (now >= deadline)
      return base::Unsupported(
          fmt::format("look at Firecracker's filters: no thread {} is under any", kThread));
  }
}

}  // namespace

base::Result<std::vector<bpf::Program>> ApiFilters(const FirecrackerHost& host,
                                                   std::chrono::milliseconds patience) {
  const auto place = sandbox::OpenState("filters");
  if (!place) return place.error();
  const std::string name = fmt::format("of-{}", ::getpid());
  if (const auto made = os::MakeDirectory(place->Get(), name.c_str(), 0700); !made)
    return Cannot(made.error());
  const auto directory = os::Open(place->Get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!directory) return Cannot(directory.error());
  const auto child = os::Fork(0);
  if (!child) return Cannot(child.error());
  if (child->pid == 0) Become(host.firecracker, directory->Get());
  auto found = Await(*child, Clock::now() + patience);
  (void)os::SendSignal(child->pidfd.Get(), SIGKILL);  // it may have ended
  (void)os::WaitFor(child->pid);
  if (const auto gone = os::RemoveTree(place->Get(), name); !gone && found)
    return Cannot(gone.error());
  return found;
}

}  // namespace bailey::microvm
