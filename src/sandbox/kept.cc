#include "sandbox/kept.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "base/text.h"
#include "os/file.h"
#include "os/tree.h"
#include "sandbox/host_path.h"

namespace bailey::sandbox {
namespace {

base::Error CannotKeep(const std::string& path, os::Errno error) {
  base::Error said =
      base::SystemError(fmt::format("keep changes of {}", base::Escape(path)), error.value);
  if (error.value == EOPNOTSUPP)
    said.text += " (where changes are kept, the file system has no extended attributes of users)";
  return said;
}

os::SysResult<base::UniqueFd> MakeAndOpen(int parent, const char* name, unsigned mode) {
  if (const auto made = os::MakeDirectory(parent, name, mode); !made)
    return std::unexpected(made.error());
  return os::Open(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

os::SysStatus WriteNew(int directory, const char* name, const std::string& text) {
  const auto file = os::Open(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!file) return std::unexpected(file.error());
  return os::WriteAll(file->Get(), text);
}

// Names below `bind` that the builder makes when they are missing.
std::string HeldBelow(const RootPlan& root, const BindMount& bind) {
  std::string text;
  const auto add = [&](const std::string& target) {
    if (target == bind.target || !IsWithin(target, bind.target)) return;
    text += target.substr(bind.target == "/" ? 1 : bind.target.size() + 1);
    text += '\0';
  };
  for (const Step& step : root.steps) {
    if (const auto* pin = std::get_if<Pin>(&step); pin && pin->make) add(pin->target);
    if (const auto* mask = std::get_if<Mask>(&step); mask && mask->make) add(mask->target);
  }
  return text;
}

// What the merged directory looks like is what the upper one does.
os::SysStatus CopyAttributes(const BindMount& bind, int upper) {
  const auto source = os::OpenWithoutLinks(AT_FDCWD, bind.source.c_str(), O_PATH | O_DIRECTORY);
  if (!source) return std::unexpected(source.error());
  const auto found = os::StatFd(source->Get());
  if (!found) return std::unexpected(found.error());
  if (found->st_dev != bind.st_dev || found->st_ino != bind.st_ino) return os::Fail(ESTALE);
  if (::geteuid() == 0) {
    auto given = os::ChangeOwner(upper, found->st_uid, found->st_gid);
    if (!given) return given;
  }
  return os::ChangeMode(upper, found->st_mode & 01777);
}

os::SysStatus MakeLayer(const RootPlan& root, const BindMount& bind, int top, const char* name) {
  const auto layer = MakeAndOpen(top, name, 0711);
  if (!layer) return std::unexpected(layer.error());
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  auto written =
      WriteNew(layer->Get(), "source",
               fmt::format("{} {} {} {}", bind.st_dev, bind.st_ino, since.count(), bind.source));
  if (!written) return written;
  if (written = WriteNew(layer->Get(), "held", HeldBelow(root, bind)); !written) return written;
  const auto upper = MakeAndOpen(layer->Get(), "upper", 0755);
  if (!upper) return std::unexpected(upper.error());
  if (const auto can = os::TryUserAttribute(upper->Get()); !can) return can;
  if (const auto copied = CopyAttributes(bind, upper->Get()); !copied) return copied;
  const auto work = MakeAndOpen(layer->Get(), "work", 0700);
  if (!work) return std::unexpected(work.error());
  if (::geteuid() != 0) return {};
  return os::ChangeOwner(work->Get(), bind.owner, bind.group);
}

}  // namespace

base::Result<std::string> KeptPlace() {
  const char* const state = ::secure_getenv("XDG_STATE_HOME");
  if (state && *state == '/') return std::string(state) + "/bailey/changes";
  if (::geteuid() == 0) return std::string("/var/lib/bailey/changes");
  const char* const home = ::secure_getenv("HOME");
  if (home && *home == '/') return std::string(home) + "/.local/state/bailey/changes";
  return base::InvalidInput("keep changes: neither XDG_STATE_HOME nor HOME is set");
}

std::string NewKeptName() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return fmt::format("{:x}-{}", std::chrono::duration_cast<std::chrono::milliseconds>(now).count(),
                     ::getpid());
}

base::Result<base::UniqueFd> MakeKept(const Plan& plan) {
  if (plan.kept.empty()) return base::UniqueFd();
  std::error_code error;
  std::filesystem::create_directories(Parent(plan.kept), error);
  if (error) return CannotKeep(plan.kept, os::Errno{error.value()});
  auto top = MakeAndOpen(AT_FDCWD, plan.kept.c_str(), 0700);
  if (!top) return CannotKeep(plan.kept, top.error());
  const auto locked = os::TryLock(top->Get(), os::Lock::kExclusive);
  if (!locked) return CannotKeep(plan.kept, locked.error());
  for (const Step& step : plan.root.steps) {
    const auto* bind = std::get_if<BindMount>(&step);
    if (!bind || bind->kept.empty()) continue;
    const char* const name = bind->kept.c_str() + bind->kept.rfind('/') + 1;
    if (const auto made = MakeLayer(plan.root, *bind, top->Get(), name); !made)
      return CannotKeep(bind->source, made.error());
  }
  return *std::move(top);
}

}  // namespace bailey::sandbox
