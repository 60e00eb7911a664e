// A chosen root, laid out: every target is looked up inside the new root, every mount attached by
// descriptor.
#include <fcntl.h>

#include <algorithm>
#include <array>

#include "os/file.h"
#include "os/mount.h"
#include "sandbox/chosen_tasks.h"
#include "sandbox/host_path.h"
#include "sandbox/overlay.h"

namespace bailey::sandbox {
namespace {

// Where the new root is attached while it is laid out; what is below it in the old root is cloned
// before.
constexpr const char* kPlace = "/proc";
constexpr const char* kData = ".bailey-data";
constexpr const char* kDevices[] = {"null", "zero", "full", "random", "urandom", "tty"};
struct DeviceLink {
  const char* name;
  const char* text;
};
constexpr DeviceLink kDeviceLinks[] = {{"stdin", "/proc/self/fd/0"},  {"stdout", "/proc/self/fd/1"},
                                       {"stderr", "/proc/self/fd/2"}, {"fd", "/proc/self/fd"},
                                       {"core", "/proc/kcore"},       {"ptmx", "pts/ptmx"}};
// Of /proc, what steers the machine: root may write there.
constexpr const char* kProcGlobals[] = {"sys", "sysrq-trigger", "irq", "bus"};

using Opened = os::SysResult<base::UniqueFd>;

std::uint32_t BindFlags(bool write, bool devices) {
  return os::kNoSuid | (devices ? 0u : os::kNoDev) | (write ? 0u : os::kReadOnly);
}

const char* Name(const std::string& path) { return path.c_str() + path.rfind('/') + 1; }

class RootLayout {
 public:
  RootLayout(ChosenPrepared& prepared, LayoutFailure& failure)
      : prepared_(prepared), part_(failure.part), index_(failure.index) {}

  // Clones what the new root is about to cover, or what would be cloned with it.
  os::SysStatus Begin();
  os::SysStatus Do(std::uint32_t index) {
    index_ = index;
    const ChosenStep& step = prepared_.plan->root[index];
    parent_mode_ = step.parent_mode;
    return std::visit(*this, step.layout);
  }
  os::SysStatus Finish() {
    prepared_.root = std::move(root_);
    return overlays_.Finish();
  }

  os::SysStatus operator()(const ShowPath& step);
  os::SysStatus operator()(const ShowData& step);
  os::SysStatus operator()(const CopyFile& step);
  os::SysStatus operator()(const HaveDirectory& step) {
    const auto found = Directory(step.target, step.mode);
    return found ? os::SysStatus() : std::unexpected(found.error());
  }
  os::SysStatus operator()(const HaveSymlink& step);
  os::SysStatus operator()(const FreshTmpfs& step);
  os::SysStatus operator()(const ShowProc& step);
  os::SysStatus operator()(const FreshDevices& step);
  os::SysStatus operator()(const FreshQueues& step);
  os::SysStatus operator()(const MakeReadOnly& step);
  os::SysStatus operator()(const SetMode& step);
  os::SysStatus operator()(const OverlayMount& step);

 private:
  bool IsProcNew() const {
    return prepared_.plan->namespaces & os::kPidNamespace ||
           prepared_.plan->descriptors.pid_namespace >= 0;
  }
  Opened EarlySource(const Layout& layout) const;
  // The directory that holds `target`, made where it is missing.
  Opened Parent(const std::string& target);
  // `target` itself, made where it is missing.
  Opened Directory(const std::string& target, unsigned mode);
  Opened File(const std::string& target);
  // Puts a detached tree over `place`, which was found for `target`.
  os::SysStatus Put(int tree, int place, const std::string& target);
  os::SysStatus PutNew(const char* type, std::span<const os::FilesystemOption> options,
                       std::uint32_t flags, const std::string& target);
  os::SysStatus PutDevice(int directory, const char* source, const char* name);
  os::SysStatus CoverGlobals(int proc);
  os::SysStatus FillDevices(int directory, const std::string& console);
  // The topmost mount at the place of the new root.
  os::SysStatus Reopen() {
    auto opened = os::Open(AT_FDCWD, kPlace, O_PATH | O_DIRECTORY);
    if (!opened) return std::unexpected(opened.error());
    root_ = std::move(*opened);
    return {};
  }

  ChosenPrepared& prepared_;
  Part& part_;
  std::uint32_t& index_;
  unsigned parent_mode_ = 0755;
  base::UniqueFd bottom_;  // the tmpfs that everything else stands on
  base::UniqueFd root_;    // what "/" is
  Overlays overlays_;
};

Opened RootLayout::EarlySource(const Layout& layout) const {
  if (const auto* show = std::get_if<ShowPath>(&layout)) {
    if (show->source == "/" || IsWithin(show->source, kPlace))
      return os::CloneTree(AT_FDCWD, show->source.c_str());
  }
  if (std::holds_alternative<ShowProc>(layout) && !IsProcNew())
    return os::CloneTree(AT_FDCWD, kPlace);
  return base::UniqueFd();
}

os::SysStatus RootLayout::Begin() {
  const ChosenPlan& plan = *prepared_.plan;
  part_ = Part::kPropagation;
  // For a new user namespace the kernel has made them so (fs/namespace.c, copy_mnt_ns).
  if (!plan.HasUserNamespace()) {
    if (const auto done = os::MakeMountsSlaves(); !done) return done;
  }
  part_ = Part::kSource;
  bool overlays = false;
  for (index_ = 0; index_ < plan.root.size(); ++index_) {
    auto source = EarlySource(plan.root[index_].layout);
    if (!source) return std::unexpected(source.error());
    prepared_.early[index_] = std::move(*source);
    overlays |= std::holds_alternative<OverlayMount>(plan.root[index_].layout);
  }
  part_ = Part::kRootTmpfs;
  if (overlays) {
    if (const auto done = overlays_.Begin(); !done) return done;
  }
  const os::FilesystemOption options[] = {{"mode", "0755"}};
  auto tree = os::NewFilesystem("tmpfs", options, os::kNoSuid | os::kNoDev);
  if (!tree) return std::unexpected(tree.error());
  const auto place = os::Open(AT_FDCWD, kPlace, O_PATH | O_DIRECTORY);
  if (!place) return std::unexpected(place.error());
  if (const auto done = os::Attach(tree->Get(), place->Get()); !done) return done;
  bottom_ = std::move(*tree);
  return Reopen();
}

Opened RootLayout::Parent(const std::string& target) {
  part_ = Part::kParents;
  std::array<char, 4096> path;
  if (target.size() >= path.size()) return os::Fail(ENAMETOOLONG);
  path[target.copy(path.data(), target.size())] = '\0';
  char* const last = path.data() + target.rfind('/');
  if (last == path.data()) return os::Open(root_.Get(), ".", O_PATH | O_DIRECTORY);
  *last = '\0';
  auto parent = os::OpenInRoot(root_.Get(), path.data(), O_PATH | O_DIRECTORY);
  if (parent || parent.error().value != ENOENT) return parent;
  // From the top: each one found, or made in the one before.
  auto above = os::Open(root_.Get(), ".", O_PATH | O_DIRECTORY);
  for (char* slash = path.data(); above && slash != last;) {
    char* const name = slash + 1;
    slash = std::find(name, last, '/');
    const char kept = std::exchange(*slash, '\0');
    auto next = os::OpenInRoot(root_.Get(), path.data(), O_PATH | O_DIRECTORY);
    if (!next && next.error().value == ENOENT) {
      const auto made = os::MakeDirectory(above->Get(), name, parent_mode_);
      if (!made && made.error().value != EEXIST) return std::unexpected(made.error());
      next = os::OpenInRoot(root_.Get(), path.data(), O_PATH | O_DIRECTORY);
    }
    above = std::move(next);
    *slash = kept;
  }
  return above;
}

Opened RootLayout::Directory(const std::string& target, unsigned mode) {
  part_ = Part::kTargetDirectory;
  auto found = os::OpenInRoot(root_.Get(), target.c_str(), O_PATH | O_DIRECTORY);
  if (found || found.error().value != ENOENT) return found;
  const auto parent = Parent(target);
  if (!parent) return std::unexpected(parent.error());
  part_ = Part::kTargetDirectory;
  const auto made = os::MakeDirectory(parent->Get(), Name(target), mode);
  if (!made && made.error().value != EEXIST) return std::unexpected(made.error());
  return os::OpenInRoot(root_.Get(), target.c_str(), O_PATH | O_DIRECTORY);
}

Opened RootLayout::File(const std::string& target) {
  part_ = Part::kTargetFile;
  auto found = os::OpenInRoot(root_.Get(), target.c_str(), O_PATH);
  if (found || found.error().value != ENOENT) return found;
  if (const auto parent = Parent(target); !parent) return std::unexpected(parent.error());
  part_ = Part::kTargetFile;
  // A symlink that leads nowhere has its target made, inside.
  return os::OpenInRoot(root_.Get(), target.c_str(), O_CREAT | O_WRONLY | O_NOCTTY, 0444);
}

os::SysStatus RootLayout::Put(int tree, int place, const std::string& target) {
  part_ = Part::kMount;
  if (const auto done = os::Attach(tree, place); !done) return done;
  // "/" is covered, by that name or by one that leads back to it.
  if (target == "/" || target.find("/..") != std::string::npos) return Reopen();
  return {};
}

os::SysStatus RootLayout::PutNew(const char* type, std::span<const os::FilesystemOption> options,
                                 std::uint32_t flags, const std::string& target) {
  const auto place = Directory(target, 0755);
  if (!place) return std::unexpected(place.error());
  part_ = Part::kMount;
  const auto tree = os::NewFilesystem(type, options, flags);
  if (!tree) return std::unexpected(tree.error());
  return Put(tree->Get(), place->Get(), target);
}

os::SysStatus RootLayout::operator()(const ShowPath& step) {
  const auto place = step.directory ? Directory(step.target, 0755) : File(step.target);
  if (!place) return std::unexpected(place.error());
  part_ = Part::kSource;
  base::UniqueFd tree = std::move(prepared_.early[index_]);
  if (!tree.IsOpen()) {
    auto cloned = os::CloneTree(AT_FDCWD, step.source.c_str());
    if (!cloned) return std::unexpected(cloned.error());
    tree = std::move(*cloned);
  }
  if (step.must_be) {
    part_ = Part::kChanged;
    const auto found = os::StatFd(tree.Get());
    if (!found) return std::unexpected(found.error());
    if (std::pair<std::uint64_t, std::uint64_t>(found->st_dev, found->st_ino) != *step.must_be)
      return os::Fail(ESTALE);
  }
  part_ = Part::kFlags;
  const std::uint32_t flags = BindFlags(step.write, step.devices);
  if (const auto done = os::AddMountFlags(tree.Get(), flags, true); !done) return done;
  return Put(tree.Get(), place->Get(), step.target);
}

os::SysStatus RootLayout::operator()(const ShowData& step) {
  const auto place = File(step.target);
  if (!place) return std::unexpected(place.error());
  part_ = Part::kData;
  {
    const auto file = os::Open(bottom_.Get(), kData, O_CREAT | O_EXCL | O_WRONLY, 0600);
    if (!file) return std::unexpected(file.error());
    if (const auto done = os::ChangeMode(file->Get(), step.mode); !done) return done;
    if (const auto done = os::CopyData(step.descriptor, file->Get()); !done) return done;
  }
  const auto tree = os::CloneTree(bottom_.Get(), kData);
  if (!tree) return std::unexpected(tree.error());
  part_ = Part::kFlags;
  const std::uint32_t flags = BindFlags(step.write, false);
  if (const auto done = os::AddMountFlags(tree->Get(), flags, false); !done) return done;
  if (const auto done = Put(tree->Get(), place->Get(), step.target); !done) return done;
  // Nothing inside can come by it in another way.
  return os::RemoveFile(bottom_.Get(), kData);
}

os::SysStatus RootLayout::operator()(const CopyFile& step) {
  if (const auto parent = Parent(step.target); !parent) return std::unexpected(parent.error());
  part_ = Part::kTargetFile;
  const auto file = os::OpenInRoot(root_.Get(), step.target.c_str(),
                                   O_CREAT | O_TRUNC | O_WRONLY | O_NOCTTY, step.mode);
  if (!file) return std::unexpected(file.error());
  part_ = Part::kData;
  return os::CopyData(step.descriptor, file->Get());
}

os::SysStatus RootLayout::operator()(const HaveSymlink& step) {
  const auto parent = Parent(step.target);
  if (!parent) return std::unexpected(parent.error());
  part_ = Part::kSymlink;
  const auto made = os::MakeSymlink(step.text.c_str(), parent->Get(), Name(step.target));
  if (made || made.error().value != EEXIST) return made;
  std::array<char, 4096> text;
  const auto size = os::ReadLinkInto(parent->Get(), Name(step.target), text);
  part_ = Part::kNoSymlink;
  if (!size) return std::unexpected(size.error());
  part_ = Part::kOtherSymlink;
  return std::string_view(text.data(), *size) == step.text ? os::SysStatus() : os::Fail(EEXIST);
}

os::SysStatus RootLayout::operator()(const FreshTmpfs& step) {
  const os::FilesystemOption options[] = {{"mode", step.mode.c_str()}, {"size", step.size.c_str()}};
  return PutNew("tmpfs", std::span(options).first(step.size.empty() ? 1 : 2),
                os::kNoSuid | os::kNoDev, step.target);
}

os::SysStatus RootLayout::operator()(const ShowProc& step) {
  const auto place = Directory(step.target, 0755);
  if (!place) return std::unexpected(place.error());
  part_ = Part::kMount;
  base::UniqueFd tree = std::move(prepared_.early[index_]);
  if (tree.IsOpen()) {
    if (const auto done = os::AddMountFlags(tree.Get(), BindFlags(true, false), true); !done)
      return done;
  } else {
    auto made = os::NewFilesystem("proc", {}, os::kNoSuid | os::kNoDev | os::kNoExec);
    if (!made) return std::unexpected(made.error());
    tree = std::move(*made);
  }
  if (const auto done = Put(tree.Get(), place->Get(), step.target); !done) return done;
  return CoverGlobals(tree.Get());
}

os::SysStatus RootLayout::CoverGlobals(int proc) {
  part_ = Part::kCoverProc;
  for (const char* name : kProcGlobals) {
    const auto found = os::Open(proc, name, O_PATH | O_NOFOLLOW);
    if (!found && found.error().value == ENOENT) continue;
    if (!found) return std::unexpected(found.error());
    const auto writable = os::CheckWritable(found->Get());
    if (!writable && (writable.error().value == EACCES || writable.error().value == EROFS))
      continue;
    if (!writable) return writable;
    const auto tree = os::CloneTree(found->Get(), "");
    if (!tree) return std::unexpected(tree.error());
    if (const auto done = os::AddMountFlags(tree->Get(), BindFlags(false, false), true); !done)
      return done;
    if (const auto done = os::Attach(tree->Get(), found->Get()); !done) return done;
  }
  return {};
}

os::SysStatus RootLayout::operator()(const FreshDevices& step) {
  const auto place = Directory(step.target, 0755);
  if (!place) return std::unexpected(place.error());
  part_ = Part::kMount;
  const os::FilesystemOption options[] = {{"mode", "0755"}};
  const auto tree = os::NewFilesystem("tmpfs", options, os::kNoSuid | os::kNoDev);
  if (!tree) return std::unexpected(tree.error());
  if (const auto done = Put(tree->Get(), place->Get(), step.target); !done) return done;
  return FillDevices(tree->Get(), step.console);
}

os::SysStatus RootLayout::PutDevice(int directory, const char* source, const char* name) {
  const auto tree = os::CloneTree(AT_FDCWD, source);
  if (!tree) return std::unexpected(tree.error());
  const auto found = os::StatFd(tree->Get());
  if (!found) return std::unexpected(found.error());
  if (!S_ISCHR(found->st_mode)) return os::Fail(ENODEV);
  if (const auto done = os::MakeFile(directory, name, 0444); !done) return done;
  const auto place = os::Open(directory, name, O_PATH | O_NOFOLLOW);
  if (!place) return std::unexpected(place.error());
  return os::Attach(tree->Get(), place->Get());
}

os::SysStatus RootLayout::FillDevices(int directory, const std::string& console) {
  part_ = Part::kDevice;
  for (const char* name : kDevices) {
    std::array<char, 32> source = {"/dev/"};
    std::copy_n(name, std::char_traits<char>::length(name) + 1, source.data() + 5);
    if (const auto done = PutDevice(directory, source.data(), name); !done) return done;
  }
  for (const DeviceLink& link : kDeviceLinks) {
    if (const auto done = os::MakeSymlink(link.text, directory, link.name); !done) return done;
  }
  if (const auto done = os::MakeDirectory(directory, "shm", 0755); !done) return done;
  if (const auto done = os::MakeDirectory(directory, "pts", 0755); !done) return done;
  const os::FilesystemOption options[] = {{"ptmxmode", "0666"}, {"mode", "0620"}};
  const auto terminals = os::NewFilesystem("devpts", options, os::kNoSuid | os::kNoExec);
  if (!terminals) return std::unexpected(terminals.error());
  const auto place = os::Open(directory, "pts", O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (!place) return std::unexpected(place.error());
  if (const auto done = os::Attach(terminals->Get(), place->Get()); !done) return done;
  if (!console.empty()) {
    if (const auto done = PutDevice(directory, console.c_str(), "console"); !done) return done;
  }
  return os::AddMountFlags(directory, os::kNoSuid, true);
}

os::SysStatus RootLayout::operator()(const FreshQueues& step) {
  return PutNew("mqueue", {}, 0, step.target);
}

os::SysStatus RootLayout::operator()(const MakeReadOnly& step) {
  part_ = Part::kTargetDirectory;
  const auto place = os::OpenInRoot(root_.Get(), step.target.c_str(), O_PATH);
  if (!place) return std::unexpected(place.error());
  part_ = Part::kFlags;
  return os::AddMountFlags(place->Get(), BindFlags(false, false), false);
}

os::SysStatus RootLayout::operator()(const SetMode& step) {
  part_ = Part::kMode;
  const auto place = os::OpenInRoot(root_.Get(), step.target.c_str(), O_PATH);
  if (!place) return std::unexpected(place.error());
  return os::ChangeModeOf(prepared_.proc.Get(), place->Get(), step.mode);
}

os::SysStatus RootLayout::operator()(const OverlayMount& step) {
  const auto place = Directory(step.target, 0755);
  if (!place) return std::unexpected(place.error());
  part_ = Part::kMount;
  const auto tree = overlays_.Make(step, bottom_.Get());
  if (!tree) return std::unexpected(tree.error());
  return Put(tree->Get(), place->Get(), step.target);
}

}  // namespace

os::SysStatus LayOutRoot(ChosenPrepared& prepared, LayoutFailure& failure) {
  RootLayout layout(prepared, failure);
  if (const auto done = layout.Begin(); !done) return done;
  for (std::uint32_t i = 0; i < prepared.plan->root.size(); ++i) {
    if (const auto done = layout.Do(i); !done) return done;
  }
  return layout.Finish();
}

}  // namespace bailey::sandbox
