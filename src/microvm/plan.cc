#include "microvm/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "microvm/guest_network.h"
#include "network/families.h"
#include "os/landlock.h"
#include "policy/load.h"
#include "sandbox/access.h"
#include "sandbox/host_path.h"

namespace bailey::microvm {
namespace {

constexpr std::uint64_t kMebibyte = 1 << 20;
// What the guest's kernel and first process take beside the program, and files in memory.
constexpr std::uint64_t kGuestOverheadMib = 192;
constexpr std::uint64_t kMemoryMib = 1024;
// A virtio-mmio machine of QEMU has 24 places, of which the line, the root and changes take three.
constexpr std::size_t kMostCarried = 20;

const char* const kDevices[] = {"/dev/null",   "/dev/zero",    "/dev/full",
                                "/dev/random", "/dev/urandom", "/dev/tty"};

bool IsShownBy(const sandbox::RootPlan& system, const sandbox::BindMount& bind) {
  return !bind.write && std::ranges::any_of(system.steps, [&](const sandbox::Step& step) {
    const auto* other = std::get_if<sandbox::BindMount>(&step);
    return other && other->target == bind.target && other->source == bind.source;
  });
}

base::Status CheckPolicy(const policy::Policy& policy) {
  if (policy.network.mode != policy::NetworkMode::kNone &&
      policy.network.mode != policy::NetworkMode::kAllow)
    return base::Unsupported("give the network: a machine has none but by network mode \"allow\"");
  if (!policy.process.capabilities.empty())
    return base::Unsupported(fmt::format("keep capability {}: a program in a machine has none",
                                         policy.process.capabilities[0]));
  if (policy.limits.io)
    return base::Unsupported("limit io: a machine has no block device of the host");
  if (policy.limits.cpu_thousandths && *policy.limits.cpu_thousandths < 1000)
    return base::Unsupported("limit cpu: a machine has one processor, and no smaller part of it");
  return {};
}

class Planner {
 public:
  Planner(const sandbox::Plan& sandbox, const sandbox::RootPlan& system)
      : sandbox_(sandbox), system_(system) {}

  base::Status operator()(const sandbox::BindMount& bind) {
    if (bind.device) {
      if (std::ranges::count(kDevices, bind.target) > 0) return {};
      return base::Unsupported(
          fmt::format("show {}: a machine has no device of the host", base::Escape(bind.target)));
    }
    if (bind.socket)
      return base::Unsupported(fmt::format("show {}: a machine reaches no socket of the host",
                                           base::Escape(bind.target)));
    if (IsShownBy(system_, bind)) return {};
    if (bind.write && !bind.directory)
      return base::Unsupported(fmt::format("write {}: only directories come back from a machine",
                                           base::Escape(bind.target)));
    if (plan.carried.size() == kMostCarried)
      return base::Unsupported(fmt::format("show {}: a machine has drives for {} paths",
                                           base::Escape(bind.target), kMostCarried));
    CarriedPath path{bind.source, bind.target, bind.write, bind.directory};
    path.mount = plan.command.mounts.size();
    path.kept = bind.kept;
    path.owner = bind.owner;
    path.group = bind.group;
    plan.command.mounts.push_back(
        {bind.write ? guest::Mount::Kind::kChange : guest::Mount::Kind::kShow, 0,
         fmt::format("carried-{}", path.mount), bind.target,
         bind.directory ? "" : bind.source.substr(bind.source.rfind('/') + 1)});
    plan.carried.push_back(std::move(path));
    return {};
  }
  base::Status operator()(const sandbox::TmpfsMount& tmpfs) {
    // What is sealed is the sandbox's own: the root and /dev.
    if (!tmpfs.seal)
      plan.command.mounts.push_back(
          {guest::Mount::Kind::kMemory, tmpfs.size, "", tmpfs.target, ""});
    return {};
  }
  base::Status operator()(const sandbox::Mask& mask) {
    plan.hidden.push_back(mask.target);
    for (CarriedPath& path : plan.carried) {
      if (mask.target == path.target || !sandbox::IsWithin(mask.target, path.target)) continue;
      path.excluded.push_back(path.source + mask.target.substr(path.target.size()));
    }
    return {};
  }
  base::Status operator()(const sandbox::OverlayMount& overlay) {
    return base::Unsupported(
        fmt::format("mount {}: a machine has no overlay of the host", overlay.target));
  }
  template <class Other>
  base::Status operator()(const Other&) {
    return {};
  }

  MachinePlan plan;

 private:
  const sandbox::Plan& sandbox_;
  const sandbox::RootPlan& system_;
};

}  // namespace

policy::Policy WithoutGuestLimits(policy::Policy policy) {
  policy.limits.memory.reset();
  policy.limits.cpu_thousandths.reset();
  policy.limits.io.reset();
  return policy;
}

base::Result<sandbox::RootPlan> SystemRoot(const sandbox::Plan& plan) {
  policy::Context context;
  context.current_directory = "/";
  const auto system = policy::Load("os", context);
  if (!system) return system.error();
  return sandbox::PlanRoot(system->filesystem,
                           {plan.identity.privileged, system->limits.tmpfs_size});
}

base::Result<MachinePlan> PlanMachine(const policy::Policy& policy, const sandbox::Plan& sandbox,
                                      const sandbox::RootPlan& system) {
  if (const auto checked = CheckPolicy(policy); !checked) return checked.error();
  if (!sandbox::HasNamespaces(sandbox))
    return base::InvalidInput(
        "give up layer \"namespaces\": a machine is one wall, and not made of them");
  Planner planner(sandbox, system);
  planner.plan.command.mounts.push_back({guest::Mount::Kind::kRoot, 0, "root", "/", ""});
  for (const sandbox::Step& step : sandbox.root.steps)
    if (const auto planned = std::visit(planner, step); !planned) return planned.error();
  MachinePlan plan = std::move(planner.plan);
  GuestCommand& command = plan.command;
  command.argv = sandbox.argv;
  command.environment = sandbox.environment;
  command.uid = sandbox.identity.inside_uid;
  command.gid = sandbox.identity.inside_gid;
  command.workdir = sandbox.workdir;
  command.hostname = sandbox.hostname;
  for (const sandbox::Limit& limit : sandbox.limits.resources)
    command.limits.push_back({static_cast<std::uint32_t>(limit.resource), limit.value});
  command.processes = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(policy.limits.processes.value_or(0), 1u << 22));
  command.memory = policy.limits.memory.value_or(0);
  plan.memory_mib = policy.limits.memory
                        ? (*policy.limits.memory + kMebibyte - 1) / kMebibyte + kGuestOverheadMib
                        : kMemoryMib;
  plan.bounds.wall = policy.limits.wall;
  plan.bounds.output = policy.limits.output;
  if (sandbox.network) {
    network::Plan network = PlanGuestNetwork(policy.network, network::HasIpv6(*sandbox.network));
    network.landlock = sandbox.network->landlock;
    command.network = ForGuest(network);
    plan.network = std::move(network);
    plan.resolver = sandbox.resolver;
  }
  for (const policy::Guarantee& promise : policy.given_up)
    plan.notes.push_back(fmt::format("promise given up: {}", promise.name));
  return plan;
}

void GrantAccess(const sandbox::RootPlan& root, int abi, MachinePlan& plan) {
  const sandbox::LandlockPlan access = sandbox::PlanLandlock(root, abi);
  plan.command.landlock = access.handled;
  // The image's own files, and below them everything that is mounted only to be read.
  plan.command.grants.push_back({"/", os::landlock::kReadRights & access.handled});
  for (const sandbox::PathRule& rule : access.rules) {
    const bool writes = (rule.rights & ~os::landlock::kReadRights) != 0;
    if (rule.standard_fd < 0 && writes) plan.command.grants.push_back({rule.path, rule.rights});
  }
}

std::string ToString(const MachinePlan& plan) {
  std::string text;
  const auto line = [&text](std::string_view key, const std::string& value) {
    text += fmt::format("{:<12} {}\n", key, value);
  };
  std::string words;
  for (const std::string& word : plan.command.argv)
    words += (words.empty() ? "" : " ") + base::ShellQuote(word);
  line("program", words);
  line("workdir", plan.command.workdir);
  line("user", fmt::format("{}:{} inside", plan.command.uid, plan.command.gid));
  line("machine", fmt::format("1 processor, {} MiB", plan.memory_mib));
  for (const std::string& entry : plan.command.environment)
    line("environment", base::Escape(entry));
  for (const CarriedPath& path : plan.carried) {
    line("carry",
         fmt::format("{}{}{}", path.source, path.source == path.target ? "" : " to " + path.target,
                     path.write ? ", and changes back" : ""));
    for (const std::string& hidden : path.excluded) line("leave out", hidden);
  }
  for (const GuestMount& mount : plan.command.mounts)
    if (mount.kind == guest::Mount::Kind::kMemory)
      line("memory", fmt::format("{} size={}", mount.path, mount.size));
  if (plan.command.memory > 0) line("limit", fmt::format("memory {}", plan.command.memory));
  if (plan.command.processes > 0) line("limit", fmt::format("pids {}", plan.command.processes));
  if (plan.bounds.output) line("limit", fmt::format("output {}", *plan.bounds.output));
  if (plan.bounds.wall) line("limit", fmt::format("wall {}ms", plan.bounds.wall->count()));
  if (plan.network) {
    line("network", fmt::format("interface {}, which ends in a TAP of a namespace of its own",
                                base::ToString(kGuestAddress)));
    for (const std::uint16_t port : plan.network->policy.listen)
      line("network", fmt::format("127.0.0.1:{0} of the host leads to {1}:{0}", port,
                                  base::ToString(kGuestAddress)));
    for (const std::string& rules :
         {network::ToString(*plan.network),
          os::nft::ToString(IngressTable(network::HasIpv6(*plan.network)))})
      for (const std::string_view rule : base::Split(base::Trim(rules), '\n'))
        line("network", std::string(rule));
  }
  for (const std::string& note : plan.notes) line("note", note);
  return text;
}

}  // namespace bailey::microvm
