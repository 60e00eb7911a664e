#include "microvm/original.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "microvm/call_log.h"
#include "microvm/monitor.h"
#include "os/file.h"
#include "os/process.h"
#include "os/vmm.h"
#include "sandbox/host_path.h"

namespace bailey::microvm {
namespace {

// How long a machine monitor that has closed its line may take to end.
constexpr std::chrono::seconds kEnd{1};

// The plan's, with what can be run where nothing is carried in yet.
GuestCommand WarmUpCommand(const MachinePlan& plan) {
  GuestCommand command = plan.command;
  std::erase_if(command.mounts, [](const GuestMount& mount) {
    return mount.kind == guest::Mount::Kind::kShow || mount.kind == guest::Mount::Kind::kChange;
  });
  std::erase_if(command.grants, [&plan](const GuestGrant& grant) {
    return std::ranges::any_of(plan.carried, [&grant](const CarriedPath& path) {
      return sandbox::IsWithin(grant.path, path.target);
    });
  });
  command.argv = {"true"};
  command.rehearses = true;
  command.workdir = "/";
  return command;
}

// Copies share it, and need not find it on a drive and unpack it.
std::uint32_t PreloadMib(const Shape& shape) {
  constexpr std::uint64_t kMost = 64;
  return static_cast<std::uint32_t>(std::min(kMost, shape.memory_mib / 8));
}

base::Error Cannot(os::Errno error) { return base::SystemError("copy the machine", error.value); }

}  // namespace

std::string SlotName(std::size_t slot) { return fmt::format("slot-{}", slot); }

struct Original::Machine {
  Vmm vmm;
  base::UniqueFd line;
  std::vector<base::UniqueFd> slots;
  base::UniqueFd changes;
  Monitor monitor;
};

base::Result<Original::Machine> Original::Start(const Prover& prover, int state) const {
  auto line = os::MakeStreamPair();
  auto monitor = os::MakeStreamPair();
  if (!line || !monitor) return Cannot((!line ? line : monitor).error());
  QemuPlan qemu;
  qemu.memory_mib = shape_.memory_mib;
  qemu.kilohertz = kilohertz_;
  qemu.kernel = kernel_.vmlinux.Get();
  qemu.initramfs = kernel_.initramfs.Get();
  qemu.line = (*line)[1].Get();
  qemu.copying = {memory_.Get(), (*monitor)[1].Get(), state};
  qemu.drives.push_back({"root", false, image_.file.Get()});
  std::vector<base::UniqueFd> slots, read_only;
  for (std::size_t i = 0; i < shape_.drives; ++i) {
    auto file = os::MakeMemoryFile("slot", kDriveBytes);
    if (!file) return Cannot(file.error());
    auto opened = os::OpenForReading(file->Get());
    if (!opened) return Cannot(opened.error());
    qemu.drives.push_back({SlotName(i), false, opened->Get()});
    slots.push_back(*std::move(file));
    read_only.push_back(*std::move(opened));
  }
  auto changes = os::MakeMemoryFile("changes", shape_.memory_mib << 20);
  if (!changes) return Cannot(changes.error());
  qemu.drives.push_back({kChangesDrive, true, changes->Get()});
  auto vmm = Vmm::Start(qemu, prover);
  if (!vmm) return vmm.error();
  (*line)[1].Reset();
  (*monitor)[1].Reset();
  auto talks = Monitor::Make(std::move((*monitor)[0]), plan_.bounds.patience);
  if (!talks) return vmm->Ends(kEnd) ? vmm->WhyEnded() : talks.error();
  return Machine{*std::move(vmm), std::move((*line)[0]), std::move(slots), *std::move(changes),
                 *std::move(talks)};
}

base::Status Original::WarmUp(Machine& machine, os::SignalQueue& signals,
                              std::uint32_t preload) const {
  auto line = Line::Make(std::move(machine.line));
  if (!line) return line.error();
  Session session(*std::move(line), signals, {plan_.bounds.patience, {}, plan_.bounds.patience});
  const auto why = [&](const base::Error& error) {
    return session.IsCut() ? machine.vmm.WhyEnded() : error;
  };
  const auto greeting = session.Greet();
  if (!greeting) return why(greeting.error());
  MachinePlan plan = plan_;
  if (sandbox_.landlock.abi > 0 && greeting->landlock > 0)
    GrantAccess(sandbox_.root, greeting->landlock, plan);
  std::optional<CallLog> calls;
  if (heard_)
    calls.emplace(CallLog::Options{.explain = [](const auto&) { return audit::Rule(); },
                                   .rate = {.rate = 1, .burst = 1}},
                  *heard_);
  const auto outcome = session.Run(WarmUpCommand(plan), false, calls ? &*calls : nullptr);
  if (!outcome) return why(outcome.error());
  // On a host that has too much to do: it runs still, and cannot be asked for anything.
  if (outcome->kind == sandbox::Outcome::Kind::kTimeLimit)
    return base::Unsupported(
        fmt::format("warm the machine up: its first program has not ended within {} ms",
                    plan_.bounds.patience.count()));
  // Nothing was carried in, so that nothing has changed. Changes come out where the policy lets any
  // be made: who brings none out need not know how.
  if (std::ranges::any_of(plan.carried, &CarriedPath::write))
    if (const auto collected = session.Collect(plan_.bounds.patience); !collected)
      return why(collected.error());
  // Of what others begin as, two commands are prepared for: the one that each runs to be warm, and
  // the one that it is there for. Neither the first's end nor the second's beginning is anything
  // that a copy has to do. Where nothing is carried in, both are confined as this one was.
  guest::Forget wanted;
  if (preload > 0) wanted = {2, static_cast<std::uint8_t>(plan.carried.empty() ? 1 : 0)};
  if (const auto forgotten = session.Forget(wanted); !forgotten) return why(forgotten.error());
  if (preload > 0)
    if (const auto read = session.Preload(preload); !read) return why(read.error());
  machine.line = std::move(session).TakeLine().Release();
  return {};
}

base::Result<Original> Original::Make(const MachinePlan& plan, const Shape& shape,
                                      const sandbox::Plan& sandbox, image::Image image,
                                      image::Kernel kernel, std::optional<bpf::Program> heard,
                                      const Prover& prover) {
  if (const auto done = os::IgnoreBrokenPipes(); !done) return Cannot(done.error());
  if (const auto done = os::ExpectChildren(); !done) return Cannot(done.error());
  Original original(plan, shape, sandbox);
  original.kilohertz_ = os::TimeStampKilohertz();
  original.heard_ = std::move(heard);
  original.image_ = std::move(image);
  original.kernel_ = std::move(kernel);
  auto memory = os::MakeSealableFile("memory", shape.memory_mib << 20);
  auto state = os::MakeSealableFile("state", 0);
  if (!memory || !state) return Cannot((!memory ? memory : state).error());
  original.memory_ = *std::move(memory);
  original.state_ = *std::move(state);
  {
    auto signals = os::SignalQueue::Make();
    if (!signals) return Cannot(signals.error());
    auto machine = original.Start(prover, -1);
    if (!machine) return machine.error();
    if (const auto warm = original.WarmUp(*machine, *signals, PreloadMib(shape)); !warm)
      return warm.error();
    if (const auto saved = machine->monitor.Save(original.state_.Get()); !saved)
      return saved.error();
    // With it goes the last one who could write to its memory.
  }
  for (const int file : {original.memory_.Get(), original.state_.Get()})
    if (const auto sealed = os::Seal(file); !sealed)
      return base::SystemError("seal the machine that others begin as", sealed.error().value);
  return original;
}

base::Result<Copy> Original::MakeCopy(const Prover& prover, os::SignalQueue& signals) const {
  // Each reads it from the beginning.
  const auto state = os::OpenForReading(state_.Get());
  if (!state) return Cannot(state.error());
  auto machine = Start(prover, state->Get());
  if (!machine) return machine.error();
  if (const auto loaded = machine->monitor.Load(state->Get()); !loaded)
    return machine->vmm.Ends(kEnd) ? machine->vmm.WhyEnded() : loaded.error();
  if (const auto warm = WarmUp(*machine, signals); !warm) return warm.error();
  return Copy{std::move(machine->vmm), std::move(machine->line), std::move(machine->slots),
              std::move(machine->changes)};
}

std::vector<int> Original::Descriptors() const {
  return {image_.file.Get(), kernel_.vmlinux.Get(), kernel_.initramfs.Get(), memory_.Get(),
          state_.Get()};
}

std::uint64_t Original::Bytes() const {
  std::uint64_t bytes = 0;
  for (const int file : {memory_.Get(), state_.Get()})
    if (const auto found = os::StatFd(file))
      bytes += static_cast<std::uint64_t>(found->st_blocks) * 512;
  return bytes;
}

}  // namespace bailey::microvm
