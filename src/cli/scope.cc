#include "cli/scope.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "cli/commands.h"
#include "cli/libexec.h"
#include "os/cgroup.h"
#include "sandbox/limits.h"

namespace bailey::cli {
namespace {

// Set for the launch that follows, whose only try this was.
constexpr char kTried[] = "BAILEY_SCOPE";

bool WasTried() {
  const bool tried = std::getenv(kTried) != nullptr;
  (void)::unsetenv(kTried);
  return tried;
}

bool LacksGroup(const policy::Limits& limits, const std::vector<std::string>& without) {
  std::set<sandbox::Layer> given_up;
  for (const std::string& name : without)
    if (const auto layer = sandbox::FindLayer(name)) given_up.insert(*layer);
  const auto places = os::OwnCgroups();
  if (!places) return false;  // the plan says why
  // Whether there is a block device is another question.
  const auto plan = sandbox::PlanLimits(limits, *places, given_up, {"0:0"});
  const bool limits_memory = limits.memory && !given_up.contains(sandbox::Layer::kMemoryLimit);
  return !plan ||
         (limits_memory && std::ranges::none_of(plan->groups, &sandbox::Group::has_memory));
}

}  // namespace

bool CanAskForScope() {
  if (::geteuid() == 0) return false;
  if (std::getenv("DBUS_SESSION_BUS_ADDRESS") != nullptr) return true;
  const char* const directory = std::getenv("XDG_RUNTIME_DIR");
  return directory != nullptr && ::access((std::string(directory) + "/bus").c_str(), F_OK) == 0;
}

void MoveToScope(const policy::Limits& limits, const std::vector<std::string>& without,
                 char** argv) {
  if (WasTried() || !CanAskForScope()) return;
  if (!limits.memory && !limits.cpu_thousandths && !limits.io) return;
  if (!LacksGroup(limits, without) || !FindLibexec("scope")) return;
  (void)BecomeFor("scope", "run", argv, kNoSandbox);
}

}  // namespace bailey::cli
