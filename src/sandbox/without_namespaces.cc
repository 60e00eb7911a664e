#include "sandbox/without_namespaces.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>

#include <algorithm>

#include "base/text.h"
#include "os/landlock.h"

namespace bailey::sandbox {
namespace {

// Of Landlock, for signals and abstract unix sockets, and for truncation.
constexpr int kScopesAbi = 6, kTruncateAbi = 3;

base::Error CannotKeep(const std::string& what) {
  return base::Unsupported(what + ": it needs a mount namespace, which was given up by name");
}

// Keeps the steps that grant something where it is on the host.
base::Status KeepGrants(Plan& plan) {
  std::vector<Step> kept;
  std::vector<std::string> private_places;
  for (Step& step : plan.root.steps) {
    if (const auto* mask = std::get_if<Mask>(&step))
      return CannotKeep(fmt::format("hide {}", base::Escape(mask->target)));
    if (const auto* tmpfs = std::get_if<TmpfsMount>(&step)) {
      if (!tmpfs->seal) private_places.push_back(tmpfs->target);
    }
    if (std::holds_alternative<ProcMount>(step)) kept.push_back(step);
    auto* const bind = std::get_if<BindMount>(&step);
    if (!bind) continue;
    if (bind->source != bind->target) {
      return CannotKeep(
          fmt::format("show {} at {}", base::Escape(bind->source), base::Escape(bind->target)));
    }
    bind->map_owner = false;
    kept.push_back(step);
  }
  plan.root.steps = std::move(kept);
  plan.root.stubs.clear();
  if (!private_places.empty()) {
    plan.notes.push_back(fmt::format("without namespaces: no private {}; the host's is closed",
                                     fmt::join(private_places, ", ")));
  }
  return {};
}

}  // namespace

base::Status GiveUpNamespaces(const policy::Policy& policy, const std::set<Layer>& without,
                              Plan& plan) {
  if (without.contains(Layer::kLandlock)) {
    return base::InvalidInput(
        "give up layer \"namespaces\": without Landlock nothing would keep files");
  }
  if (!policy.process.capabilities.empty()) {
    return base::Unsupported(
        "keep capabilities: they would hold for the host itself, as namespaces were given up by "
        "name");
  }
  if (!plan.kept.empty()) return CannotKeep("keep changes aside");
  plan.namespaces = 0;
  plan.hostname.clear();
  plan.identity.inside_uid = plan.identity.outside_uid;
  plan.identity.inside_gid = plan.identity.outside_gid;
  if (const auto kept = KeepGrants(plan); !kept) return kept;
  const auto lost = [&plan](std::string_view text) {
    plan.notes.push_back(fmt::format("without namespaces: {}", text));
  };
  lost(
      "names, modes and sizes of all files can be seen, and the modes, owners, times and "
      "attributes "
      "of files that the program's id owns be changed, wherever they are");
  lost(
      "the host's processes can be seen, and its /proc, its name, its System V and POSIX queues "
      "are "
      "the program's, where the filter lets it");
  lost("what the program leaves running is killed with it, but not when bailey itself is killed");
  if (plan.identity.privileged)
    lost("granted files are not mapped to the program's id, which owns nothing");
  if (policy.network.mode == policy::NetworkMode::kNone)
    lost("the network is closed by the filter alone, which makes no socket but unix ones");
  if (!policy.filesystem.sockets.empty())
    lost("every unix socket of the host can be connected to that its mode leaves open");
  const auto abi = os::LandlockAbi();
  if (abi && *abi < kScopesAbi)
    lost(
        "processes of the same id can be sent signals, and abstract unix sockets connected to: "
        "this kernel's Landlock cannot refuse that");
  if (abi && *abi < kTruncateAbi)
    lost(
        "files that the program's id may write can be truncated, wherever they are: this kernel's "
        "Landlock cannot refuse that");
  return {};
}

void DropCountedLimits(Plan& plan) {
  const auto counted = std::erase_if(
      plan.limits.resources, [](const Limit& limit) { return limit.resource == RLIMIT_NPROC; });
  const bool in_group = std::ranges::any_of(plan.limits.groups, [](const Group& group) {
    return std::ranges::count(group.knobs, "pids.max", &Knob::file) > 0;
  });
  if (counted > 0 && !in_group)
    plan.notes.emplace_back("without namespaces: the number of processes is not limited");
}

}  // namespace bailey::sandbox
