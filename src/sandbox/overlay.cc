#include "sandbox/overlay.h"

#include <fcntl.h>
#include <stdio.h>

#include <algorithm>
#include <array>

#include "os/file.h"
#include "os/mount.h"

namespace bailey::sandbox {
namespace {

constexpr const char* kMemory = ".bailey-overlay";
// As many as their descriptors' names have room for in one option of the kernel's (fs/fsopen.c).
constexpr std::size_t kMostLayers = 120;

os::SysResult<base::UniqueFd> OpenDirectory(const std::string& path) {
  return os::Open(AT_FDCWD, path.c_str(), O_PATH | O_DIRECTORY);
}

os::SysResult<base::UniqueFd> MakeNumbered(int directory, const char* format, unsigned number) {
  std::array<char, 32> name;
  (void)::snprintf(name.data(), name.size(), format, number);
  if (const auto made = os::MakeDirectory(directory, name.data(), 0755); !made)
    return std::unexpected(made.error());
  return os::Open(directory, name.data(), O_PATH | O_DIRECTORY);
}

}  // namespace

os::SysStatus Overlays::Begin(std::span<const Step> steps) {
  const bool any = std::ranges::any_of(
      steps, [](const Step& step) { return std::holds_alternative<OverlayMount>(step); });
  return any ? Begin() : os::SysStatus();
}

os::SysStatus Overlays::Begin() {
  auto opened = os::Open(AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY);
  if (!opened) return std::unexpected(opened.error());
  descriptors_ = std::move(*opened);
  return {};
}

os::SysResult<base::UniqueFd> Overlays::Make(const OverlayMount& overlay, int root) {
  std::array<base::UniqueFd, kMostLayers> opened;
  std::array<int, kMostLayers> lower;
  if (overlay.lower.size() > kMostLayers) return os::Fail(E2BIG);
  for (std::size_t i = 0; i < overlay.lower.size(); ++i) {
    auto layer = OpenDirectory(overlay.lower[i]);
    if (!layer) return std::unexpected(layer.error());
    opened[i] = std::move(*layer);
    lower[i] = opened[i].Get();
  }
  auto changes = MakeChanges(overlay, root);
  if (!changes) return std::unexpected(changes.error());
  return os::NewOverlay(descriptors_.Get(), std::span(lower).first(overlay.lower.size()),
                        changes->upper.Get(), changes->work.Get());
}

os::SysResult<Overlays::Changes> Overlays::MakeChanges(const OverlayMount& overlay, int root) {
  if (overlay.in_memory) return MakeInMemory(root);
  if (overlay.upper.empty()) return Changes{};
  auto upper = OpenDirectory(overlay.upper);
  if (!upper) return std::unexpected(upper.error());
  auto work = OpenDirectory(overlay.work);
  if (!work) return std::unexpected(work.error());
  return Changes{std::move(*upper), std::move(*work)};
}

// The kernel takes no layer that is not mounted somewhere (fs/namespace.c, clone_private_mount,
// before 6.15); each overlay keeps its own copy of the mount.
os::SysResult<Overlays::Changes> Overlays::MakeInMemory(int root) {
  if (!memory_.IsOpen()) {
    if (const auto made = os::MakeDirectory(root, kMemory, 0700); !made)
      return std::unexpected(made.error());
    const os::FilesystemOption options[] = {{"mode", "0700"}};
    auto tree = os::NewFilesystem("tmpfs", options, os::kNoSuid | os::kNoDev);
    if (!tree) return std::unexpected(tree.error());
    const auto place = os::OpenInRoot(root, kMemory, O_PATH | O_DIRECTORY);
    if (!place) return std::unexpected(place.error());
    if (const auto done = os::Attach(tree->Get(), place->Get()); !done)
      return std::unexpected(done.error());
    memory_ = std::move(*tree);
    auto kept = os::Open(root, ".", O_PATH | O_DIRECTORY);
    if (!kept) return std::unexpected(kept.error());
    root_ = std::move(*kept);
  }
  auto upper = MakeNumbered(memory_.Get(), "upper-%u", count_);
  if (!upper) return std::unexpected(upper.error());
  auto work = MakeNumbered(memory_.Get(), "work-%u", count_);
  if (!work) return std::unexpected(work.error());
  ++count_;
  return Changes{std::move(*upper), std::move(*work)};
}

os::SysStatus Overlays::Finish() {
  if (!memory_.IsOpen()) return {};
  if (const auto done = os::Detach(root_.Get(), kMemory); !done) return done;
  return os::RemoveDirectory(root_.Get(), kMemory);
}

}  // namespace bailey::sandbox
