#include <fmt/format.h>

#include <cstring>

#include "compat/bubblewrap_plan.h"

namespace bailey::compat {
namespace {

using sandbox::ChosenFailure;
using sandbox::ChosenPlan;
using sandbox::ChosenStep;
using sandbox::Part;

// bubblewrap names places as they are for it while it builds a root.
std::string New(const std::string& path) { return "/newroot" + path; }
std::string Old(const std::string& path) { return "/oldroot" + path; }

std::string MountText(const ChosenStep& step) {
  const std::string target = New(Target(step));
  if (const auto* show = std::get_if<sandbox::ShowPath>(&step.layout))
    return fmt::format("Can't bind mount {} on {}: Unable to mount source on destination",
                       Old(show->source), target);
  if (std::holds_alternative<sandbox::ShowProc>(step.layout))
    return "Can't mount proc on " + target;
  if (std::holds_alternative<sandbox::FreshQueues>(step.layout))
    return "Can't mount mqueue on " + target;
  if (std::holds_alternative<sandbox::OverlayMount>(step.layout))
    return "Can't make overlay mount on " + target;
  if (std::holds_alternative<sandbox::ShowData>(step.layout))
    return "Can't bind mount data on " + target;
  return "Can't mount tmpfs on " + target;
}

std::string FlagsText(const ChosenStep& step) {
  const std::string target = New(Target(step));
  if (std::holds_alternative<sandbox::MakeReadOnly>(step.layout))
    return "Can't remount readonly on " + target;
  return MountText(step) + ": Unable to apply mount flags";
}

std::string StepText(const ChosenStep& step, Part part) {
  const std::string& target = Target(step);
  switch (part) {
    case Part::kParents:
      return "Can't mkdir parents for " + target;
    case Part::kTargetDirectory:
      return "Can't mkdir " + target;
    case Part::kTargetFile:
      return "Can't create file at " + target;
    case Part::kChanged:
      return "Race condition binding dirfd";
    case Part::kSource:
    case Part::kMount:
      return MountText(step);
    case Part::kFlags:
      return FlagsText(step);
    case Part::kData:
      return "Can't write data to file " + target;
    case Part::kSymlink:
      return "Can't make symlink at " + target;
    case Part::kNoSymlink:
      return fmt::format("Can't make symlink at {}: destination exists and is not a symlink",
                         target);
    case Part::kOtherSymlink:
      return fmt::format("Can't make symlink at {}: existing destination is another one", target);
    case Part::kCoverProc:
      return "Can't cover parts of " + New(target);
    case Part::kDevice:
      return "Can't create devices in " + target;
    case Part::kMode:
      return "Can't chmod " + target;
    default:
      return {};
  }
}

std::string NamespacesText(const ChosenPlan& plan, int number) {
  if (plan.HasUserNamespace() && (number == EPERM || number == EACCES))
    return "No permissions to create a new namespace (`bailey doctor` says what this host allows)";
  if (number == ENOSPC)
    return "Creating new namespace failed: a bound in /proc/sys/user, or of nesting, is reached";
  return "Creating new namespace failed";
}

std::string PartText(const ChosenPlan& plan, const ChosenFailure& failure) {
  switch (failure.part) {
    case Part::kJoinUserNamespace:
      return "Joining specified user namespace failed";
    case Part::kJoinPidNamespace:
      return "Setting pidns failed";
    case Part::kMakeNamespaces:
      return NamespacesText(plan, failure.number);
    case Part::kInformation:
      return "Write to info_fd";
    case Part::kIds:
      return "setting up uid map";
    case Part::kLoopback:
      return "loopback: Failed RTM_NEWADDR";
    case Part::kHostname:
      return "Can't set hostname to " + plan.hostname.value_or("");
    case Part::kSecondUserNamespace:
      return "unshare user ns";
    case Part::kForbidUserNamespaces:
      return "sysctl user.max_user_namespaces = 1";
    case Part::kStillAllowed:
      return "user namespaces can still be made inside";
    case Part::kPropagation:
      return "Failed to make / slave";
    case Part::kRootTmpfs:
      return "Failed to mount tmpfs";
    case Part::kPivot:
      return "pivot_root";
    case Part::kReaper:
      return "Can't fork for pid 1";
    case Part::kCapabilities:
      return "capset failed";
    case Part::kReadFilter:
      return "Can't read seccomp data";
    case Part::kFilterSize:
      return "Invalid seccomp data, must be multiple of 8";
    case Part::kWorkdir:
      return "Can't chdir to " + plan.workdir.value_or("");
    case Part::kSession:
      return "setsid";
    case Part::kOpenLock:
      return "Unable to open lock file " + plan.lock_files.at(failure.index);
    case Part::kLock:
      return "Unable to lock file " + plan.lock_files.at(failure.index);
    case Part::kLandlock:
      return "Can't restrict files with Landlock";
    case Part::kLimits:
      return "Can't set a resource limit";
    case Part::kFilter:
      return "prctl(PR_SET_SECCOMP)";
    case Part::kExecute:
      return "execvp " + plan.program;
    default:
      return "Can't start the sandbox";
  }
}

}  // namespace

std::string FailureText(const ChosenPlan& plan, const ChosenFailure& failure) {
  if (failure.error) return base::ToString(*failure.error);
  const bool of_step = failure.part >= Part::kParents && failure.part <= Part::kMode;
  std::string text = of_step && failure.index < plan.root.size()
                         ? StepText(plan.root[failure.index], failure.part)
                         : PartText(plan, failure);
  const bool says_why = failure.part == Part::kNoSymlink || failure.part == Part::kOtherSymlink;
  if (failure.number != 0 && !says_why) text += fmt::format(": {}", std::strerror(failure.number));
  return text;
}

}  // namespace bailey::compat
