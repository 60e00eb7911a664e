#include "microvm/registry.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "base/text.h"
#include "image/store.h"
#include "microvm/leftovers.h"
#include "os/events.h"
#include "os/file.h"
#include "os/process.h"
#include "os/tree.h"
#include "os/vmm.h"
#include "sandbox/state.h"

namespace bailey::microvm {
namespace {

constexpr const char* kAbout = "about";
constexpr std::size_t kMostAbout = 4096;
constexpr int kTries = 100;

base::Error Cannot(std::string_view verb, const std::string& id, os::Errno error) {
  return base::SystemError(fmt::format("{} machine {}", verb, id), error.value);
}

base::Result<std::string> MakeUpId() {
  std::array<std::uint8_t, 8> bytes;
  if (const auto filled = os::FillRandom(bytes); !filled)
    return base::SystemError("make up an id", filled.error().value);
  std::string id = "m";
  for (const std::uint8_t byte : bytes) id += fmt::format("{:02x}", byte);
  return id;
}

// Makes and locks it; none where a machine that runs has it.
os::SysResult<std::optional<base::UniqueFd>> Claim(int place, const std::string& id) {
  for (int i = 0; i < kTries; ++i) {
    const auto made = os::MakeDirectory(place, id.c_str(), 0700);
    if (!made && made.error().value != EEXIST) return std::unexpected(made.error());
    auto directory = OpenMachine(place, id);
    if (!directory && directory.error().value == ENOENT) continue;
    if (!directory) return std::unexpected(directory.error());
    const auto locked = os::TryLock(directory->Get(), os::Lock::kExclusive);
    if (!locked) return std::unexpected(locked.error());
    if (!*locked) return std::nullopt;
    if (IsStill(place, id, directory->Get())) return std::optional(*std::move(directory));
  }
  return os::Fail(EAGAIN);
}

struct Found {
  base::UniqueFd place, directory;
  RunningMachine machine;
};

// One that runs; none where it does not.
std::optional<Found> Find(const std::string& id) {
  for (base::UniqueFd& place : sandbox::FindState(kMachines)) {
    auto directory = OpenMachine(place.Get(), id);
    if (!directory) continue;
    const auto locked = os::TryLock(directory->Get(), os::Lock::kShared);
    if (!locked || *locked) continue;
    const auto about = os::ReadFile(directory->Get(), kAbout, kMostAbout);
    if (!about) continue;  // it is about to start, or to end
    const std::size_t space = about->find(' ');
    const auto pid = base::ParseNumber(about->substr(0, space));
    if (space == std::string::npos || !pid || *pid == 0 || *pid > 1u << 30) continue;
    return Found{std::move(place),
                 *std::move(directory),
                 {id, about->substr(space + 1), static_cast<pid_t>(*pid)}};
  }
  return std::nullopt;
}

}  // namespace

base::Result<Registration> Registration::Make(const std::string& id, const std::string& program) {
  if (!id.empty())
    if (const auto checked = image::CheckName("id", id); !checked) return checked.error();
  const auto made_up = id.empty() ? MakeUpId() : base::Result<std::string>(id);
  if (!made_up) return made_up.error();
  auto place = sandbox::OpenState(kMachines);
  if (!place) return place.error();
  auto claimed = Claim(place->Get(), *made_up);
  if (!claimed) return Cannot("register", *made_up, claimed.error());
  if (!*claimed)
    return base::InvalidInput(fmt::format("use id {}: a machine that runs has it", *made_up));
  Registration registration;
  registration.id_ = *made_up;
  registration.place_ = *std::move(place);
  registration.directory_ = **std::move(claimed);
  const int directory = registration.directory_.Get();
  // Written beside and moved: whoever reads it reads all of it.
  const auto about = os::Open(directory, "new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
  if (!about) return Cannot("register", *made_up, about.error());
  auto written = os::WriteAll(
      about->Get(), fmt::format("{} {}", ::getpid(), base::Escape(program.substr(0, 1024))));
  if (written) written = os::RenameAt(directory, "new", directory, kAbout);
  if (!written) return Cannot("register", *made_up, written.error());
  return registration;
}

Registration::~Registration() {
  if (directory_.IsOpen()) (void)os::RemoveTree(place_.Get(), id_);
}

base::Result<std::vector<RunningMachine>> ListMachines() {
  std::vector<RunningMachine> machines;
  for (const base::UniqueFd& place : sandbox::FindState(kMachines)) {
    const auto names = os::Names(place.Get());
    if (!names) return base::SystemError("look for machines", names.error().value);
    for (const std::string& name : *names) {
      if (!image::CheckName("id", name)) continue;
      if (auto found = Find(name)) machines.push_back(std::move(found->machine));
    }
  }
  return machines;
}

base::Status StopMachine(const std::string& id, std::chrono::milliseconds patience) {
  if (const auto checked = image::CheckName("id", id); !checked) return checked.error();
  const auto found = Find(id);
  if (!found) return base::InvalidInput(fmt::format("stop machine {}: none of this id runs", id));
  const auto pidfd = os::OpenPidfd(found->machine.supervisor);
  if (!pidfd && pidfd.error().value == ESRCH) return {};
  if (!pidfd) return Cannot("stop", id, pidfd.error());
  // Still locked: the process that the descriptor is of has it, and is no later one.
  const auto locked = os::TryLock(found->directory.Get(), os::Lock::kShared);
  if (!locked) return Cannot("stop", id, locked.error());
  if (*locked) return {};
  if (const auto sent = os::SendSignal(pidfd->Get(), SIGTERM); !sent)
    return Cannot("stop", id, sent.error());
  const os::Interest ends[] = {{pidfd->Get()}};
  auto ended = os::WaitReady(ends, std::chrono::steady_clock::now() + patience);
  if (!ended) return Cannot("stop", id, ended.error());
  if (*ended) return {};
  if (const auto sent = os::SendSignal(pidfd->Get(), SIGKILL); !sent)
    return Cannot("stop", id, sent.error());
  ended = os::WaitReady(ends, std::nullopt);
  if (!ended) return Cannot("stop", id, ended.error());
  if (const auto collected = CollectMachines(); !collected) return collected.error();
  return {};
}

}  // namespace bailey::microvm
