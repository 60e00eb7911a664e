#include "microvm/run.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "image/build.h"
#include "image/kernel.h"
#include "image/store.h"
#include "microvm/backend.h"
#include "microvm/guest_network.h"
#include "microvm/registry.h"
#include "microvm/unpack.h"
#include "os/events.h"
#include "os/file.h"
#include "os/footprint.h"
#include "os/process.h"
#include "os/terminal.h"
#include "os/tree.h"
#include "os/vmm.h"
#include "sandbox/host_path.h"
#include "sandbox/kept.h"

namespace bailey::microvm {
namespace {

// What a machine is made of, open as long as it is being started.
struct Parts {
  image::Image image;
  image::Kernel kernel;
  std::vector<base::UniqueFd> carried;
  base::UniqueFd changes;  // a drive that the guest writes to
  std::unique_ptr<GuestNetwork> network;
};

bool MayChange(const MachinePlan& plan) {
  return std::ranges::any_of(plan.carried, [](const CarriedPath& path) { return path.write; });
}

base::Result<Parts> Gather(const MachinePlan& plan, const MachineFiles& files) {
  Parts parts;
  auto image = image::OpenImage(files.image);
  if (!image) return image.error();
  parts.image = *std::move(image);
  auto kernel = image::OpenKernel(files.kernel, files.init,
                                  {.vsock = files.firecracker.has_value(),
                                   .network = plan.network.has_value(),
                                   .erofs = parts.image.format == image::Format::kErofs});
  if (!kernel) return kernel.error();
  parts.kernel = *std::move(kernel);
  for (const CarriedPath& path : plan.carried) {
    auto drive = image::Carry({path.source, path.excluded, plan.command.uid, plan.command.gid});
    if (!drive) return drive.error();
    parts.carried.push_back(*std::move(drive));
  }
  if (MayChange(plan)) {
    // Files in the guest's memory cannot be more than it has.
    auto drive = os::MakeMemoryFile("changes", plan.memory_mib << 20);
    if (!drive) return base::SystemError("make the drive for changes", drive.error().value);
    parts.changes = *std::move(drive);
  }
  return parts;
}

// The same, of a machine that has its drives already.
base::Result<Parts> Fill(MachinePlan& plan, ReadyMachine& ready) {
  Parts parts;
  if (plan.carried.size() > ready.Slots().size())
    return base::Internal("use a machine of a pool: it has too few drives");
  for (std::size_t i = 0; i < plan.carried.size(); ++i) {
    const CarriedPath& path = plan.carried[i];
    const int slot = ready.Slots()[i].Get();
    const auto bytes =
        image::CarryInto({path.source, path.excluded, plan.command.uid, plan.command.gid}, slot);
    if (!bytes) return bytes.error();
    if (*bytes > kDriveBytes)
      return base::Unsupported(
          fmt::format("carry {}: it is larger than a machine of a pool has room for",
                      base::Escape(path.source)));
    if (const auto sized = os::Resize(slot, kDriveBytes); !sized)
      return base::SystemError("make a drive", sized.error().value);
    plan.command.mounts[path.mount].drive = SlotName(i);
  }
  parts.changes = ready.TakeChanges();
  return parts;
}

QemuPlan PlanQemu(const MachinePlan& plan, const Parts& parts, int line) {
  QemuPlan qemu;
  qemu.memory_mib = plan.memory_mib;
  qemu.kilohertz = os::TimeStampKilohertz();
  qemu.kernel = parts.kernel.vmlinux.Get();
  qemu.initramfs = parts.kernel.initramfs.Get();
  qemu.line = line;
  if (parts.network) {
    qemu.network = parts.network->Link();
    qemu.stream = parts.network->IsStream();
  }
  qemu.drives.push_back({"root", false, parts.image.file.Get()});
  for (std::size_t i = 0; i < plan.carried.size(); ++i)
    qemu.drives.push_back(
        {plan.command.mounts[plan.carried[i].mount].drive, false, parts.carried[i].Get()});
  if (parts.changes.IsOpen()) qemu.drives.push_back({kChangesDrive, true, parts.changes.Get()});
  return qemu;
}

// Where changes go, beside what each is compared with.
class Changes {
 public:
  Changes(const MachinePlan& plan, const sandbox::Plan& sandbox) : plan_(plan), sandbox_(sandbox) {}

  // Before anything is carried in: what changes on the host from then on is seen.
  base::Status Prepare() {
    if (!MayChange(plan_)) return {};
    auto made = sandbox::MakeKept(sandbox_);
    if (!made) return made.error();
    directory_ = *std::move(made);
    return {};
  }
  base::Status Unpack(int drive, const guest::Collected& collected) {
    std::vector<ChangedMount> mounts;
    for (const CarriedPath& path : plan_.carried) {
      if (!path.write) continue;
      const std::string layer = path.kept.substr(path.kept.rfind('/') + 1) + "/upper";
      auto upper = os::OpenWithoutLinks(directory_.Get(), layer.c_str(), O_RDONLY | O_DIRECTORY);
      if (!upper) return base::SystemError("open " + path.kept, upper.error().value);
      mounts.push_back({path.mount, *std::move(upper), path.owner, path.group, Hidden(path), {}});
    }
    if (const auto done = microvm::Unpack(drive, collected.bytes, mounts); !done)
      return done.error();
    for (ChangedMount& mount : mounts) deleted_.push_back(std::move(mount.deleted));
    directory_.Reset();  // and with it the lock
    return {};
  }
  // Applies them, or says under which name they stay.
  base::Result<std::string> Apply() {
    const std::string name = sandbox_.kept.substr(sandbox_.kept.rfind('/') + 1);
    auto kept = sandbox::OpenKept(name);
    if (!kept) return kept.error();
    auto changes = sandbox::ListChanges(*kept);
    if (!changes) return changes.error();
    AddDeleted(*kept, *changes);
    const auto conflict = std::ranges::find_if(*changes, &sandbox::Change::conflict);
    if (conflict != changes->end()) {
      return fmt::format(
          "changes are kept aside, as {} was changed by somebody else: bailey changes {}",
          base::Escape(kept->layers[conflict->layer].source + "/" + conflict->path), name);
    }
    if (const auto applied = sandbox::ApplyChanges(*kept, *changes); !applied)
      return applied.error();
    if (const auto dropped = sandbox::DropKept(*std::move(kept)); !dropped) return dropped.error();
    return std::string();
  }
  bool HasUnmarked() const {
    return std::ranges::any_of(deleted_, [](const auto& names) { return !names.empty(); });
  }
  void Drop() {
    directory_.Reset();
    if (!MayChange(plan_)) return;
    auto kept = sandbox::OpenKept(sandbox_.kept.substr(sandbox_.kept.rfind('/') + 1));
    if (kept)
      (void)sandbox::DropKept(*std::move(kept));  // what stays is listed, and can be dropped
  }

 private:
  void AddDeleted(const sandbox::KeptChanges& kept, std::vector<sandbox::Change>& changes) const {
    for (std::size_t layer = 0; layer < deleted_.size() && layer < kept.layers.size(); ++layer) {
      for (const std::string& path : deleted_[layer]) {
        const auto there =
            os::OpenBeneath(kept.layers[layer].lower_fd.Get(), path.c_str(), O_PATH | O_NOFOLLOW);
        if (there)
          changes.push_back(
              {sandbox::Change::Kind::kDeleted, sandbox::Change::Type::kOther, layer, path, false});
      }
    }
  }
  std::vector<std::string> Hidden(const CarriedPath& path) const {
    std::vector<std::string> below;
    for (const std::string& hidden : plan_.hidden)
      if (hidden != path.target && sandbox::IsWithin(hidden, path.target))
        below.push_back(hidden.substr(path.target == "/" ? 1 : path.target.size() + 1));
    return below;
  }

  const MachinePlan& plan_;
  const sandbox::Plan& sandbox_;
  base::UniqueFd directory_;
  std::vector<std::vector<std::string>> deleted_;  // by layer
};

// A machine that has greeted us, and the one program in it.
class Machine {
 public:
  Machine(MachinePlan& plan, const sandbox::Plan& sandbox, os::SignalQueue& signals)
      : plan_(plan), sandbox_(sandbox), signals_(signals) {}

  // Until its guest has greeted us.
  base::Status Start(std::unique_ptr<Backend> backend) {
    backend_ = std::move(backend);
    auto fd = backend_->TakeLine();
    if (!fd) return fd.error();
    auto line = Line::Make(*std::move(fd));
    if (!line) return line.error();
    session_.emplace(*std::move(line), signals_, plan_.bounds);
    const auto greeting = session_->Greet(backend_->Greeted());
    if (!greeting) return Why(greeting.error());
    greeting_ = *greeting;
    return {};
  }
  base::Result<sandbox::Outcome> Run(bool terminal, CallLog* calls, network::Running* gateway) {
    if (sandbox_.landlock.abi > 0) {
      if (greeting_.landlock == 0)
        return base::Unsupported(
            "use Landlock: the guest's kernel does not offer it; `--without landlock` gives it up "
            "by "
            "name");
      GrantAccess(sandbox_.root, greeting_.landlock, plan_);
    }
    auto outcome = session_->Run(plan_.command, terminal, calls, gateway);
    if (!outcome) return Why(outcome.error());
    return outcome;
  }
  base::Result<guest::Collected> Collect() {
    auto collected = session_->Collect();
    if (!collected) return Why(collected.error());
    return collected;
  }
  void End(bool politely) {
    if (politely && backend_->IsAskedFirst()) session_->PowerOff();
    backend_->End();
  }
  const GuestGreeting& Greeting() const { return greeting_; }
  const Backend& RunsIn() const { return *backend_; }

 private:
  base::Error Why(const base::Error& error) {
    return session_->IsCut() ? backend_->WhyEnded() : error;
  }

  MachinePlan& plan_;
  const sandbox::Plan& sandbox_;
  os::SignalQueue& signals_;
  std::unique_ptr<Backend> backend_;
  std::optional<Session> session_;
  GuestGreeting greeting_;
};

void Describe(const Machine& machine, const MachinePlan& plan,
              const std::vector<bpf::Program>& filters, const sandbox::Plan& sandbox,
              const Hearing& hearing, MachineOutcome& result) {
  auto& enforced = result.outcome.enforced;
  enforced.push_back({"machine", fmt::format("{}; guest kernel {}; its greeting was authenticated",
                                             result.isolation, machine.Greeting().kernel)});
  enforced.push_back({"monitor", machine.RunsIn().Confinement()});
  enforced.push_back({"user", fmt::format("{}:{}, no capabilities, no new privileges",
                                          plan.command.uid, plan.command.gid)});
  for (const bpf::Program& filter : filters)
    enforced.push_back({"seccomp", fmt::format("filter of {} instructions", filter.Size())});
  if (hearing.calls != nullptr) enforced.back().detail += "; what it denies is counted";
  if (sandbox.landlock.abi > 0)
    enforced.push_back({"landlock", fmt::format("version {}", machine.Greeting().landlock)});
}

// What a machine is started by, where it is not a QEMU of its own.
struct Other {
  std::optional<FirecrackerHost> firecracker;
  std::optional<ReadyMachine> ready;
  std::string id;
};

// `parts` keeps what the machine is not to hold, and gets the drive that is written.
base::Result<std::unique_ptr<Backend>> StartBackend(const MachinePlan& plan, Parts& parts,
                                                    const Prover& prover, Other& other,
                                                    os::SignalQueue& signals) {
  if (other.ready) return UseReady(*std::move(other.ready));
  QemuPlan pieces = PlanQemu(plan, parts, -1);
  auto started = other.firecracker
                     ? StartFirecracker(*other.firecracker, other.id,
                                        {pieces.memory_mib, pieces.kernel, pieces.initramfs,
                                         std::move(pieces.drives), pieces.network},
                                        plan.bounds.patience, signals)
                     : StartQemu(std::move(pieces), prover);
  if (!started) return started.error();
  if (parts.network) parts.network->CloseLink();
  if (base::UniqueFd written = (*started)->TakeWritten(); written.IsOpen())
    parts.changes = std::move(written);
  return started;
}

base::Result<MachineOutcome> RunWith(MachinePlan& plan, const sandbox::Plan& sandbox, Parts& parts,
                                     const std::vector<bpf::Program>& filters, const Prover& prover,
                                     bool keep, const Hearing& hearing, Changes& changes,
                                     Other other) {
  const auto terminal_in = os::IsTerminal(0), terminal_out = os::IsTerminal(1);
  const bool terminal =
      terminal_in && *terminal_in && terminal_out && *terminal_out && os::IsForeground(0);
  const os::TerminalSettings settings;
  auto signals = os::SignalQueue::Make();
  if (!signals) return base::SystemError("wait for signals", signals.error().value);
  const auto begin = std::chrono::steady_clock::now();
  Machine machine(plan, sandbox, *signals);
  const bool is_of_pool = other.ready.has_value();
  auto backend = StartBackend(plan, parts, prover, other, *signals);
  if (!backend) return backend.error();
  if (const auto started = machine.Start(*std::move(backend)); !started) return started.error();
  MachineOutcome result;
  result.isolation = machine.RunsIn().Isolation();
  hearing.greeted(result.isolation);
  if (!is_of_pool) os::ShrinkToWait();  // nobody waits for that: the guest has much to do
  network::Running* const gateway = parts.network ? &parts.network->Gateway() : nullptr;
  auto outcome = machine.Run(terminal, hearing.calls, gateway);
  if (gateway != nullptr) gateway->Finish();
  if (!outcome) return outcome.error();
  result.outcome = *std::move(outcome);
  result.outcome.start_up = std::chrono::duration_cast<std::chrono::microseconds>(
                                std::chrono::steady_clock::now() - begin) -
                            result.outcome.wall;
  Describe(machine, plan, filters, sandbox, hearing, result);
  if (parts.network)
    result.outcome.enforced.push_back(
        {"network", fmt::format("{} of a namespace of its own, with a gateway; read back, and "
                                "tried from inside the guest",
                                parts.network->IsStream() ? "passt" : "a TAP")});
  using Kind = sandbox::Outcome::Kind;
  const Kind kind = result.outcome.kind;
  // Killed from outside, a program can say nothing more; one that never ran has changed nothing.
  const bool ended =
      kind == Kind::kExited || kind == Kind::kSignalled || kind == Kind::kMemoryLimit;
  const bool brings = MayChange(plan) && ended;
  if (brings) {
    const auto collected = machine.Collect();
    if (!collected) return collected.error();
    machine.End(true);
    if (const auto unpacked = changes.Unpack(parts.changes.Get(), *collected); !unpacked)
      return unpacked.error();
    if (collected->left > 0)
      result.outcome.detail = fmt::format(
          "{} sockets, FIFOs or devices were not brought back from the machine", collected->left);
    if (keep && changes.HasUnmarked())
      return base::Unsupported(
          "keep changes aside: where they are kept, deleted names cannot be marked");
    if (!keep) {
      auto said = changes.Apply();
      if (!said) return said.error();
      if (!said->empty()) result.outcome.detail = *said;
    }
    return result;
  }
  machine.End(ended);
  if (!keep) changes.Drop();
  return result;
}

}  // namespace

base::Result<std::string> DescribeRequests(const MachinePlan& plan) {
  std::vector<Drive> drives = {{"root"}};
  for (const CarriedPath& path : plan.carried)
    drives.push_back({plan.command.mounts[path.mount].drive});
  if (MayChange(plan)) drives.push_back({kChangesDrive, true});
  const auto requests =
      BootRequests(PlanFirecracker(plan.memory_mib, drives, plan.network.has_value()));
  if (!requests) return requests.error();
  return ToString(*requests);
}

base::Result<MachineOutcome> RunInMachine(MachinePlan plan, const sandbox::Plan& sandbox,
                                          const MachineFiles& files,
                                          const std::vector<bpf::Program>& filters,
                                          const Prover& prover, bool keep, const Hearing& hearing,
                                          std::optional<ReadyMachine> ready) {
  for (const bpf::Program& filter : filters) plan.command.filters.push_back(filter.Bytes());
  if (const auto done = os::IgnoreBrokenPipes(); !done)
    return base::SystemError("ignore broken pipes", done.error().value);
  if (const auto done = os::ExpectChildren(); !done)
    return base::SystemError("wait for children", done.error().value);
  std::optional<FirecrackerHost> firecracker;
  if (files.firecracker) {
    auto found = FindFirecracker(*files.firecracker);
    if (!found) return found.error();
    firecracker = *std::move(found);
  }
  const auto registration = Registration::Make(files.id, plan.command.argv[0]);
  if (!registration) return registration.error();
  Changes changes(plan, sandbox);
  if (const auto prepared = changes.Prepare(); !prepared) return prepared.error();
  auto parts = ready ? Fill(plan, *ready) : Gather(plan, files);
  if (!parts) {
    changes.Drop();
    return parts.error();
  }
  if (plan.network) {
    using Taken = GuestNetwork::Taken;
    auto made =
        GuestNetwork::Make(*plan.network, plan.resolver,
                           firecracker ? Taken::kByName : Taken::kAsDescriptor, hearing.decided);
    if (!made) {
      changes.Drop();
      return made.error();
    }
    parts->network = *std::move(made);
    // passt's resets are none that a guest's kernel believes.
    plan.command.network->resets = parts->network->IsStream() ? 0 : 1;
  }
  auto result = RunWith(plan, sandbox, *parts, filters, prover, keep, hearing, changes,
                        {std::move(firecracker), std::move(ready), registration->Id()});
  if (!result) changes.Drop();
  return result;
}

}  // namespace bailey::microvm
