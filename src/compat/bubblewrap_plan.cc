#include "compat/bubblewrap_plan.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "abi/capabilities.h"
#include "base/text.h"
#include "os/file.h"
#include "sandbox/host_path.h"

namespace bailey::compat {
namespace {

using sandbox::ChosenPlan;
using sandbox::ChosenStep;

// Every capability that a kernel may have; it takes those that it knows.
constexpr std::uint64_t kAllCapabilities = (1ull << 41) - 1;
constexpr std::size_t kMostData = 64u << 20;

// Of those that are given several times, only the last one has an effect.
constexpr Option kLastOnes[] = {
    Option::kChdir,        Option::kExecLabel,     Option::kFileLabel, Option::kSyncFd,
    Option::kBlockFd,      Option::kUsernsBlockFd, Option::kInfoFd,    Option::kSeccomp,
    Option::kJsonStatusFd, Option::kUserns,        Option::kUserns2,   Option::kPidns,
    Option::kUid,          Option::kGid,           Option::kHostname,  Option::kBaileyPolicy};

std::uint64_t Number(const std::string& text, int base) { return std::stoull(text, nullptr, base); }

// Where a path leads inside, with one slash between names.
std::string Inside(std::string_view path) {
  std::string inside;
  for (const std::string_view name : base::Split(path, '/')) {
    if (name.empty() || name == ".") continue;
    inside += '/';
    inside += name;
  }
  return inside.empty() ? "/" : inside;
}

class Planner {
 public:
  Planner(const BubblewrapLine& line, const BubblewrapCaller& caller)
      : line_(line), caller_(caller) {}

  base::Result<BubblewrapPlan> Plan() {
    for (const auto step :
         {&Planner::CheckCaller, &Planner::CheckLabels, &Planner::ReadSingles,
          &Planner::PlanNamespaces, &Planner::PlanIdentity, &Planner::PlanEnvironment,
          &Planner::PlanCapabilities, &Planner::PlanRoot, &Planner::CheckDescriptors,
          &Planner::ReadFilters}) {
      if (auto done = (this->*step)(); !done) return done.error();
    }
    plan_.program = line_.command.at(0);
    plan_.argv = line_.command;
    if (const auto* argv0 = Last(Option::kArgv0)) plan_.argv[0] = argv0->values[0];
    PlanWorkdir();
    return std::move(result_);
  }

 private:
  bool Has(Option option) const { return Last(option) != nullptr; }
  const Operation* Last(Option option) const;
  int Descriptor(Option option) const;

  base::Status CheckCaller();
  base::Status CheckLabels();
  base::Status ReadSingles();
  base::Status PlanNamespaces();
  base::Status PlanIdentity();
  base::Status PlanEnvironment();
  base::Status PlanCapabilities();
  base::Status PlanRoot();
  base::Status CheckDescriptors();
  base::Status ReadFilters();
  void PlanWorkdir();

  base::Status AddStep(const Operation& operation);
  base::Status AddBind(const Operation& operation);
  base::Status AddDescriptorBind(const Operation& operation);
  base::Status AddOverlay(const Operation& operation);
  base::Result<std::string> Source(const std::string& path);
  int Data(const Operation& operation);
  void Add(sandbox::Layout layout, unsigned mode = 0);
  unsigned Mode(unsigned otherwise) const {
    return perms_ ? static_cast<unsigned>(Number(*perms_, 8)) : otherwise;
  }
  std::optional<std::string> Variable(std::string_view name) const;

  const BubblewrapLine& line_;
  const BubblewrapCaller& caller_;
  BubblewrapPlan result_;
  ChosenPlan& plan_ = result_.plan;
  sandbox::HostPaths paths_;
  std::optional<std::string> perms_, size_;  // for the next step
  std::vector<std::string> layers_;          // of the next overlay, the topmost last
};

const Operation* Planner::Last(Option option) const {
  const auto found = std::find_if(line_.operations.rbegin(), line_.operations.rend(),
                                  [option](const Operation& one) { return one.option == option; });
  return found == line_.operations.rend() ? nullptr : &*found;
}

int Planner::Descriptor(Option option) const {
  const Operation* const found = Last(option);
  return found == nullptr ? -1 : static_cast<int>(Number(found->values[0], 10));
}

base::Status Planner::CheckCaller() {
  const os::Caller& ids = caller_.ids;
  if (ids.secure_execution || ids.uid != ids.euid || ids.gid != ids.egid) {
    return base::Unsupported(
        "bailey is installed setuid, setgid or with file capabilities, and refuses to run so: its "
        "caller would choose what a privileged process does");
  }
  if (ids.uid != 0 && caller_.permitted_capabilities != 0)
    return base::Unsupported(
        "called with capabilities by a user who is not root: bailey takes none over");
  return {};
}

base::Status Planner::CheckLabels() {
  if (!Has(Option::kExecLabel) && !Has(Option::kFileLabel)) return {};
  const auto found = os::Stat(AT_FDCWD, "/sys/fs/selinux/enforce", true);
  if (!found) return base::Unsupported("labeling not supported on this system");
  return base::Unsupported("bailey sets no SELinux labels, and will not go on without them");
}

base::Status Planner::ReadSingles() {
  for (const Option option : kLastOnes) {
    const auto count = std::ranges::count(line_.operations, option, &Operation::option);
    if (count > 1)
      result_.warnings.push_back(
          fmt::format("Only the last {} option will take effect", Name(option)));
  }
  if (std::ranges::count(line_.operations, Option::kArgv0, &Operation::option) > 1)
    return base::InvalidInput("--argv0 used multiple times");
  sandbox::ChosenDescriptors& to = plan_.descriptors;
  to.sync = Descriptor(Option::kSyncFd);
  to.block = Descriptor(Option::kBlockFd);
  to.user_block = Descriptor(Option::kUsernsBlockFd);
  to.info = Descriptor(Option::kInfoFd);
  to.status = Descriptor(Option::kJsonStatusFd);
  to.filter = Descriptor(Option::kSeccomp);
  to.user_namespace = Descriptor(Option::kUserns);
  to.second_user_namespace = Descriptor(Option::kUserns2);
  to.pid_namespace = Descriptor(Option::kPidns);
  plan_.new_session = Has(Option::kNewSession);
  plan_.die_with_parent = Has(Option::kDieWithParent);
  plan_.as_pid1 = Has(Option::kAsPid1);
  plan_.identity.forbid_user_namespaces = Has(Option::kDisableUserns);
  plan_.identity.check_forbidden = Has(Option::kAssertUsernsDisabled);
  if (const auto* found = Last(Option::kHostname)) plan_.hostname = found->values[0];
  if (const auto* found = Last(Option::kBaileyPolicy)) result_.policy = found->values[0];
  for (const Operation& operation : line_.operations)
    if (operation.option == Option::kLockFile) plan_.lock_files.push_back(operation.values[0]);
  return {};
}

bool Exists(const char* path) { return os::Stat(AT_FDCWD, path, true).has_value(); }

bool HasText(const char* path, std::string_view beginning) {
  const auto text = os::ReadFile(AT_FDCWD, path, 64);
  return text && text->starts_with(beginning);
}

bool CanTryUserNamespace() {
  return Exists("/proc/self/ns/user") &&
         !HasText("/sys/module/user_namespace/parameters/enable", "N") &&
         !HasText("/proc/sys/user/max_user_namespaces", "0\n");
}

base::Status Planner::PlanNamespaces() {
  std::uint32_t& chosen = plan_.namespaces;
  chosen = os::kMountNamespace;
  bool user_try = false, cgroup_try = false;
  for (const Operation& operation : line_.operations) {
    switch (operation.option) {
      case Option::kUnshareAll:
        chosen |= os::kIpcNamespace | os::kPidNamespace | os::kUtsNamespace | os::kNetworkNamespace;
        user_try = cgroup_try = true;
        break;
      case Option::kShareNet:
        chosen &= ~static_cast<std::uint32_t>(os::kNetworkNamespace);
        break;
      case Option::kUnshareUser:
        chosen |= os::kUserNamespace;
        break;
      case Option::kUnshareUserTry:
        user_try = true;
        break;
      case Option::kUnshareIpc:
        chosen |= os::kIpcNamespace;
        break;
      case Option::kUnsharePid:
        chosen |= os::kPidNamespace;
        break;
      case Option::kUnshareNet:
        chosen |= os::kNetworkNamespace;
        break;
      case Option::kUnshareUts:
        chosen |= os::kUtsNamespace;
        break;
      case Option::kUnshareCgroup:
        chosen |= os::kCgroupNamespace;
        break;
      case Option::kUnshareCgroupTry:
        cgroup_try = true;
        break;
      default:
        break;
    }
  }
  const bool joins = plan_.descriptors.user_namespace >= 0;
  if (caller_.ids.uid != 0 && !joins) chosen |= os::kUserNamespace;
  if (user_try && !plan_.HasUserNamespace() && CanTryUserNamespace()) chosen |= os::kUserNamespace;
  if (chosen & os::kCgroupNamespace && !Exists("/proc/self/ns/cgroup"))
    return base::Unsupported("make a cgroup namespace: this kernel has none");
  if (cgroup_try && Exists("/proc/self/ns/cgroup")) chosen |= os::kCgroupNamespace;
  if (plan_.hostname && (chosen & os::kUtsNamespace) == 0)
    return base::InvalidInput("Specifying --hostname requires --unshare-uts");
  return {};
}

base::Status Planner::PlanIdentity() {
  sandbox::ChosenIdentity& identity = plan_.identity;
  identity.uid = identity.inside_uid = caller_.ids.uid;
  identity.gid = identity.inside_gid = caller_.ids.gid;
  if (const auto* found = Last(Option::kUid))
    identity.inside_uid = static_cast<std::uint32_t>(Number(found->values[0], 10));
  if (const auto* found = Last(Option::kGid))
    identity.inside_gid = static_cast<std::uint32_t>(Number(found->values[0], 10));
  const bool may_choose = plan_.HasUserNamespace() || plan_.descriptors.user_namespace >= 0;
  if (!may_choose && identity.inside_uid != identity.uid)
    return base::InvalidInput("Specifying --uid requires --unshare-user or --userns");
  if (!may_choose && identity.inside_gid != identity.gid)
    return base::InvalidInput("Specifying --gid requires --unshare-user or --userns");
  // devpts is owned by ids 0, which have to be mapped.
  identity.root_first =
      plan_.HasUserNamespace() && plan_.descriptors.user_block < 0 && Has(Option::kDev);
  return {};
}

base::Status Planner::PlanEnvironment() {
  std::vector<std::string>& environment = plan_.environment;
  environment = caller_.environment;
  const auto remove = [&environment](const std::string& name) {
    std::erase_if(environment, [&](const std::string& entry) {
      return entry.starts_with(name) && entry.size() > name.size() && entry[name.size()] == '=';
    });
  };
  for (const Operation& operation : line_.operations) {
    if (operation.option == Option::kClearenv) environment.clear();
    if (operation.option != Option::kSetenv && operation.option != Option::kUnsetenv) continue;
    const std::string& name = operation.values[0];
    const bool sets = operation.option == Option::kSetenv;
    if (name.empty() || name.find('=') != std::string::npos)
      return base::SystemError(sets ? "setenv failed" : "unsetenv failed", EINVAL);
    remove(name);
    if (sets) environment.push_back(name + "=" + operation.values[1]);
  }
  return {};
}

std::optional<std::string> Planner::Variable(std::string_view name) const {
  for (const std::string& entry : plan_.environment) {
    if (entry.starts_with(name) && entry.size() > name.size() && entry[name.size()] == '=')
      return entry.substr(name.size() + 1);
  }
  return std::nullopt;
}

// Where the caller is, by the name that it has for it.
void Planner::PlanWorkdir() {
  if (const auto* found = Last(Option::kChdir)) plan_.workdir = found->values[0];
  std::string current = caller_.current_directory;
  const auto pwd = Variable("PWD");
  if (pwd && pwd->starts_with('/') && *pwd != current) {
    const auto named = os::Stat(AT_FDCWD, pwd->c_str(), true);
    const auto here = os::Stat(AT_FDCWD, ".", true);
    if (named && here && named->st_dev == here->st_dev && named->st_ino == here->st_ino)
      current = *pwd;
  }
  if (!current.empty()) plan_.workdirs.push_back(current);
  if (const auto home = Variable("HOME")) plan_.workdirs.push_back(*home);
  std::erase_if(plan_.environment,
                [](const std::string& entry) { return entry.starts_with("PWD="); });
}

base::Status Planner::PlanCapabilities() {
  const bool root = caller_.ids.uid == 0;
  std::uint64_t& kept = plan_.capabilities;
  kept = root ? caller_.ids.effective_capabilities : 0;
  plan_.set_capabilities = !root;
  for (const Operation& operation : line_.operations) {
    if (operation.option != Option::kCapAdd && operation.option != Option::kCapDrop) continue;
    plan_.set_capabilities = true;
    const std::string& name = operation.values[0];
    const std::uint64_t named =
        name == "ALL" ? kAllCapabilities : 1ull << abi::CapabilityNumber(name);
    kept = operation.option == Option::kCapAdd ? kept | named : kept & ~named;
  }
  // Without a user namespace nobody can be given what the caller lacks.
  if (!plan_.HasUserNamespace() && plan_.descriptors.user_namespace < 0)
    kept &= caller_.permitted_capabilities;
  return {};
}

void Planner::Add(sandbox::Layout layout, unsigned mode) {
  ChosenStep step = {std::move(layout), 0755};
  // What is closed to others is not to lie below something that they may enter. For bubblewrap a
  // step that makes nothing of a mode of its own is closed, whatever its manual says.
  if ((mode & 070) == 0) step.parent_mode &= ~050u;
  if ((mode & 07) == 0) step.parent_mode &= ~05u;
  plan_.root.push_back(std::move(step));
  perms_.reset();
  size_.reset();
}

base::Result<std::string> Planner::Source(const std::string& path) {
  const std::string whole =
      path.starts_with('/') ? path : sandbox::Join(caller_.current_directory, path);
  auto found = paths_.Resolve(whole);
  if (!found) {
    return base::SystemError(fmt::format("Can't find source path {}", path),
                             found.error().system_errno);
  }
  return std::move(found->real);
}

base::Status Planner::AddBind(const Operation& operation) {
  using enum Option;
  const Option option = operation.option;
  const auto source = Source(operation.values[0]);
  if (!source) {
    const bool tries = option == kBindTry || option == kRoBindTry || option == kDevBindTry;
    if (tries && source.error().system_errno == ENOENT) return {};
    return source.error();
  }
  const auto found = os::Stat(AT_FDCWD, source->c_str(), false);
  if (!found) {
    return base::SystemError(fmt::format("Can't get type of source {}", *source),
                             found.error().value);
  }
  Add(sandbox::ShowPath{.source = *source,
                        .target = Inside(operation.values[1]),
                        .write = option != kRoBind && option != kRoBindTry,
                        .devices = option == kDevBind || option == kDevBindTry,
                        .directory = S_ISDIR(found->st_mode),
                        .must_be = {}});
  return {};
}

int Planner::Data(const Operation& operation) {
  const int descriptor = static_cast<int>(Number(operation.values[0], 10));
  plan_.descriptors.used.push_back(descriptor);
  return descriptor;
}

base::Status Planner::AddDescriptorBind(const Operation& operation) {
  const int descriptor = Data(operation);
  const auto found = os::StatFd(descriptor);
  if (!found)
    return base::SystemError(fmt::format("Can't stat fd {}", descriptor), found.error().value);
  const auto path = os::ReadLink(AT_FDCWD, fmt::format("/proc/self/fd/{}", descriptor).c_str());
  if (!path) {
    return base::SystemError(fmt::format("Can't find source path /proc/self/fd/{}", descriptor),
                             path.error().value);
  }
  Add(sandbox::ShowPath{.source = *path,
                        .target = Inside(operation.values[1]),
                        .write = operation.option == Option::kBindFd,
                        .devices = false,
                        .directory = S_ISDIR(found->st_mode),
                        .must_be = std::pair{found->st_dev, found->st_ino}});
  return {};
}

base::Status Planner::AddOverlay(const Operation& operation) {
  sandbox::OverlayMount overlay;
  for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
    auto source = Source(*layer);
    if (!source) return source.error();
    overlay.lower.push_back(*std::move(source));
  }
  layers_.clear();
  overlay.target = Inside(operation.values.back());
  overlay.in_memory = operation.option == Option::kTmpOverlay;
  if (operation.option == Option::kOverlay) {
    auto upper = Source(operation.values[0]);
    if (!upper) return upper.error();
    auto work = Source(operation.values[1]);
    if (!work) return work.error();
    overlay.upper = *std::move(upper);
    overlay.work = *std::move(work);
  }
  Add(std::move(overlay));
  return {};
}

base::Status Planner::AddStep(const Operation& operation) {
  using enum Option;
  const std::vector<std::string>& values = operation.values;
  const auto target = [&values] { return Inside(values.back()); };
  switch (operation.option) {
    case kBind:
    case kBindTry:
    case kDevBind:
    case kDevBindTry:
    case kRoBind:
    case kRoBindTry:
      return AddBind(operation);
    case kBindFd:
    case kRoBindFd:
      return AddDescriptorBind(operation);
    case kOverlaySrc:
      layers_.push_back(values[0]);
      break;
    case kOverlay:
    case kTmpOverlay:
    case kRoOverlay:
      return AddOverlay(operation);
    case kRemountRo:
      Add(sandbox::MakeReadOnly{target()});
      break;
    case kProc:
      Add(sandbox::ShowProc{target()});
      break;
    case kDev:
      Add(sandbox::FreshDevices{target(), caller_.terminal});
      break;
    case kTmpfs: {
      const std::string size = size_ ? fmt::format("{}", *base::ParseNumber(*size_)) : "";
      Add(sandbox::FreshTmpfs{target(), fmt::format("{:#o}", Mode(0755)), size}, Mode(0755));
      break;
    }
    case kMqueue:
      Add(sandbox::FreshQueues{target()});
      break;
    case kDir:
      Add(sandbox::HaveDirectory{target(), Mode(0755)}, Mode(0755));
      break;
    case kFile:
      Add(sandbox::CopyFile{Data(operation), target(), Mode(0666)}, Mode(0666));
      break;
    case kBindData:
    case kRoBindData:
      Add(sandbox::ShowData{Data(operation), target(), Mode(0600), operation.option == kBindData},
          Mode(0600));
      break;
    case kSymlink:
      Add(sandbox::HaveSymlink{target(), values[0]});
      break;
    case kChmod:
      Add(sandbox::SetMode{target(), static_cast<unsigned>(Number(values[0], 8))});
      break;
    case kPerms:
      perms_ = values[0];
      break;
    case kSize:
      size_ = values[0];
      break;
    default:
      break;
  }
  return {};
}

base::Status Planner::PlanRoot() {
  for (const Operation& operation : line_.operations) {
    if (auto done = AddStep(operation); !done) return done;
  }
  return {};
}

// A number that nothing is open under could become one of our own descriptors.
base::Status Planner::CheckDescriptors() {
  const sandbox::ChosenDescriptors& given = plan_.descriptors;
  std::vector<int> all = {
      given.sync,         given.block,          given.user_block, given.info,
      given.status,       given.user_namespace, given.filter,     given.second_user_namespace,
      given.pid_namespace};
  std::set<int> used;
  for (const int descriptor : given.used) {
    if (!used.insert(descriptor).second)
      return base::InvalidInput(fmt::format("fd {} is used twice", descriptor));
    all.push_back(descriptor);
  }
  for (const int descriptor : all) {
    if (descriptor < 0) continue;
    if (const auto found = os::StatFd(descriptor); !found)
      return base::SystemError(fmt::format("Can't use fd {}", descriptor), found.error().value);
  }
  return {};
}

base::Status Planner::ReadFilters() {
  for (const Operation& operation : line_.operations) {
    if (operation.option != Option::kAddSeccompFd) continue;
    const auto text = ReadDescriptor(Data(operation));
    if (!text) {
      return base::SystemError("Can't read seccomp data", text.error().system_errno);
    }
    if (text->size() % 8 != 0)
      return base::InvalidInput("Invalid seccomp data, must be multiple of 8");
    plan_.filters.emplace_back(text->begin(), text->end());
  }
  return {};
}

}  // namespace

base::Result<BubblewrapPlan> PlanBubblewrap(const BubblewrapLine& line,
                                            const BubblewrapCaller& caller) {
  return Planner(line, caller).Plan();
}

base::Result<std::string> ReadDescriptor(int descriptor) {
  auto text = os::ReadAll(descriptor, kMostData);
  if (!text)
    return base::SystemError(fmt::format("read descriptor {}", descriptor), text.error().value);
  return *std::move(text);
}

}  // namespace bailey::compat
