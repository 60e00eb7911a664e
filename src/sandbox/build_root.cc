// The root plan, done: every source by descriptor, every target resolved inside the new root.
#include <fcntl.h>

#include "os/file.h"
#include "os/mount.h"
#include "sandbox/tasks.h"

namespace bailey::sandbox {
namespace {

constexpr const char* kMaskFile = ".bailey-mask/file";
constexpr const char* kMaskDirectory = ".bailey-mask/directory";

// Splits a target into the directory to look up and the name to make in it.
struct Place {
  char directory[4096];
  const char* name;
};

os::SysStatus Split(const std::string& path, Place& place) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || path.size() >= sizeof(place.directory))
    return os::Fail(ENAMETOOLONG);
  path.copy(place.directory, slash);
  place.directory[slash] = '\0';
  if (slash == 0) {
    place.directory[0] = '/';
    place.directory[1] = '\0';
  }
  place.name = path.c_str() + slash + 1;
  return {};
}

// Does the steps one after the other. `root` is the new root once its first step is done.
class RootBuilder {
 public:
  explicit RootBuilder(Prepared& prepared) : prepared_(prepared) {}

  os::SysStatus Do(std::size_t index) {
    index_ = index;
    return std::visit(*this, prepared_.plan->root.steps[index]);
  }

  os::SysStatus operator()(const MakeDirectory& step) const {
    return Make(step.path, [](int directory, const char* name) {
      return os::MakeDirectory(directory, name, 0755);
    });
  }

  os::SysStatus operator()(const MakeFile& step) const {
    return Make(step.path, [](int directory, const char* name) {
      return os::MakeFile(directory, name, 0444);
    });
  }

  os::SysStatus operator()(const MakeSymlink& step) const {
    return Make(step.path, [&step](int directory, const char* name) {
      return os::MakeSymlink(step.text.c_str(), directory, name);
    });
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

  os::SysStatus operator()(const Mask& step) {
    if (const auto made = MakeMaskSource(); !made) return made;
    const auto source =
        os::OpenInRoot(root_.Get(), step.directory ? kMaskDirectory : kMaskFile, O_PATH);
    if (!source) return std::unexpected(source.error());
    const auto tree = os::CloneTree(source->Get(), "");
    if (!tree) return std::unexpected(tree.error());
    constexpr std::uint32_t kFlags = os::kReadOnly | os::kNoSuid | os::kNoDev | os::kNoExec;
    if (const auto set = os::SetMountFlags(tree->Get(), kFlags, false); !set) return set;
    return AttachAt(tree->Get(), step.target, step.directory);
  }

  os::SysStatus Enter() {
    if (mask_source_made_) {
      const auto detached = os::Detach(root_.Get(), kMaskSource);
      if (!detached) return detached;
      if (const auto gone = os::RemoveDirectory(root_.Get(), kMaskSource); !gone) return gone;
    }
    return os::EnterRoot(root_.Get());
  }

 private:
  template <class F>
  os::SysStatus Make(const std::string& path, F make) const {
    Place place;
    if (const auto split = Split(path, place); !split) return split;
    const auto directory = os::OpenInRoot(root_.Get(), place.directory, O_PATH | O_DIRECTORY);
    if (!directory) return std::unexpected(directory.error());
    return make(directory->Get(), place.name);
  }

  os::SysStatus Mount(const char* type, std::span<const os::FilesystemOption> options,
                      std::uint32_t flags, const std::string& target) {
    const auto tree = os::NewFilesystem(type, options, flags);
    if (!tree) return std::unexpected(tree.error());
    return AttachAt(tree->Get(), target, true);
  }

  os::SysStatus AttachAt(int tree, const std::string& target, bool directory) {
    if (target == "/") return AttachRoot(tree);
    const auto place = os::OpenInRoot(root_.Get(), target.c_str(), O_PATH | O_NOFOLLOW);
    if (!place) return std::unexpected(place.error());
    const auto found = os::StatFd(place->Get());
    if (!found) return std::unexpected(found.error());
    if (S_ISDIR(found->st_mode) != directory) return os::Fail(directory ? ENOTDIR : EISDIR);
    return os::Attach(tree, place->Get());
  }

  // The new root is attached over the old one's top, which no lookup from "/" sees; the detached
  // tree's own descriptor then leads to it.
  os::SysStatus AttachRoot(int tree) {
    const auto top = os::Open(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
    if (!top) return std::unexpected(top.error());
    if (const auto attached = os::Attach(tree, top->Get()); !attached) return attached;
    auto opened = os::Open(tree, ".", O_PATH | O_DIRECTORY);
    if (!opened) return std::unexpected(opened.error());
    root_ = std::move(*opened);
    return {};
  }

  os::SysStatus MakeMaskSource() {
    if (mask_source_made_) return {};
    if (auto done = os::MakeDirectory(root_.Get(), kMaskSource, 0700); !done) return done;
    const os::FilesystemOption options[] = {{"size", "4096"}, {"nr_inodes", "4"}};
    const auto tree = os::NewFilesystem("tmpfs", options, os::kNoSuid | os::kNoDev);
    if (!tree) return std::unexpected(tree.error());
    if (auto done = os::MakeFile(tree->Get(), "file", 0); !done) return done;
    if (auto done = os::MakeDirectory(tree->Get(), "directory", 0); !done) return done;
    const auto place = os::OpenInRoot(root_.Get(), kMaskSource, O_PATH | O_DIRECTORY);
    if (!place) return std::unexpected(place.error());
    mask_source_made_ = true;
    return os::Attach(tree->Get(), place->Get());
  }

  Prepared& prepared_;
  std::size_t index_ = 0;
  base::UniqueFd root_;
  bool mask_source_made_ = false;
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

os::SysStatus BuildRoot(Prepared& prepared, Failure& failure) {
  failure = {Stage::kPrivateMounts, 0, 0};
  if (const auto done = os::MakeMountsPrivate(); !done) return done;
  RootBuilder builder(prepared);
  for (std::size_t i = 0; i < prepared.plan->root.steps.size(); ++i) {
    failure = {Stage::kMount, static_cast<std::uint32_t>(i), 0};
    if (const auto done = builder.Do(i); !done) return done;
  }
  failure = {Stage::kEnterRoot, 0, 0};
  return builder.Enter();
}

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
