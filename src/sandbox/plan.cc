#include "sandbox/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>

#include "abi/capabilities.h"
#include "base/text.h"
#include "network/families.h"
#include "os/file.h"
#include "os/inet.h"
#include "os/landlock.h"
#include "os/process.h"
#include "os/terminal.h"
#include "sandbox/access.h"
#include "sandbox/host_path.h"
#include "sandbox/without_namespaces.h"

namespace bailey::sandbox {
namespace {

// Who the program is on the host when root starts it: an id that owns nothing. Root's own id
// would, without a single capability, still pass the owner checks of /proc/sys and of root's files.
constexpr std::uint32_t kUnprivilegedId = 65533;

constexpr std::uint64_t Bit(int capability) { return 1ull << capability; }
// CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN: to map ids, to drop groups, to id-map mounts.
constexpr std::uint64_t kPrivilege = Bit(6) | Bit(7) | Bit(21);

constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

struct NamedNamespace {
  os::Namespace flag;
  std::string_view name;
};
constexpr std::array<NamedNamespace, 7> kNamespaces = {{{os::kUserNamespace, "user"},
                                                        {os::kMountNamespace, "mount"},
                                                        {os::kPidNamespace, "pid"},
                                                        {os::kIpcNamespace, "ipc"},
                                                        {os::kUtsNamespace, "uts"},
                                                        {os::kCgroupNamespace, "cgroup"},
                                                        {os::kNetworkNamespace, "network"}}};

Identity PlanIdentity(const policy::Process& process, const os::Caller& caller) {
  Identity identity;
  identity.inside_uid = process.uid;
  identity.inside_gid = process.gid;
  identity.privileged = caller.euid == 0 && caller.owns_host &&
                        (caller.effective_capabilities & kPrivilege) == kPrivilege;
  identity.outside_uid = identity.privileged ? kUnprivilegedId : caller.euid;
  identity.outside_gid = identity.privileged ? kUnprivilegedId : caller.egid;
  if (!identity.privileged) identity.kept_groups.assign(caller.groups.begin(), caller.groups.end());
  std::erase(identity.kept_groups, caller.egid);
  return identity;
}

bool IsPassed(std::string_view name, const std::vector<std::string>& patterns) {
  return std::ranges::any_of(patterns, [name](std::string_view pattern) {
    if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
    return name == pattern;
  });
}

// A connected socket can be disconnected from inside and aimed at whatever its network namespace
// reaches, which is the caller's; a netlink socket asks the caller's kernel tables.
base::Status PlanStandardSockets(Plan& plan) {
  for (int fd = 0; fd <= 2; ++fd) {
    const auto kind = os::KindOfSocket(fd);
    if (!kind) return base::SystemError("look at standard descriptors", kind.error().value);
    if (*kind == os::SocketKind::kOther) plan.sockets.push_back(fd);
  }
  if (!plan.sockets.empty()) {
    plan.notes.push_back(
        fmt::format("standard descriptors that are sockets of a network, passed on "
                    "through pipes: {}",
                    fmt::join(plan.sockets, " ")));
  }
  return {};
}

// Whether a directory of the host can be entered inside under the same name: the innermost mount
// around it must be a bind, as a tmpfs starts empty but for what the plan makes in it.
bool IsShown(const RootPlan& root, const std::string& path) {
  const Step* innermost = nullptr;
  for (const Step& step : root.steps) {
    if (std::holds_alternative<MakeDirectory>(step) && Target(step) == path) return true;
    const bool mount =
        std::holds_alternative<BindMount>(step) || std::holds_alternative<TmpfsMount>(step);
    if (mount && IsWithin(path, Target(step)) &&
        (!innermost || Target(step).size() >= Target(*innermost).size()))
      innermost = &step;
  }
  const auto* bind = innermost ? std::get_if<BindMount>(innermost) : nullptr;
  return bind && bind->directory;
}

base::Result<std::string> PlanWorkdir(const std::string& wanted, const RootPlan& root,
                                      const std::string& current) {
  if (!wanted.empty()) return wanted;
  const auto resolved = HostPaths().Resolve(current);
  if (resolved && IsShown(root, resolved->real)) return resolved->real;
  return std::string("/");
}

base::Result<LandlockPlan> PlanFileAccess(const RootPlan& root, const std::set<Layer>& without,
                                          std::vector<std::string>& notes) {
  if (without.contains(Layer::kLandlock)) {
    notes.push_back("landlock: given up by name");
    return LandlockPlan{};
  }
  const auto abi = os::LandlockAbi();
  if (!abi) {
    base::Error error = base::SystemError("use Landlock", abi.error().value);
    error.text += " (this kernel does not offer it; `--without landlock` gives it up by name)";
    return error;
  }
  return PlanLandlock(root, *abi);
}

// The block devices of what is shown. What lies on none (tmpfs, the network) or on several has
// none.
os::SysResult<std::set<std::string>> ShownDevices(const RootPlan& root) {
  std::set<std::uint64_t> numbers;
  for (const Step& step : root.steps)
    if (const auto* bind = std::get_if<BindMount>(&step); bind && !bind->device)
      numbers.insert(bind->st_dev);
  std::set<std::string> devices;
  for (const std::uint64_t number : numbers) {
    auto device = os::BlockDevice(number);
    if (!device) return std::unexpected(device.error());
    if (!device->empty()) devices.insert(*std::move(device));
  }
  return devices;
}

// Control groups are looked for only where something needs them.
base::Status PlanAllLimits(const policy::Limits& limits, const std::set<Layer>& without,
                           Plan& plan) {
  std::vector<os::CgroupPlace> places;
  std::set<std::string> devices;
  if (limits.io) {
    auto shown = ShownDevices(plan.root);
    if (!shown) return base::SystemError("find block devices", shown.error().value);
    devices = *std::move(shown);
  }
  if (limits.memory || limits.cpu_thousandths || limits.io) {
    auto own = os::OwnCgroups();
    if (!own) return base::SystemError("find control groups", own.error().value);
    places = *std::move(own);
  }
  auto planned = PlanLimits(limits, places, without, devices);
  if (!planned) return planned.error();
  plan.limits = *std::move(planned);
  plan.notes.insert(plan.notes.end(), plan.limits.notes.begin(), plan.limits.notes.end());
  plan.output = limits.output;
  plan.wall = limits.wall;
  return {};
}

base::Status PlanRouted(const policy::Network& policy, const PlanOptions& options, Plan& plan) {
  if (const auto kept = network::CheckNat(policy); !kept) return kept;
  std::string_view path = kDefaultPath;
  for (const std::string_view entry : options.environment)
    if (entry.starts_with("PATH=")) path = entry.substr(std::string_view("PATH=").size());
  const auto nat = network::FindNat(path);
  if (!nat) return nat.error();
  plan.network = network::MakeNatPlan(policy, *nat);
  return {};
}

base::Status PlanNetwork(const policy::Network& policy, const PlanOptions& options, Plan& plan) {
  using Mode = policy::NetworkMode;
  if (policy.mode != Mode::kAllow && !policy.listen.empty())
    return base::Unsupported("make the network: listen needs mode = \"allow\"");
  if (policy.mode != Mode::kAllow && policy.mode != Mode::kNat) return {};
  if (options.without.contains(Layer::kNamespaces))
    return base::Unsupported(fmt::format("make the network: mode \"{}\" needs namespaces",
                                         policy.mode == Mode::kNat ? "nat" : "allow"));
  if (policy.mode == Mode::kNat) return PlanRouted(policy, options, plan);
  const auto socket6 = os::UnconnectedSocket(os::Transport::kUdp, true);
  const bool ipv6 = socket6 || socket6.error().value != EAFNOSUPPORT;
  if (!ipv6) plan.notes.push_back("network: IPv4 alone, as this host has no IPv6");
  plan.network = ipv6 ? network::MakePlan(policy) : network::MakePlanOfIpv4(policy);
  plan.resolver = options.resolver;
  return {};
}

// What a program that insists on a proxy reads; what the policy says itself stays.
policy::Environment WithProxyVariables(const policy::Policy& policy) {
  policy::Environment environment = policy.environment;
  if (policy.network.mode != policy::NetworkMode::kAllow || !policy.network.proxy_variables)
    return environment;
  for (const auto& [name, value] : network::ProxyVariables()) environment.set.emplace(name, value);
  return environment;
}

base::Status GiveDescriptors(const PlanOptions& options, Plan& plan) {
  plan.descriptors = options.descriptors;
  const bool rises =
      std::ranges::adjacent_find(plan.descriptors, std::greater_equal()) == plan.descriptors.end();
  if (!rises || plan.descriptors.size() > kMostDescriptors ||
      (!plan.descriptors.empty() && plan.descriptors[0] <= 2))
    return base::Internal("give descriptors: they are too many, or in no rising order above 2");
  for (const int fd : options.reopened) {
    if (const std::uint64_t rights = os::landlock::kReadFile & plan.landlock.handled)
      plan.landlock.rules.push_back({fmt::format("fd:{}", fd), fd, rights});
  }
  return {};
}

std::string Octets(std::uint64_t rights) { return fmt::format("{:#x}", rights); }

}  // namespace

bool HasNamespaces(const Plan& plan) { return plan.namespaces != 0; }

std::vector<std::string> PlanEnvironment(const policy::Environment& policy,
                                         const std::vector<std::string>& caller) {
  std::map<std::string, std::string> variables = {{"PATH", std::string(kDefaultPath)}};
  for (const std::string& entry : caller) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) continue;
    const std::string name = entry.substr(0, equals);
    if (IsPassed(name, policy.pass)) variables[name] = entry.substr(equals + 1);
  }
  for (const auto& [name, value] : policy.set) variables[name] = value;
  std::vector<std::string> environment;
  for (const auto& [name, value] : variables) environment.push_back(name + "=" + value);
  return environment;
}

std::vector<std::string> PlanExecutables(const std::string& name,
                                         const std::vector<std::string>& environment) {
  if (name.find('/') != std::string::npos) return {name};
  std::string_view path = kDefaultPath;
  for (const std::string& entry : environment)
    if (entry.starts_with("PATH=")) path = std::string_view(entry).substr(5);
  std::vector<std::string> executables;
  for (const std::string_view directory : base::Split(path, ':'))
    executables.push_back(directory.empty() ? name : Join(directory, name));
  return executables;
}

base::Status CheckStandardDescriptors(std::span<const int, 3> descriptors) {
  constexpr std::array<std::string_view, 3> kNames = {"standard input", "standard output",
                                                      "standard error"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const auto found = os::StatFd(descriptors[i]);
    const std::string_view name = kNames[i];
    if (!found) return base::SystemError(fmt::format("pass on {}", name), found.error().value);
    if (!S_ISDIR(found->st_mode)) continue;
    return base::InvalidInput(fmt::format(
        "pass on {}: it is a directory, from which the program could climb out of its root", name));
  }
  return {};
}

base::Result<Plan> BuildPlan(const policy::Policy& policy, const os::Caller& caller,
                             const PlanOptions& options) {
  if (caller.secure_execution || caller.uid != caller.euid || caller.gid != caller.egid) {
    return base::Unsupported(
        "start sandbox: bailey is installed setuid, setgid or with file capabilities, and refuses "
        "to run so: its caller would choose what a privileged process does");
  }
  if (const auto checked = CheckStandardDescriptors(std::array{0, 1, 2}); !checked)
    return checked.error();
  Plan plan;
  plan.argv = options.argv;
  plan.identity = PlanIdentity(policy.process, caller);
  plan.environment = PlanEnvironment(WithProxyVariables(policy), options.environment);
  plan.executables = PlanExecutables(options.argv.at(0), plan.environment);
  for (const NamedNamespace& entry : kNamespaces) plan.namespaces |= entry.flag;
  if (policy.network.mode == policy::NetworkMode::kHost)
    plan.namespaces &= ~static_cast<std::uint32_t>(os::kNetworkNamespace);
  plan.kept = options.kept;
  // First, as its resolver is a file of the root.
  if (const auto planned = PlanNetwork(policy.network, options, plan); !planned)
    return planned.error();
  const std::string resolver = plan.network ? network::ResolverFile(plan.network->nat) : "";
  auto root = PlanRoot(policy.filesystem, {plan.identity.privileged, policy.limits.tmpfs_size,
                                           options.kept, resolver});
  if (!root) return root.error();
  plan.root = std::move(*root);
  if (options.without.contains(Layer::kNamespaces)) {
    if (const auto given_up = GiveUpNamespaces(policy, options.without, plan); !given_up)
      return given_up.error();
  }
  plan.notes.insert(plan.notes.begin(), plan.root.notes.begin(), plan.root.notes.end());
  for (const policy::Guarantee& promise : policy.given_up)
    plan.notes.push_back(fmt::format("promise given up: {}", promise.name));
  auto workdir = PlanWorkdir(policy.process.workdir, plan.root, options.current_directory);
  if (!workdir) return workdir.error();
  plan.workdir = std::move(*workdir);
  auto landlock = PlanFileAccess(plan.root, options.without, plan.notes);
  if (!landlock) return landlock.error();
  plan.landlock = std::move(*landlock);
  if (plan.network) plan.network->landlock = plan.landlock.abi > 0;
  if (plan.network) plan.network->tells_allowed = policy.audit.log == policy::AuditLog::kAll;
  if (const auto planned = PlanAllLimits(policy.limits, options.without, plan); !planned)
    return planned.error();
  if (!HasNamespaces(plan)) DropCountedLimits(plan);
  for (const std::string& name : policy.process.capabilities) {
    const int number = abi::CapabilityNumber(name);
    if (number < 0) return base::InvalidInput(fmt::format("keep capability {}: unknown", name));
    plan.capabilities |= Bit(number);
    plan.capability_names.push_back(name);
  }
  if (const auto given = GiveDescriptors(options, plan); !given) return given.error();
  plan.new_session = policy.process.new_session;
  // Without a session of its own a program shares the caller's terminal: that is what it asks for.
  const auto terminal = os::IsTerminal(0);
  if (!terminal) return base::SystemError("look at standard input", terminal.error().value);
  plan.terminal = plan.new_session && *terminal;
  if (const auto planned = PlanStandardSockets(plan); !planned) return planned.error();
  if (!plan.identity.kept_groups.empty()) {
    plan.notes.push_back(fmt::format("supplementary groups kept, as only root can drop them: {}",
                                     fmt::join(plan.identity.kept_groups, " ")));
  }
  return plan;
}

std::string ToString(const Plan& plan) {
  std::string text;
  const auto line = [&text](std::string_view key, const std::string& value) {
    text += fmt::format("{:<12} {}\n", key, value);
  };
  std::string words;
  for (const std::string& word : plan.argv)
    words += (words.empty() ? "" : " ") + base::ShellQuote(word);
  line("program", words);
  line("workdir", plan.workdir);
  line("user",
       fmt::format("{}:{} inside, {}:{} on the host", plan.identity.inside_uid,
                   plan.identity.inside_gid, plan.identity.outside_uid, plan.identity.outside_gid));
  std::vector<std::string_view> namespaces;
  for (const NamedNamespace& entry : kNamespaces)
    if (plan.namespaces & entry.flag) namespaces.push_back(entry.name);
  line("namespaces", namespaces.empty() ? "none"
                                        : fmt::format("{}; the program in a user namespace below",
                                                      fmt::join(namespaces, " ")));
  line("capabilities", plan.capability_names.empty()
                           ? "none"
                           : fmt::format("{}", fmt::join(plan.capability_names, " ")));
  for (const Limit& limit : plan.limits.resources)
    line("limit", fmt::format("{} {}", limit.name, limit.value));
  for (const Group& group : plan.limits.groups)
    for (const Knob& knob : group.knobs)
      line("limit", fmt::format("{} {} in a group below {}", knob.file, knob.value, group.parent));
  if (plan.output) line("limit", fmt::format("output {}", *plan.output));
  if (plan.wall) line("limit", fmt::format("wall {}ms", plan.wall->count()));
  if (plan.terminal) line("terminal", "of its own");
  for (const int fd : plan.descriptors) line("descriptor", std::to_string(fd));
  for (const std::string& entry : plan.environment) line("environment", base::Escape(entry));
  for (const Step& step : plan.root.steps) line("root", ToString(step));
  for (const Stub& stub : plan.root.stubs)
    line("held", fmt::format("{} {}", stub.directory ? "directory" : "file", stub.path));
  if (plan.landlock.abi == 0) line("landlock", "not applied");
  if (plan.landlock.abi > 0) line("landlock", fmt::format("version {}", plan.landlock.abi));
  for (const PathRule& rule : plan.landlock.rules)
    line("landlock", fmt::format("{} {}", Octets(rule.rights), rule.path));
  const std::string network = plan.network ? network::ToString(*plan.network) : "";
  for (const std::string_view rule : base::Split(network, '\n'))
    if (!rule.empty()) line("network", std::string(rule));
  for (const std::string& note : plan.notes) line("note", note);
  return text;
}

}  // namespace bailey::sandbox
