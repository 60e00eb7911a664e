#include "microvm/vmm.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/text.h"
#include "os/events.h"
#include "os/file.h"
#include "os/footprint.h"
#include "os/identity.h"
#include "os/vmm.h"
#include "policy/load.h"
#include "sandbox/launch.h"
#include "sandbox/limits.h"

namespace bailey::microvm {
namespace {

// What QEMU needs beside the guest's memory: translated code, devices, its own libraries.
constexpr std::uint64_t kOverheadMib = 512;
constexpr std::size_t kMostSaid = 8 << 10;
constexpr std::chrono::seconds kPatience{10};

base::Result<policy::Policy> VmmPolicy(const QemuPlan& plan) {
  policy::Overrides overrides;
  // QEMU attaches a filter of its own, on top.
  overrides.allow_syscalls = {"seccomp"};
  // Of many copies, each gives back to the system what it has freed when it has begun; one of its
  // own is busy enough.
  if (plan.copying)
    overrides.set_environment = {"G_SLICE=always-malloc", "MALLOC_ARENA_MAX=1",
                                 "MALLOC_MMAP_THRESHOLD_=16384", "MALLOC_TOP_PAD_=4096",
                                 "MALLOC_TRIM_THRESHOLD_=4096"};
  overrides.memory = fmt::format("{}MiB", plan.memory_mib + kOverheadMib);
  overrides.processes = 64;
  policy::Context context;
  context.current_directory = "/";
  return policy::Load("vmm", context, overrides);
}

std::vector<int> Descriptors(const QemuPlan& plan) {
  std::vector<int> all = {plan.kernel, plan.initramfs, plan.line};
  for (const Drive& drive : plan.drives) all.push_back(drive.descriptor);
  if (plan.network >= 0) all.push_back(plan.network);
  if (plan.copying) all.insert(all.end(), {plan.copying->memory, plan.copying->monitor});
  if (plan.copying && plan.copying->state >= 0) all.push_back(plan.copying->state);
  std::ranges::sort(all);
  return all;
}

// In the keeper. What it writes is why the machine could not be started, or nothing.
base::Status Launch(const QemuPlan& plan, const Prover& prover) {
  const auto policy = VmmPolicy(plan);
  if (!policy) return policy.error();
  const auto caller = os::CurrentCaller();
  if (!caller) return base::SystemError("find out who is calling", caller.error().value);
  sandbox::PlanOptions options;
  options.argv = QemuArguments(plan);
  options.current_directory = "/";
  options.descriptors = Descriptors(plan);
  options.reopened = {plan.kernel};
  auto sandbox_plan = sandbox::BuildPlan(*policy, *caller, options);
  if (!sandbox_plan) return sandbox_plan.error();
  // QEMU asked to end takes as long as it likes, and there is nothing that it must still do.
  sandbox_plan->signals_kill = true;
  const auto outcome = sandbox::Launch(*sandbox_plan, [&] {
    auto filters = prover(*policy);
    os::ShrinkToWait();  // as long as the machine runs
    return filters;
  });
  if (!outcome) return outcome.error();
  const int status = sandbox::ExitStatus(*outcome);
  if (outcome->kind == sandbox::Outcome::Kind::kNotFound)
    return base::Unsupported(fmt::format("{} is not installed", kQemu));
  if (outcome->kind == sandbox::Outcome::Kind::kMemoryLimit)
    return base::Unsupported("the machine monitor's memory limit was reached");
  if (status != 0) return base::Unsupported(fmt::format("exit status {}", status));
  return {};
}

[[noreturn]] void Keep(const QemuPlan& plan, const Prover& prover, int parent, int log,
                       int report) {
  std::vector<int> kept = Descriptors(plan);
  bool ready = os::DieWithParent() && os::IsChildOf(parent) && os::StartSession();
  const auto null = os::Open(AT_FDCWD, "/dev/null", O_RDWR);
  ready = ready && null && os::Duplicate(null->Get(), 0) && os::Duplicate(null->Get(), 1) &&
          os::Duplicate(log, 2);
  for (const int fd : kept) ready = ready && os::KeepOnExecution(fd);
  // There are many copies, and what each has to itself is in small pieces.
  if (plan.copying) ready = ready && os::ForbidLargePages();
  kept.push_back(report);
  std::ranges::sort(kept);
  ready = ready && os::CloseAllBut(kept);
  std::string text = "its keeper could not be started";
  if (ready) {
    const auto launched = Launch(plan, prover);
    text = launched ? "" : base::ToString(launched.error());
  }
  (void)os::WriteAll(report, text.substr(0, 2048));  // whoever would read it is gone otherwise
  os::Exit(0);
}

}  // namespace

base::Result<Vmm> Vmm::Start(const QemuPlan& plan, const Prover& prover) {
  auto log = os::MakePipe();
  auto report = os::MakePipe();
  if (!log || !report)
    return base::SystemError("start the machine monitor", (!log ? log : report).error().value);
  // A guest can make QEMU complain without end: what nobody reads is lost, and holds up nobody.
  if (const auto done = os::SetNonBlocking((*log)[1].Get()); !done)
    return base::SystemError("start the machine monitor", done.error().value);
  os::ShrinkToWait();  // who is forked has all of it, too
  const int parent = ::getpid();
  auto child = os::Fork(0);
  if (!child) return base::SystemError("start the machine monitor", child.error().value);
  if (child->pid == 0) Keep(plan, prover, parent, (*log)[1].Get(), (*report)[1].Get());
  Vmm vmm;
  vmm.keeper_ = *std::move(child);
  vmm.log_ = std::move((*log)[0]);
  vmm.report_ = std::move((*report)[0]);
  return vmm;
}

Vmm::~Vmm() { Stop(); }

// Asked first: the keeper then kills QEMU and removes what it has made. It is killed where it does
// not even do that, and takes QEMU along.
void Vmm::Stop() {
  if (!keeper_.pidfd.IsOpen()) return;
  (void)os::SendSignal(keeper_.pidfd.Get(), SIGTERM);
  const os::Interest ends[] = {{keeper_.pidfd.Get()}};
  const auto ended = os::WaitReady(ends, std::chrono::steady_clock::now() + kPatience);
  const bool killed = !ended || !*ended;
  if (killed) (void)os::SendSignal(keeper_.pidfd.Get(), SIGKILL);
  (void)os::WaitFor(keeper_.pid);
  keeper_.pidfd.Reset();
  if (killed) (void)sandbox::CollectGroups();
}

bool Vmm::Ends(std::chrono::milliseconds patience) const {
  const os::Interest reads[] = {{report_.Get()}};
  const auto ready = os::WaitReady(reads, std::chrono::steady_clock::now() + patience);
  return ready && *ready;
}

// The last line of its log, of as much as is kept.
std::string Vmm::LastWords() {
  std::string said;
  std::array<std::uint8_t, 1024> piece;
  const os::Interest reads[] = {{log_.Get()}};
  while (said.size() < kMostSaid) {
    const auto ready = os::WaitReady(reads, std::chrono::steady_clock::now());
    if (!ready || !*ready) break;
    const auto count = os::ReadSome(log_.Get(), piece);
    if (!count || *count == 0) break;
    said.append(reinterpret_cast<const char*>(piece.data()), *count);
  }
  const std::string_view text = base::Trim(said);
  const std::size_t line = text.rfind('\n');
  return base::Escape(line == std::string_view::npos ? text : text.substr(line + 1));
}

base::Error Vmm::WhyEnded() {
  std::string why;
  if (const auto report = os::ReadAll(report_.Get(), 4096)) why = *report;
  const std::string words = LastWords();
  Stop();
  std::string text = "run the machine monitor: it has ended";
  if (!why.empty()) text += ": " + why;
  if (!words.empty()) text += ": " + words;
  // It ends without a word where the guest's kernel switches off, or gives up and restarts.
  if (why.empty() && words.empty())
    text += " by itself and said nothing: the guest has switched off, or its kernel gave up";
  return base::Unsupported(text);
}

}  // namespace bailey::microvm
