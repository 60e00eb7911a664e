#include "microvm/firecracker_jail.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <set>

#include "base/text.h"
#include "microvm/guest_network.h"
#include "os/events.h"
#include "os/file.h"
#include "os/host.h"
#include "os/mount.h"
#include "os/vmm.h"
#include "sandbox/state.h"

namespace bailey::microvm {
namespace {

constexpr const char* kKernel = "vmlinux";
constexpr const char* kInitramfs = "initramfs";
constexpr const char* kLog = "log";
constexpr const char* kMetrics = "metrics";
constexpr const char* kPlaces[] = {"/usr/local/bin", "/usr/bin"};
constexpr int kKvmVersion = 12;  // the only one that there has ever been
// Above the ids that systemd gives to containers, below those that it gives to foreign images.
constexpr std::uint32_t kFirstUser = 0x70000000, kUsers = 0x0ffe0000;
constexpr int kTries = 1000;
// Beside what is copied: the executable, sockets, the jailer's own files.
constexpr std::uint64_t kSpare = std::uint64_t{256} << 20;
// Of a drive's serial number, which Firecracker makes of its file's device and inode.
constexpr std::size_t kMostSerial = 20;

base::Error Cannot(std::string_view verb, std::string_view object, os::Errno error) {
  return base::SystemError(fmt::format("{} {}", verb, object), error.value);
}

base::Result<std::string> FindExecutable(const std::string& directory, const char* name) {
  std::vector<std::string> places;
  if (directory.empty())
    places.assign(std::begin(kPlaces), std::end(kPlaces));
  else
    places.push_back(directory);
  for (const std::string& place : places) {
    std::error_code error;
    const auto path = std::filesystem::canonical(place + "/" + name, error);
    if (error) continue;
    if (const auto trusted = CheckTrusted(path); !trusted) return trusted.error();
    if (::access(path.c_str(), X_OK) != 0) continue;
    if (path.string().starts_with(fmt::format("{}/", kJailBase)))
      return base::Unsupported(fmt::format("use {}: in {} a machine's own files are in its place",
                                           base::Escape(path.string()), kJailBase));
    return path.string();
  }
  std::string where;
  for (const std::string& place : places) where += (where.empty() ? "" : " or ") + place;
  return base::Unsupported(
      fmt::format("use Firecracker: {} is not installed in {}", name, base::Escape(where)));
}

std::string SerialOf(const struct stat& file) {
  return fmt::format("{}{}{}", file.st_dev, file.st_rdev, file.st_ino).substr(0, kMostSerial);
}

std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

base::Status CheckTrusted(const std::string& path) {
  std::string part;
  for (const std::string_view name : base::Split(path, '/')) {
    if (!name.empty()) part += fmt::format("/{}", name);
    const auto found = os::Stat(AT_FDCWD, part.empty() ? "/" : part.c_str(), false);
    if (!found) return Cannot("look at", base::Escape(part), found.error());
    // In a directory like /tmp nobody can replace what is somebody else's.
    const bool open = (found->st_mode & 022) != 0 && (found->st_mode & S_ISVTX) == 0;
    if (found->st_uid != 0 || open)
      return base::Unsupported(fmt::format("use {}: others than root may change {}",
                                           base::Escape(path),
                                           base::Escape(part.empty() ? "/" : part)));
  }
  return {};
}

base::Result<FirecrackerHost> FindFirecracker(const std::string& directory) {
  if (::geteuid() != 0) return base::Unsupported("use Firecracker: its jailer needs root");
  const auto kvm = os::KvmApiVersion();
  if (!kvm) return Cannot("use Firecracker: open", "/dev/kvm", kvm.error());
  if (*kvm != kKvmVersion)
    return base::Unsupported(
        fmt::format("use Firecracker: /dev/kvm has version {} of its interface, and not {}", *kvm,
                    kKvmVersion));
  FirecrackerHost host;
  for (const auto& [name, path] :
       {std::pair{kFirecracker, &host.firecracker}, {kJailer, &host.jailer}}) {
    auto found = FindExecutable(directory, name);
    if (!found) return found.error();
    *path = *std::move(found);
  }
  return host;
}

std::vector<std::string> JailerArguments(const JailPlan& plan) {
  const std::string user = std::to_string(plan.user);
  // Of control groups version 1, with no value to set, the jailer moves the process nowhere: the
  // group that it is in is ours, and so are the namespaces around it.
  return {plan.host.jailer,
          "--id",
          plan.id,
          "--exec-file",
          plan.host.firecracker,
          "--uid",
          user,
          "--gid",
          user,
          "--cgroup-version",
          "1",
          "--chroot-base-dir",
          kJailBase,
          "--resource-limit",
          fmt::format("fsize={}", plan.most_bytes),
          "--resource-limit",
          "no-file=256",
          "--",
          "--api-sock",
          fmt::format("/{}", kApiSocket)};
}

FirecrackerPlan PlanFirecracker(std::uint64_t memory_mib, const std::vector<Drive>& drives,
                                bool network) {
  FirecrackerPlan plan;
  plan.memory_mib = memory_mib;
  plan.kernel = fmt::format("/{}", kKernel);
  plan.initramfs = fmt::format("/{}", kInitramfs);
  plan.log = fmt::format("/{}", kLog);
  plan.metrics = fmt::format("/{}", kMetrics);
  plan.vsock = fmt::format("/{}", kLineSocket);
  for (const Drive& drive : drives) {
    const std::string name = fmt::format("drive{}", plan.drives.size());
    plan.drives.push_back({name, "/" + name, drive.write});
  }
  if (network) plan.network = {"eth0", kTap, fmt::format("{:02x}", fmt::join(kGuestLink, ":"))};
  // Quiet: there is no console. A machine ends with a restart, which the keyboard's controller
  // does.
  plan.boot =
      "quiet loglevel=1 panic=-1 reboot=k audit=0 8250.nr_uarts=0 bailey.line=vsock bailey.drives=";
  return plan;
}

base::Result<JailUser> JailUser::Claim() {
  const auto place = sandbox::OpenState("users");
  if (!place) return place.error();
  JailUser user;
  auto lock = os::Open(place->Get(), "lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (!lock) return Cannot("open", "the lock of users", lock.error());
  user.lock_ = *std::move(lock);
  for (int i = 0; i < kTries; ++i) {
    std::array<std::uint8_t, 4> bytes;
    if (const auto filled = os::FillRandom(bytes); !filled)
      return Cannot("choose", "a user", filled.error());
    std::uint32_t number = 0;
    for (const std::uint8_t byte : bytes) number = number << 8 | byte;
    number %= kUsers;
    const auto locked = os::TryLockByte(user.lock_.Get(), number);
    if (!locked) return Cannot("lock", "a user", locked.error());
    if (!*locked) continue;
    user.id_ = kFirstUser + number;
    return user;
  }
  return base::Unsupported("choose a user for a machine: none is free");
}

base::Result<Jail> Jail::Make(const JailPlan& plan, const JailContents& contents) {
  Jail jail;
  std::uint64_t bytes = kSpare;
  for (const int fd : {contents.kernel, contents.initramfs}) {
    const auto found = os::StatFd(fd);
    if (!found) return Cannot("look at", "the machine's kernel", found.error());
    bytes += static_cast<std::uint64_t>(found->st_size);
  }
  for (const Drive& drive : contents.drives) {
    const auto found = os::StatFd(drive.descriptor);
    if (!drive.write && !found) return Cannot("look at", "drive " + drive.serial, found.error());
    bytes += drive.write ? contents.memory_mib << 20 : static_cast<std::uint64_t>(found->st_size);
  }
  const std::string size = std::to_string(bytes);
  const os::FilesystemOption options[] = {{"size", size.c_str()}, {"mode", "0755"}};
  // Devices are used in it, that the jailer makes.
  auto mount = os::NewFilesystem("tmpfs", options, os::kNoSuid);
  if (!mount) return Cannot("make", "the jail's file system", mount.error());
  jail.mount_ = *std::move(mount);
  if (const auto filled = jail.Fill(plan, contents); !filled) return filled.error();
  return jail;
}

base::Status Jail::Fill(const JailPlan& plan, const JailContents& contents) {
  auto above = os::Open(mount_.Get(), ".", O_RDONLY | O_DIRECTORY);
  if (!above) return Cannot("open", "the jail's file system", above.error());
  for (const std::string& name : {FileName(plan.host.firecracker), plan.id, std::string("root")}) {
    if (const auto made = os::MakeDirectory(above->Get(), name.c_str(), 0755); !made)
      return Cannot("make", "the jail's directory " + name, made.error());
    auto below = os::Open(above->Get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!below) return Cannot("open", "the jail's directory " + name, below.error());
    *above = *std::move(below);
  }
  root_ = *std::move(above);
  machine_ = PlanFirecracker(contents.memory_mib, contents.drives, contents.network >= 0);
  for (const auto& [name, from] :
       {std::pair{kKernel, contents.kernel}, {kInitramfs, contents.initramfs}})
    if (const auto put = Put(name, from, plan.user); !put) return put.error();
  for (const auto& [name, fd] : {std::pair{kLog, &log_}, {kMetrics, &metrics_}}) {
    const std::string shown = fmt::format("the jail's {}", name);
    if (const auto made = os::MakeFifo(root_.Get(), name, 0600); !made)
      return Cannot("make", shown, made.error());
    auto fifo = os::Open(root_.Get(), name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    if (!fifo) return Cannot("open", shown, fifo.error());
    if (const auto given = os::ChangeOwner(fifo->Get(), plan.user, plan.user); !given)
      return Cannot("give away", shown, given.error());
    *fd = *std::move(fifo);
  }
  return PutDrives(plan, contents);
}

base::Result<base::UniqueFd> Jail::Put(const char* name, int from, std::uint32_t user) {
  const std::string shown = fmt::format("the jail's {}", name);
  auto file = os::Open(root_.Get(), name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0400);
  if (!file) return Cannot("make", shown, file.error());
  if (from >= 0) {
    const auto source = os::OpenForReading(from);
    if (!source) return Cannot("read", shown, source.error());
    if (const auto copied = os::CopyData(source->Get(), file->Get()); !copied)
      return Cannot("write", shown, copied.error());
  }
  if (const auto given = os::ChangeOwner(file->Get(), user, user); !given)
    return Cannot("give away", shown, given.error());
  return *std::move(file);
}

base::Status Jail::PutDrives(const JailPlan& plan, const JailContents& contents) {
  std::set<std::string> serials;
  std::string names;
  for (std::size_t i = 0; i < contents.drives.size(); ++i) {
    const Drive& drive = contents.drives[i];
    const std::string& name = machine_.drives[i].id;
    auto file = Put(name.c_str(), drive.write ? -1 : drive.descriptor, plan.user);
    if (!file) return file.error();
    if (drive.write) {
      auto prepared = os::Resize(file->Get(), contents.memory_mib << 20);
      if (prepared) prepared = os::ChangeMode(file->Get(), 0600);
      if (!prepared) return Cannot("write", "the jail's " + name, prepared.error());
    }
    const auto found = os::StatFd(file->Get());
    if (!found) return Cannot("look at", "the jail's " + name, found.error());
    const std::string serial = SerialOf(*found);
    if (!serials.insert(serial).second)
      return base::Unsupported("use Firecracker: two drives would have one serial number");
    names += fmt::format("{}{}:{}", names.empty() ? "" : ",", serial, drive.serial);
    if (drive.write) written_ = *std::move(file);
  }
  machine_.boot += names;
  return {};
}

std::string Jail::ReadLog(std::size_t most) const {
  std::string said;
  std::array<std::uint8_t, 1024> piece;
  while (said.size() < most) {
    const auto count = os::ReadSome(log_.Get(), piece);
    if (!count || *count == 0) break;
    said.append(reinterpret_cast<const char*>(piece.data()), *count);
  }
  return said;
}

}  // namespace bailey::microvm
