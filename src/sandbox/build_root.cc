// The root plan, done: every source by descriptor, every target resolved inside the new root.
#include <fcntl.h>

#include <algorithm>
#include <array>

#include "os/file.h"
#include "os/mount.h"
#include "sandbox/host_path.h"
#include "sandbox/overlay.h"
#include "sandbox/tasks.h"

namespace bailey::sandbox {
namespace {

// In the filesystem that masks come from. The new root lies on the last while it is built.
constexpr const char* kMaskFile = "file";
constexpr const char* kMaskDirectory = "directory";
constexpr const char* kMaskText = "text";
constexpr const char* kRootPlace = "root";

// Does the steps one after the other. `root` is the new root once its first step is done.
class RootBuilder {
 public:
  explicit RootBuilder(Prepared& prepared) : prepared_(prepared) {}

  os::SysStatus Begin() { return overlays_.Begin(prepared_.plan->root.steps); }

  os::SysStatus Do(std::size_t index) {
    index_ = index;
    return std::visit(*this, prepared_.plan->root.steps[index]);
  }

  os::SysStatus operator()(const MakeDirectory& step) {
    if (const auto found = FindParent(step.path); !found) return found;
    return os::MakeDirectory(parent_.Get(), Name(step.path), 0755);
  }

  os::SysStatus operator()(const MakeFile& step) {
    if (const auto found = FindParent(step.path); !found) return found;
    return os::MakeFile(parent_.Get(), Name(step.path), 0444);
  }

  os::SysStatus operator()(const MakeSymlink& step) {
    if (const auto found = FindParent(step.path); !found) return found;
    return os::MakeSymlink(step.text.c_str(), parent_.Get(), Name(step.path));
  }

  os::SysStatus operator()(const BindMount& step) {
    base::UniqueFd tree = std::move(prepared_.sources[index_]);
    if (!tree.IsOpen()) {
      auto cloned = CloneSource(step);
      if (!cloned) return std::unexpected(cloned.error());
      tree = std::move(*cloned);
    }
    std::uint32_t flags = os::kNoSuid;
    if (!step.device) flags |= os::kNoDev;
    if (!step.write) flags |= os::kReadOnly;
    if (const auto set = os::SetMountFlags(tree.Get(), flags, true); !set) return set;
    return AttachAt(tree.Get(), step.target, step.directory);
  }

  os::SysStatus operator()(const TmpfsMount& step) {
    const os::FilesystemOption options[] = {{"size", prepared_.sizes[index_].data()},
                                            {"nr_inodes", prepared_.inodes[index_].data()},
                                            {"mode", step.mode.c_str()}};
    return Mount("tmpfs", options, os::kNoSuid | os::kNoDev, step.target);
  }

  os::SysStatus operator()(const ProcMount& step) {
    // Read-only comes when the payload's ids are mapped through it (SealRoot).
    return Mount("proc", {}, os::kNoSuid | os::kNoDev | os::kNoExec, step.target);
  }

  os::SysStatus operator()(const DevptsMount& step) {
    const os::FilesystemOption options[] = {{"ptmxmode", "0666"}, {"mode", "0620"}};
    return Mount("devpts", options, os::kNoSuid | os::kNoExec, step.target);
  }

  os::SysStatus operator()(const Pin& step) {
    if (step.make) {
      if (const auto found = FindParent(step.target); !found) return found;
      const auto made = os::MakeDirectory(parent_.Get(), Name(step.target), 0755);
      if (!made && made.error().value != EEXIST) return made;
    }
    const auto place = os::OpenInRoot(root_.Get(), step.target.c_str(), O_PATH | O_DIRECTORY);
    if (!place) return std::unexpected(place.error());
    // A copy of what is mounted there, with its flags and its map of ids.
    const auto tree = os::CloneTree(place->Get(), "");
    if (!tree) return std::unexpected(tree.error());
    if (const auto set = os::SetMountFlags(tree->Get(), os::kNoSuid | os::kNoDev, true); !set)
      return set;
    return AttachAt(tree->Get(), step.target, true);
  }

  os::SysStatus operator()(const OverlayMount& step) {
    auto tree = overlays_.Make(step, root_.Get());
    if (!tree) return std::unexpected(tree.error());
    std::uint32_t flags = os::kNoSuid | os::kNoDev;
    if (!step.in_memory && step.upper.empty()) flags |= os::kReadOnly;
    if (const auto set = os::SetMountFlags(tree->Get(), flags, false); !set) return set;
    return AttachAt(tree->Get(), step.target, true);
  }

  os::SysStatus operator()(const Mask& step) {
    if (step.make) {
      if (const auto found = FindParent(step.target); !found) return found;
      const auto made = os::MakeFile(parent_.Get(), Name(step.target), 0444);
      if (!made && made.error().value != EEXIST) return made;
    }
    const char* name = step.directory ? kMaskDirectory : kMaskFile;
    if (!step.text.empty()) {
      name = kMaskText;
      if (const auto written = WriteMaskText(step.text); !written) return written;
    }
    const auto source = os::Open(masks_.Get(), name, O_PATH | O_NOFOLLOW);
    if (!source) return std::unexpected(source.error());
    const auto tree = os::CloneTree(source->Get(), "");
    if (!tree) return std::unexpected(tree.error());
    constexpr std::uint32_t kFlags = os::kReadOnly | os::kNoSuid | os::kNoDev | os::kNoExec;
    if (const auto set = os::SetMountFlags(tree->Get(), kFlags, false); !set) return set;
    return AttachAt(tree->Get(), step.target, step.directory);
  }

  os::SysStatus Finish() {
    if (const auto done = overlays_.Finish(); !done) return done;
    prepared_.root = std::move(root_);
    return {};
  }

 private:
  static const char* Name(const std::string& path) { return path.c_str() + path.rfind('/') + 1; }

  // Opens the directory that holds `path` as `parent_`: steps come in the order of their paths, and
  // most have the same one as the step before.
  os::SysStatus FindParent(const std::string& path) {
    const std::string_view wanted(path.data(), std::max<std::size_t>(path.rfind('/'), 1));
    if (parent_.IsOpen() && wanted == parent_path_) return {};
    std::array<char, 4096> text;
    if (wanted.size() >= text.size()) return os::Fail(ENAMETOOLONG);
    text[wanted.copy(text.data(), wanted.size())] = '\0';
    auto opened = os::OpenInRoot(root_.Get(), text.data(), O_PATH | O_DIRECTORY);
    if (!opened) return std::unexpected(opened.error());
    parent_ = std::move(*opened);
    parent_path_ = wanted;
    return {};
  }

  os::SysStatus Mount(const char* type, std::span<const os::FilesystemOption> options,
                      std::uint32_t flags, const std::string& target) {
    const auto tree = os::NewFilesystem(type, options, flags);
    if (!tree) return std::unexpected(tree.error());
    return AttachAt(tree->Get(), target, true);
  }

  os::SysStatus AttachAt(int tree, const std::string& target, bool directory) {
    if (target == "/") return AttachRoot(tree);
    if (const auto found = FindParent(target); !found) return found;
    const auto place = os::OpenInRoot(parent_.Get(), Name(target), O_PATH | O_NOFOLLOW);
    if (!place) return std::unexpected(place.error());
    // What was opened before lies below the new mount from now on.
    if (IsWithin(parent_path_, target)) parent_.Reset();
    const auto found = os::StatFd(place->Get());
    if (!found) return std::unexpected(found.error());
    if (S_ISDIR(found->st_mode) != directory) return os::Fail(directory ? ENOTDIR : EISDIR);
    return os::Attach(tree, place->Get());
  }

  // The new root has to be attached somewhere before it can be entered. Not over "/": the payload
  // makes its user namespace meanwhile (see pid1.cc).
  os::SysStatus AttachRoot(int tree) {
    auto place = os::Open(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY);
    if (!place) return std::unexpected(place.error());
    const auto is_mask = [](const Step& step) { return std::holds_alternative<Mask>(step); };
    if (std::ranges::any_of(prepared_.plan->root.steps, is_mask)) {
      if (const auto made = MakeMaskSource(place->Get()); !made) return made;
      place = os::Open(masks_.Get(), kRootPlace, O_PATH | O_DIRECTORY);
      if (!place) return std::unexpected(place.error());
    }
    if (const auto attached = os::Attach(tree, place->Get()); !attached) return attached;
    auto opened = os::Open(tree, ".", O_PATH | O_DIRECTORY);
    if (!opened) return std::unexpected(opened.error());
    root_ = std::move(*opened);
    return {};
  }

  // What a mask is a copy of has to be attached somewhere (fs/namespace.c, before 6.15). It goes
  // with the old root, for nothing: taken off by itself it would take a grace period of the kernel.
  os::SysStatus MakeMaskSource(int place) {
    const os::FilesystemOption options[] = {{"size", "4096"}, {"nr_inodes", "5"}};
    auto tree = os::NewFilesystem("tmpfs", options, os::kNoSuid | os::kNoDev);
    if (!tree) return std::unexpected(tree.error());
    if (auto done = os::MakeFile(tree->Get(), kMaskFile, 0); !done) return done;
    for (const char* const name : {kMaskDirectory, kRootPlace})
      if (auto done = os::MakeDirectory(tree->Get(), name, 0); !done) return done;
    if (const auto done = os::Attach(tree->Get(), place); !done) return done;
    masks_ = std::move(*tree);
    return {};
  }

  // A root has one such text.
  os::SysStatus WriteMaskText(const std::string& text) {
    if (auto made = os::MakeFile(masks_.Get(), kMaskText, 0444); !made) return made;
    return os::WriteFile(masks_.Get(), kMaskText, text);
  }

  Prepared& prepared_;
  std::size_t index_ = 0;
  base::UniqueFd masks_;
  base::UniqueFd root_;
  base::UniqueFd parent_;
  std::string_view parent_path_;  // of a step's target
  Overlays overlays_;
};

}  // namespace

os::SysResult<base::UniqueFd> CloneSource(const BindMount& bind) {
  auto tree = os::CloneTree(AT_FDCWD, bind.source.c_str());
  if (!tree) return tree;
  const auto found = os::StatFd(tree->Get());
  if (!found) return std::unexpected(found.error());
  if (found->st_dev != bind.st_dev || found->st_ino != bind.st_ino) return os::Fail(ESTALE);
  return tree;
}

os::SysResult<base::UniqueFd> OverlaySource(int lower, int kept, bool in_user_namespace) {
  const auto upper = os::Open(kept, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (!upper) return std::unexpected(upper.error());
  const auto work = os::Open(kept, "work", O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (!work) return std::unexpected(work.error());
  return os::NewKeepingOverlay(lower, upper->Get(), work->Get(), in_user_namespace);
}

namespace {

// An unprivileged caller's overlays are made here, in the user namespace, while the old root is
// still there; a privileged one's are made already.
os::SysStatus MakeOverlays(Prepared& prepared, Failure& failure) {
  const std::vector<Step>& steps = prepared.plan->root.steps;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto* bind = std::get_if<BindMount>(&steps[i]);
    if (!bind || bind->kept.empty() || prepared.sources[i].IsOpen()) continue;
    failure = {Stage::kMount, static_cast<std::uint32_t>(i), 0};
    const auto lower = os::Open(AT_FDCWD, bind->source.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (!lower) return std::unexpected(lower.error());
    const auto found = os::StatFd(lower->Get());
    if (!found) return std::unexpected(found.error());
    if (found->st_dev != bind->st_dev || found->st_ino != bind->st_ino) return os::Fail(ESTALE);
    const auto kept = os::Open(AT_FDCWD, bind->kept.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (!kept) return std::unexpected(kept.error());
    auto made = OverlaySource(lower->Get(), kept->Get(), true);
    if (!made) return std::unexpected(made.error());
    prepared.sources[i] = std::move(*made);
  }
  return {};
}

}  // namespace

os::SysStatus BuildRoot(Prepared& prepared, Failure& failure) {
  failure = {Stage::kPrivateMounts, 0, 0};
  if (const auto done = os::MakeMountsPrivate(); !done) return done;
  if (const auto done = MakeOverlays(prepared, failure); !done) return done;
  RootBuilder builder(prepared);
  if (const auto done = builder.Begin(); !done) return done;
  for (std::size_t i = 0; i < prepared.plan->root.steps.size(); ++i) {
    failure = {Stage::kMount, static_cast<std::uint32_t>(i), 0};
    if (const auto done = builder.Do(i); !done) return done;
  }
  return builder.Finish();
}

os::SysStatus EnterRoot(const Prepared& prepared) { return os::EnterRoot(prepared.root.Get()); }

os::SysStatus SealRoot(const Prepared& prepared) {
  for (const Step& step : prepared.plan->root.steps) {
    const auto* tmpfs = std::get_if<TmpfsMount>(&step);
    if (!(tmpfs && tmpfs->seal) && !std::holds_alternative<ProcMount>(step)) continue;
    const auto mount = os::Open(AT_FDCWD, Target(step).c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (!mount) return std::unexpected(mount.error());
    if (const auto set = os::SetMountFlags(mount->Get(), os::kReadOnly, false); !set) return set;
  }
  return {};
}

}  // namespace bailey::sandbox
