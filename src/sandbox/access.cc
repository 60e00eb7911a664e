#include "sandbox/access.h"

#include <fcntl.h>

#include "os/file.h"
#include "os/landlock.h"

namespace bailey::sandbox {
namespace {

namespace ll = os::landlock;

// A program has no use for making device nodes; the kernel's make_char and make_block.
constexpr std::uint64_t kMakeDevices = 1ull << 6 | 1ull << 11;

struct RuleMaker {
  std::uint64_t all;
  std::vector<PathRule>& rules;

  void Add(const std::string& path, std::uint64_t rights) const {
    if (rights & all) rules.push_back({path, -1, rights & all});
  }
  void operator()(const MakeDirectory&) const {}
  void operator()(const MakeFile&) const {}
  void operator()(const MakeSymlink&) const {}
  void operator()(const BindMount& bind) const {
    if (bind.device) return Add(bind.target, ll::kReadFile | ll::kWriteFile | ll::kDeviceIoctl);
    std::uint64_t rights = bind.write ? all & ~kMakeDevices & ~ll::kDeviceIoctl : ll::kReadRights;
    if (!bind.directory) rights &= ll::kFileRights;
    Add(bind.target, rights);
  }
  void operator()(const TmpfsMount& tmpfs) const {
    Add(tmpfs.target, tmpfs.seal ? ll::kReadDirectory : all & ~kMakeDevices & ~ll::kDeviceIoctl);
  }
  void operator()(const ProcMount& proc) const {
    Add(proc.target, ll::kReadFile | ll::kReadDirectory);
  }
  void operator()(const DevptsMount& devpts) const {
    Add(devpts.target, ll::kReadFile | ll::kWriteFile | ll::kReadDirectory | ll::kDeviceIoctl);
  }
  void operator()(const Pin&) const {}
  void operator()(const OverlayMount& overlay) const {
    const bool write = overlay.in_memory || !overlay.upper.empty();
    Add(overlay.target, write ? all & ~kMakeDevices & ~ll::kDeviceIoctl : ll::kReadRights);
  }
  // Mostly nothing: what is below a mask is empty, and what covers it carries no rights of its own.
  void operator()(const Mask& mask) const {
    if (!mask.text.empty()) Add(mask.target, ll::kReadFile);
  }
};

// A standard descriptor that is a file outside the root can be opened again as it was opened:
// programs write to /dev/stdout. Appending cannot be said to Landlock, so that is not granted.
void AddStandardDescriptors(std::uint64_t all, std::vector<PathRule>& rules) {
  for (int fd = 0; fd <= 2; ++fd) {
    const auto found = os::StatFd(fd);
    const int flags = ::fcntl(fd, F_GETFL);
    if (!found || flags < 0 || !S_ISREG(found->st_mode)) continue;
    std::uint64_t rights = 0;
    if ((flags & O_ACCMODE) != O_WRONLY) rights |= ll::kReadFile;
    if ((flags & O_ACCMODE) != O_RDONLY && !(flags & O_APPEND))
      rights |= ll::kWriteFile | ll::kTruncate;
    if (rights & all) rules.push_back({"fd:" + std::to_string(fd), fd, rights & all});
  }
}

}  // namespace

LandlockPlan PlanLandlock(const RootPlan& root, int abi) {
  LandlockPlan plan;
  plan.abi = abi;
  plan.handled = ll::AllRights(abi);
  if (abi >= 6) plan.scopes = ll::kScopeAbstractUnixSocket | ll::kScopeSignal;
  for (const Step& step : root.steps) std::visit(RuleMaker{plan.handled, plan.rules}, step);
  AddStandardDescriptors(plan.handled, plan.rules);
  return plan;
}

}  // namespace bailey::sandbox
