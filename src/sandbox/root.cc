#include "sandbox/root.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"
#include "os/file.h"
#include "policy/paths.h"
#include "sandbox/host_path.h"
#include "sandbox/masks.h"

namespace bailey::sandbox {
namespace {

// Room for the mount points and symlinks of any policy; the program cannot write here.
constexpr std::uint64_t kRootSize = 4ull << 20;
constexpr std::uint64_t kRootInodes = 16384;
// A private tmpfs may hold one file per 4 KiB page of its size.
constexpr std::uint64_t kBytesPerInode = 4096;
// Documentation/admin-guide/devices.txt: what stands at a device's name could be another device.
struct DeviceNumber {
  std::string_view name;
  unsigned major, minor;
};
constexpr DeviceNumber kDeviceNumbers[] = {
    {"null", 1, 3}, {"zero", 1, 5},   {"full", 1, 7},    {"random", 1, 8},    {"urandom", 1, 9},
    {"tty", 5, 0},  {"kvm", 10, 232}, {"fuse", 10, 229}, {"net/tun", 10, 200}};

struct DeviceLink {
  const char* path;
  const char* text;
};
constexpr DeviceLink kDeviceLinks[] = {{"/dev/fd", "/proc/self/fd"},
                                       {"/dev/stdin", "/proc/self/fd/0"},
                                       {"/dev/stdout", "/proc/self/fd/1"},
                                       {"/dev/stderr", "/proc/self/fd/2"},
                                       {"/dev/ptmx", "pts/ptmx"}};

class Builder {
 public:
  Builder(const policy::Filesystem& filesystem, const RootOptions& options)
      : filesystem_(filesystem), options_(options) {}

  base::Result<RootPlan> Build() {
    AddFixed();
    for (const std::string& path : filesystem_.tmpfs) AddTmpfs(path, options_.tmpfs_size, "1777");
    for (const auto& [paths, write] :
         {std::pair{&filesystem_.read, false}, std::pair{&filesystem_.write, true}}) {
      for (const std::string& path : *paths)
        if (const auto added = AddHostPath(path, write); !added) return added.error();
    }
    for (const std::string& path : filesystem_.sockets)
      if (const auto added = AddSocket(path); !added) return added.error();
    for (const policy::Bind& bind : filesystem_.binds)
      if (const auto added = AddAskedBind(bind); !added) return added.error();
    for (const std::string& name : filesystem_.devices)
      if (const auto added = AddDevice(name); !added) return added.error();
    for (const auto& [path, step] : targets_)
      if (const auto emitted = Emit(step); !emitted) return emitted.error();
    if (const auto masked = PlanMasks(filesystem_.hide, paths_, plan_); !masked)
      return masked.error();
    if (!options_.resolver_file.empty()) AddResolverFile();
    return std::move(plan_);
  }

 private:
  void AddFixed() {
    AddTmpfs("/", kRootSize, "0755");
    std::get<TmpfsMount>(targets_["/"]).inodes = kRootInodes;
    std::get<TmpfsMount>(targets_["/"]).seal = true;
    targets_["/proc"] = ProcMount{"/proc"};
    targets_["/dev"] = TmpfsMount{"/dev", kRootSize, kRootInodes, "0755", true};
    targets_["/dev/pts"] = DevptsMount{"/dev/pts"};
    AddTmpfs("/dev/shm", options_.tmpfs_size, "1777");
    for (const DeviceLink& link : kDeviceLinks)
      targets_[link.path] = MakeSymlink{link.path, link.text};
  }

  void AddTmpfs(const std::string& path, std::uint64_t size, const char* mode) {
    targets_[path] = TmpfsMount{path, size, size / kBytesPerInode, mode, false};
  }

  bool IsOptional(const std::string& path) const {
    return std::ranges::binary_search(filesystem_.optional, path);
  }

  base::Status AddHostPath(const std::string& wanted, bool write) {
    const auto resolved = paths_.Resolve(wanted);
    if (!resolved) {
      if (IsOptional(wanted) && resolved.error().system_errno == ENOENT) return {};
      return resolved.error();
    }
    for (const auto& [path, link] : resolved->links) targets_[path] = MakeSymlink{path, link};
    return AddBind(resolved->real, resolved->real, write, resolved->status);
  }

  base::Status AddSocket(const std::string& path) {
    if (const auto added = AddHostPath(path, true); !added) return added;
    const auto resolved = paths_.Resolve(path);
    if (!resolved) return {};  // optional, and not there
    auto& bind = std::get<BindMount>(targets_[resolved->real]);
    if (!bind.socket)
      return base::InvalidInput(fmt::format("show socket {}: it is not a socket", path));
    return {};
  }

  base::Status AddAskedBind(const policy::Bind& bind) {
    if (const auto descriptor = policy::DescriptorIn(bind.from))
      return AddDescriptor(bind, *descriptor);
    const auto found = os::Stat(AT_FDCWD, bind.from.c_str(), false);
    if (!found && IsOptional(bind.from) && found.error().value == ENOENT) return {};
    if (!found) return base::SystemError(fmt::format("show {}", bind.from), found.error().value);
    return AddBind(bind.from, bind.to, bind.write, *found, true);
  }

  // It is mounted by its name, and only if that is then what the descriptor refers to.
  base::Status AddDescriptor(const policy::Bind& bind, int descriptor) {
    const std::string object = fmt::format("show {}", bind.from);
    const auto held = os::StatFd(descriptor);
    if (!held) return base::SystemError(object, held.error().value);
    const auto name = os::ReadLink(AT_FDCWD, fmt::format("/proc/self/fd/{}", descriptor).c_str());
    if (!name) return base::SystemError(object, name.error().value);
    const auto found = os::Stat(AT_FDCWD, name->c_str(), false);
    if (!found || found->st_dev != held->st_dev || found->st_ino != held->st_ino) {
      return base::InvalidInput(fmt::format("{}: {} does not lead to what it refers to (any more)",
                                            object, base::Escape(*name)));
    }
    return AddBind(*name, bind.to, bind.write, *held, true);
  }

  // `named`: one by one, as the program's own (git reads no repository of somebody else).
  base::Status AddBind(const std::string& from, const std::string& to, bool write,
                       const struct stat& found, bool named = false) {
    BindMount bind{.source = from, .target = to, .write = write};
    bind.directory = S_ISDIR(found.st_mode);
    bind.device = S_ISCHR(found.st_mode) || S_ISBLK(found.st_mode);
    bind.socket = S_ISSOCK(found.st_mode);
    bind.st_dev = found.st_dev;
    bind.st_ino = found.st_ino;
    bind.owner = found.st_uid;
    bind.group = found.st_gid;
    // What only its owner may read is of no use to the payload's own unprivileged id.
    const unsigned needed = bind.directory ? 05 : 04;
    const bool is_mapped = write || (found.st_mode & needed) != needed;
    bind.map_owner = options_.privileged && !bind.device && (is_mapped || named);
    bind.may_stay = !is_mapped;
    if (bind.device) {
      return base::InvalidInput(
          fmt::format("show {}: it is a device, which only `devices` can name", from));
    }
    // The same path granted twice: writing wins over reading.
    Step& target = targets_[to];
    if (const auto* earlier = std::get_if<BindMount>(&target)) {
      bind.write |= earlier->write;
      bind.kept = earlier->kept;
      bind.map_owner |= earlier->map_owner;
      bind.may_stay &= earlier->may_stay;
    }
    const auto kept = KeepAside(bind);
    if (!kept) return kept;
    target = std::move(bind);
    return {};
  }

  base::Status KeepAside(BindMount& bind) {
    if (!bind.write || bind.socket || options_.kept.empty() || !bind.kept.empty()) return {};
    if (!bind.directory) {
      return base::InvalidInput(
          fmt::format("keep changes of {}: it is not a directory", base::Escape(bind.source)));
    }
    if (IsWithin(options_.kept, bind.source)) {
      return base::InvalidInput(fmt::format(
          "keep changes of {}: {} lies in it (XDG_STATE_HOME says where changes are kept)",
          base::Escape(bind.source), base::Escape(options_.kept)));
    }
    bind.kept = fmt::format("{}/{}", options_.kept, count_kept_++);
    return {};
  }

  base::Status AddDevice(const std::string& name) {
    const std::string path = "/dev/" + name;
    const auto found = os::Stat(AT_FDCWD, path.c_str(), false);
    if (!found) return base::SystemError(fmt::format("show device {}", path), found.error().value);
    if (!S_ISCHR(found->st_mode))
      return base::InvalidInput(fmt::format("show device {}: it is not a character device", path));
    const auto number = std::ranges::find(kDeviceNumbers, name, &DeviceNumber::name);
    if (number != std::end(kDeviceNumbers) &&
        found->st_rdev != makedev(number->major, number->minor)) {
      return base::InvalidInput(fmt::format("show device {}: it is another device, {}:{}", path,
                                            major(found->st_rdev), minor(found->st_rdev)));
    }
    BindMount bind{.source = path, .target = path, .write = true, .directory = false};
    bind.device = true;
    bind.st_dev = found->st_dev;
    bind.st_ino = found->st_ino;
    targets_[path] = bind;
    return {};
  }

  // The mount that shows `path`: the last emitted one whose target it is within.
  const Step* MountAbove(std::string_view path) const {
    for (;; path = Parent(path)) {
      if (const auto found = mounts_.find(path); found != mounts_.end())
        return &plan_.steps[found->second];
      if (path == "/") return nullptr;
    }
  }

  void Push(const Step& step) {
    if (IsMount(step)) mounts_[Target(step)] = plan_.steps.size();
    plan_.steps.push_back(step);
  }

  static bool IsMount(const Step& step) {
    return !std::holds_alternative<MakeDirectory>(step) &&
           !std::holds_alternative<MakeFile>(step) && !std::holds_alternative<MakeSymlink>(step);
  }

  // Where on the host a path inside lies, seen through the bind that shows it.
  static std::string HostSide(const BindMount& bind, const std::string& path) {
    if (path == bind.target) return bind.source;
    const std::size_t skip = bind.target == "/" ? 1 : bind.target.size() + 1;
    return Join(bind.source, std::string_view(path).substr(skip));
  }

  base::Status Emit(const Step& step) {
    const std::string& target = Target(step);
    if (target == "/") {
      Push(step);
      return {};
    }
    const Step* above = MountAbove(target);
    if (const auto* shown = above ? std::get_if<BindMount>(above) : nullptr)
      return EmitBelowBind(*shown, step);
    MakeParents(target);
    if (std::holds_alternative<MakeSymlink>(step)) {
      Push(step);
      return {};
    }
    const auto* bind = std::get_if<BindMount>(&step);
    if (bind && !bind->directory) {
      Push(MakeFile{target});
    } else {
      MakeOneDirectory(target);
    }
    Push(step);
    return {};
  }

  base::Status EmitBelowBind(const BindMount& shown, const Step& step) {
    // Copied: pushing a step below moves the one that `shown` refers to.
    const BindMount above = shown;
    const std::string host = HostSide(above, Target(step));
    if (std::holds_alternative<MakeSymlink>(step)) return {};
    if (const auto* bind = std::get_if<BindMount>(&step)) {
      if (bind->source == host && bind->write == above.write &&
          bind->map_owner == above.map_owner && !bind->device)
        return {};
    }
    if (!os::Stat(AT_FDCWD, host.c_str(), false)) {
      return base::InvalidInput(
          fmt::format("mount {0}: {1} is shown from the host, where {2} does not exist; make it "
                      "there, or show less",
                      Target(step), above.target, host));
    }
    Push(step);
    return {};
  }

  void MakeParents(const std::string& target) {
    std::vector<std::string_view> missing;
    for (std::string_view path = Parent(target); path != "/"; path = Parent(path)) {
      if (mounts_.contains(path) || made_.contains(path)) break;
      missing.push_back(path);
    }
    for (auto path = missing.rbegin(); path != missing.rend(); ++path) MakeOneDirectory(*path);
  }

  void MakeOneDirectory(std::string_view path) {
    if (made_.emplace(path).second) Push(MakeDirectory{std::string(path)});
  }

  // Over the host's where that is shown, under whatever name it has; else in a place of its own.
  void AddResolverFile() {
    const std::string path = "/etc/resolv.conf";
    const auto resolved = paths_.Resolve(path);
    if (resolved && ShowsHost(resolved->real)) {
      plan_.steps.push_back(Mask{resolved->real, false, false, options_.resolver_file});
    } else if (ShowsHost(path)) {
      plan_.notes.push_back(
          "resolve names: /etc is shown from the host, which has no resolv.conf there");
    } else {
      MakeParents(path);
      Push(MakeFile{path});
      Push(Mask{path, false, false, options_.resolver_file});
    }
  }

  bool ShowsHost(const std::string& path) const {
    const Step* above = MountAbove(path);
    return above && (std::holds_alternative<BindMount>(*above) ||
                     std::holds_alternative<OverlayMount>(*above));
  }

  const policy::Filesystem& filesystem_;
  const RootOptions& options_;
  std::map<std::string, Step> targets_;  // in the order of paths: parents first
  std::set<std::string, std::less<>> made_;
  std::map<std::string, std::size_t, std::less<>>
      mounts_;  // target -> the last step that mounts it
  int count_kept_ = 0;
  HostPaths paths_;
  RootPlan plan_;
};

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

}  // namespace

std::string ToString(const Step& step) {
  return std::visit(
      Overloaded{
          [](const MakeDirectory& s) { return fmt::format("directory {}", s.path); },
          [](const MakeFile& s) { return fmt::format("file {}", s.path); },
          [](const MakeSymlink& s) { return fmt::format("symlink {} -> {}", s.path, s.text); },
          [](const BindMount& s) {
            std::string text = fmt::format("{} {}",
                                           s.device   ? "device"
                                           : s.socket ? "socket"
                                                      : "bind",
                                           s.source);
            if (s.source != s.target) text += fmt::format(" at {}", s.target);
            if (!s.device) text += s.write ? " writable" : " read-only";
            if (!s.kept.empty()) text += fmt::format(", changes kept in {}", s.kept);
            if (s.map_owner) text += fmt::format(" owner={}", s.owner);
            return text;
          },
          [](const TmpfsMount& s) {
            return fmt::format("tmpfs {} size={} inodes={} mode={}{}", s.target, s.size, s.inodes,
                               s.mode, s.seal ? " sealed" : "");
          },
          [](const ProcMount& s) { return fmt::format("proc {} read-only", s.target); },
          [](const DevptsMount& s) { return fmt::format("devpts {}", s.target); },
          [](const Pin& s) { return fmt::format("pin {}", s.target); },
          [](const OverlayMount& s) {
            std::string text =
                fmt::format("overlay {} of {}", s.target, fmt::join(s.lower, " on "));
            if (s.in_memory) return text + ", changes in memory";
            return text +
                   (s.upper.empty() ? " read-only" : fmt::format(", changes in {}", s.upper));
          },
          [](const Mask& s) {
            if (!s.text.empty()) return fmt::format("text at {}", s.target);
            return fmt::format("mask {} {}", s.directory ? "directory" : "file", s.target);
          }},
      step);
}

const std::string& Target(const Step& step) {
  return std::visit(Overloaded{[](const MakeDirectory& s) -> const std::string& { return s.path; },
                               [](const MakeFile& s) -> const std::string& { return s.path; },
                               [](const MakeSymlink& s) -> const std::string& { return s.path; },
                               [](const auto& s) -> const std::string& { return s.target; }},
                    step);
}

base::Result<RootPlan> PlanRoot(const policy::Filesystem& filesystem, const RootOptions& options) {
  return Builder(filesystem, options).Build();
}

}  // namespace bailey::sandbox
