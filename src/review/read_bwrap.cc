// bubblewrap's arguments as a confinement: what its manual says that they do.
#include "review/read_bwrap.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "abi/arch.h"
#include "abi/capabilities.h"
#include "bpf/program.h"
#include "os/file.h"
#include "os/identity.h"
#include "review/read.h"
#include "review/sight.h"

namespace bailey::review {
namespace {

using compat::Operation;
using compat::Option;

constexpr std::string_view kFile = "bwrap arguments";
constexpr std::uint64_t kAllCapabilities = (1ull << 41) - 1;
// 4096 instructions of 8 bytes: the longest filter that the kernel takes.
constexpr std::size_t kMaxFilterBytes = 4096 * 8;

class Reader {
 public:
  explicit Reader(bool as_root) {
    Set(Namespace::kMount, Known::kYes);
    for (const auto name : {Namespace::kPid, Namespace::kNetwork, Namespace::kIpc, Namespace::kUts,
                            Namespace::kCgroup, Namespace::kTime})
      Set(name, Known::kNo);
    // Without privilege there is no sandbox without a user namespace.
    Set(Namespace::kUser, as_root ? Known::kNo : Known::kYes);
    result_.runs_as_root = as_root ? Known::kYes : Known::kNo;
    result_.capabilities = as_root ? kAllCapabilities : 0;
    result_.no_new_privs = Known::kYes;
    result_.landlock = Known::kNo;
    result_.seccomp = Known::kNo;
    result_.new_session = Known::kNo;
    result_.inherits_environment = Known::kYes;
    result_.new_user_namespaces = Known::kYes;
    result_.place = {std::string(kFile), 0, 0, {}};
    AddMount("", "/", "tmpfs", true);
  }

  Confinement Read(const compat::BubblewrapLine& line) {
    for (const Operation& operation : line.operations) {
      place_ = {std::string(kFile), static_cast<int>(operation.position), 0, {}};
      ReadNamespace(operation);
      ReadMount(operation);
      ReadRest(operation);
    }
    result_.environment.assign(set_.begin(), set_.end());
    return std::move(result_);
  }

 private:
  void Set(Namespace name, Known known) {
    result_.own_namespace[static_cast<std::size_t>(name)] = known;
  }
  Mount& AddMount(std::string from, const std::string& to, std::string type, bool writable) {
    Mount mount;
    mount.from = std::move(from);
    mount.to = PlainPath(to);
    mount.type = std::move(type);
    mount.writable = writable;
    // It mounts everything nosuid, and nodev unless devices are asked for.
    mount.nosuid = mount.nodev = true;
    mount.place = place_;
    return result_.mounts.emplace_back(std::move(mount));
  }
  void ReadNamespace(const Operation& operation);
  void ReadMount(const Operation& operation);
  void ReadRest(const Operation& operation);
  void ReadCapability(const Operation& operation, bool adds);

  Confinement result_;
  Place place_;
  std::set<std::string> set_;
  std::vector<std::string> overlaid_;  // that wait for their overlay
};

void Reader::ReadNamespace(const Operation& operation) {
  switch (operation.option) {
    case Option::kUnshareAll:
      for (const auto name : {Namespace::kUser, Namespace::kPid, Namespace::kNetwork,
                              Namespace::kIpc, Namespace::kUts, Namespace::kCgroup})
        Set(name, Known::kYes);
      break;
    case Option::kShareNet:
      Set(Namespace::kNetwork, Known::kNo);
      break;
    case Option::kUnshareUser:
    case Option::kUnshareUserTry:
    case Option::kUserns:
      Set(Namespace::kUser, Known::kYes);
      break;
    case Option::kUnshareIpc:
      Set(Namespace::kIpc, Known::kYes);
      break;
    case Option::kUnsharePid:
    case Option::kPidns:
      Set(Namespace::kPid, Known::kYes);
      break;
    case Option::kUnshareNet:
      Set(Namespace::kNetwork, Known::kYes);
      break;
    case Option::kUnshareUts:
      Set(Namespace::kUts, Known::kYes);
      break;
    case Option::kUnshareCgroup:
    case Option::kUnshareCgroupTry:
      Set(Namespace::kCgroup, Known::kYes);
      break;
    case Option::kDisableUserns:
    case Option::kAssertUsernsDisabled:
      result_.new_user_namespaces = Known::kNo;
      break;
    default:
      break;
  }
}

void Reader::ReadMount(const Operation& operation) {
  const auto& values = operation.values;
  switch (operation.option) {
    case Option::kBind:
    case Option::kBindTry:
      AddMount(PlainPath(values[0]), values[1], "bind", true);
      break;
    case Option::kDevBind:
    case Option::kDevBindTry:
      AddMount(PlainPath(values[0]), values[1], "bind", true).nodev = false;
      break;
    case Option::kRoBind:
    case Option::kRoBindTry:
      AddMount(PlainPath(values[0]), values[1], "bind", false);
      break;
    case Option::kBindFd:
    case Option::kRoBindFd:
      AddMount(fmt::format("descriptor {}", values[0]), values[1], "bind",
               operation.option == Option::kBindFd);
      break;
    case Option::kOverlay:
      AddMount(PlainPath(values[0]), values[2], "overlay", true);
      break;
    case Option::kOverlaySrc:
      overlaid_.push_back(PlainPath(values[0]));
      return;
    case Option::kTmpOverlay:
    case Option::kRoOverlay:
      // What is read is the host's; what is written stays inside.
      for (const std::string& source : overlaid_) AddMount(source, values[0], "overlay", false);
      break;
    case Option::kRemountRo: {
      const std::string to = PlainPath(values[0]);
      const auto mount =
          std::ranges::find(result_.mounts.rbegin(), result_.mounts.rend(), to, &Mount::to);
      if (mount != result_.mounts.rend()) mount->writable = false;
      break;
    }
    case Option::kProc:
      AddMount("", values[0], "proc", true);
      break;
    case Option::kDev:
      AddMount("", values[0], "dev", true);
      break;
    case Option::kTmpfs:
      AddMount("", values[0], "tmpfs", true);
      break;
    case Option::kMqueue:
      AddMount("", values[0], "mqueue", true);
      break;
    case Option::kBindData:
    case Option::kRoBindData:
      AddMount("", values[1], "file", operation.option == Option::kBindData);
      break;
    default:
      break;
  }
  overlaid_.clear();
}

void Reader::ReadCapability(const Operation& operation, bool adds) {
  const std::string& name = operation.values[0];
  const int number = abi::CapabilityNumber(name);
  const std::uint64_t bits = number < 0 ? kAllCapabilities : 1ull << number;
  const std::uint64_t before = result_.capabilities.value_or(0);
  result_.capabilities = adds ? before | bits : before & ~bits;
  result_.capabilities_place = place_;
}

void Reader::ReadRest(const Operation& operation) {
  switch (operation.option) {
    case Option::kCapAdd:
    case Option::kCapDrop:
      ReadCapability(operation, operation.option == Option::kCapAdd);
      break;
    case Option::kSeccomp:
    case Option::kAddSeccompFd:
      result_.seccomp = Known::kYes;
      result_.seccomp_place = place_;
      break;
    case Option::kChdir:
      result_.directory = operation.values[0];
      result_.directory_place = place_;
      break;
    case Option::kNewSession:
      result_.new_session = Known::kYes;
      break;
    case Option::kClearenv:
      result_.inherits_environment = Known::kNo;
      set_.clear();
      break;
    case Option::kSetenv:
      if (result_.environment_place.file.empty()) result_.environment_place = place_;
      set_.insert(operation.values[0]);
      break;
    case Option::kUnsetenv:
      set_.erase(operation.values[0]);
      break;
    default:
      break;
  }
}

// The filters (none where none is asked for), where the command line of ours was given the
// descriptors too, as in `bailey review --bwrap --seccomp 9 ... 9< filter`.
std::optional<std::vector<bpf::Program>> FiltersOf(const compat::BubblewrapLine& line,
                                                   std::vector<std::string>& not_read) {
  std::vector<std::string> descriptors;
  for (const Operation& operation : line.operations) {
    if (operation.option == Option::kAddSeccompFd) descriptors.push_back(operation.values[0]);
    // The last one holds.
    if (operation.option == Option::kSeccomp) descriptors = {operation.values[0]};
  }
  std::vector<bpf::Program> stack;
  for (const std::string& descriptor : descriptors) {
    const std::string path = fmt::format("/proc/self/fd/{}", descriptor);
    const auto status = os::Stat(AT_FDCWD, path.c_str(), true);
    if (!status || !S_ISREG(status->st_mode)) {
      not_read.push_back(
          fmt::format("the filter on descriptor {}: it is not an open file here", descriptor));
      return std::nullopt;
    }
    const auto bytes = os::ReadFile(AT_FDCWD, path.c_str(), kMaxFilterBytes);
    if (!bytes) {
      not_read.push_back(fmt::format("the filter on descriptor {}: it cannot be read", descriptor));
      return std::nullopt;
    }
    const auto* const data = reinterpret_cast<const std::uint8_t*>(bytes->data());
    auto program = bpf::Read({data, bytes->size()});
    if (!program) {
      not_read.push_back(
          fmt::format("the filter on descriptor {}: {}", descriptor, program.error().text));
      return std::nullopt;
    }
    stack.push_back(std::move(*program));
  }
  return stack;
}

}  // namespace

Confinement ConfinementOf(const compat::BubblewrapLine& line, bool as_root) {
  return Reader(as_root).Read(line);
}

base::Result<Subject> ReadBwrap(std::span<const std::string> arguments) {
  const auto line = compat::ParseBubblewrap(arguments);
  if (!line) return line.error();
  const auto caller = os::CurrentCaller();
  if (!caller) return base::SystemError("read the caller's ids", caller.error().value);
  Subject subject;
  subject.title = fmt::format("bwrap of {}", line->command[0]);
  subject.file = kFile;
  subject.confinement = ConfinementOf(*line, caller->euid == 0);
  subject.confinement->bubblewrap.assign(arguments.begin(), arguments.end());
  if (auto stack = FiltersOf(*line, subject.confinement->not_read)) {
    // Bytes do not say which architectures they are for: every one that the machine runs may be.
    const auto archs = prove::MachineArchs({{abi::NativeArch()}});
    subject.filter = prove::Subject{.stack = std::move(*stack), .archs = archs, .listed = archs};
  }
  return subject;
}

}  // namespace bailey::review
