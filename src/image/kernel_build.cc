#include "image/kernel_build.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>

#include "base/text.h"
#include "image/tool.h"
#include "os/file.h"
#include "os/tree.h"

namespace bailey::image {
namespace {

constexpr const char* kSources = "/usr/src";
constexpr std::size_t kMostConfiguration = 4 << 20;
constexpr std::string_view kScratch = ".bailey-kernel-";
constexpr int kTries = 8;

base::Error Cannot(std::string_view verb, std::string_view object, os::Errno error) {
  return base::SystemError(fmt::format("{} {}", verb, object), error.value);
}

base::Result<std::string> FindSource(const std::string& named) {
  if (!named.empty()) {
    std::error_code error;
    const auto path = std::filesystem::canonical(named, error);
    if (error) return base::SystemError("open " + base::Escape(named), error.value());
    return path.string();
  }
  std::string newest;
  if (const auto place = os::Open(AT_FDCWD, kSources, O_RDONLY | O_DIRECTORY)) {
    const auto names = os::Names(place->Get());
    if (!names) return Cannot("look into", kSources, names.error());
    for (const std::string& name : *names)
      if (name.starts_with("linux-source-") && name.ends_with(".tar.xz"))
        newest = fmt::format("{}/{}", kSources, name);
  }
  if (newest.empty())
    return base::Unsupported(
        fmt::format("find the kernel's source: there is no linux-source-*.tar.xz in {} (Debian's "
                    "package linux-source has it; --source names another)",
                    kSources));
  return newest;
}

os::SysResult<base::UniqueFd> OpenScratch(int place, const std::string& name) {
  return os::Open(place, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

// Two gigabytes each, that builders have left who were killed: nobody holds the lock any more. What
// is somebody else's, or cannot be removed, stays.
void RemoveAbandoned(int place) {
  const auto names = os::Names(place);
  if (!names) return;
  for (const std::string& name : *names) {
    if (!name.starts_with(kScratch)) continue;
    const auto scratch = OpenScratch(place, name);
    const auto found = scratch ? os::StatFd(scratch->Get()) : std::unexpected(scratch.error());
    if (!found || found->st_uid != ::geteuid()) continue;
    const auto free = os::TryLock(scratch->Get(), os::Lock::kExclusive);
    if (free && *free) (void)os::RemoveTree(place, name);
  }
}

// The source, unpacked and configured in a directory that is gone with this object.
class Work {
 public:
  static base::Result<Work> Begin(const KernelSource& source) {
    const auto archive = FindSource(source.archive);
    if (!archive) return archive.error();
    Work work;
    std::string place = std::filesystem::path(source.directory).parent_path().string();
    if (place.empty()) place = ".";
    if (const auto made = work.MakeScratch(place); !made) return made.error();
    if (const auto done = work.Run({"tar", "--xz", "--extract", "--strip-components=1", "--file",
                                    *archive, "--directory", work.path_},
                                   "unpack the kernel's source");
        !done)
      return done.error();
    return work;
  }
  Work(Work&& other) noexcept
      : place_(std::move(other.place_)),
        held_(std::move(other.held_)),
        name_(std::exchange(other.name_, "")),
        path_(std::move(other.path_)) {}
  Work& operator=(Work&&) = delete;
  ~Work() {
    if (!name_.empty()) (void)os::RemoveTree(place_.Get(), name_);
  }

  base::Status Make(std::vector<std::string> words) {
    words.insert(words.begin(), {"make", "--directory", path_, "--silent", "ARCH=x86_64"});
    return Run(std::move(words), "build the kernel");
  }
  base::Result<std::string> Configure() {
    if (const auto made = Make({"tinyconfig"}); !made) return made.error();
    auto configuration = Read(".config");
    if (!configuration) return configuration.error();
    *configuration += GuestKernelOptions();
    const auto written = os::WriteFile(AT_FDCWD, (path_ + "/.config").c_str(), *configuration);
    if (!written) return Cannot("write", "the kernel's configuration", written.error());
    if (const auto made = Make({"olddefconfig"}); !made) return made.error();
    configuration = Read(".config");
    if (!configuration) return configuration.error();
    const std::string missing = MissingOptions(GuestKernelOptions(), *configuration);
    if (!missing.empty())
      return base::Unsupported("configure the kernel: this source does not have " + missing);
    return configuration;
  }
  base::Result<std::string> Read(const std::string& name) const {
    auto text = os::ReadFile(AT_FDCWD, (path_ + "/" + name).c_str(), kMostConfiguration);
    if (!text) return Cannot("read", "the kernel's " + name, text.error());
    return *std::move(text);
  }
  const std::string& Path() const { return path_; }

 private:
  Work() = default;
  base::Status MakeScratch(const std::string& place) {
    const std::string what = "make a directory in " + base::Escape(place);
    auto opened = os::Open(AT_FDCWD, place.c_str(), O_RDONLY | O_DIRECTORY);
    if (!opened) return base::SystemError(what, opened.error().value);
    place_ = *std::move(opened);
    RemoveAbandoned(place_.Get());
    // Until it is held, another builder may take it for an abandoned one.
    for (int tries = 0; tries < kTries; ++tries) {
      std::string path = fmt::format("{}/{}XXXXXX", place, kScratch);
      if (!::mkdtemp(path.data())) return base::SystemError(what, errno);
      name_ = path.substr(place.size() + 1);
      path_ = std::filesystem::absolute(path).string();
      if (Hold()) return {};
    }
    return base::SystemError(what, EBUSY);
  }
  bool Hold() {
    auto opened = OpenScratch(place_.Get(), name_);
    const auto locked =
        opened ? os::TryLock(opened->Get(), os::Lock::kExclusive) : std::unexpected(opened.error());
    if (!locked || !*locked) return false;
    held_ = *std::move(opened);
    return os::Stat(place_.Get(), name_.c_str(), false).has_value();
  }
  static base::Status Run(std::vector<std::string> words, const char* what) {
    Tool tool;
    tool.argv = std::move(words);
    tool.what = what;
    tool.variable = kEpoch;
    tool.is_alone = true;
    return RunTool(tool);
  }
  base::UniqueFd place_, held_;
  std::string name_, path_;  // of the scratch directory: in its place, and from the root
};

}  // namespace

std::string MissingOptions(std::string_view wanted, std::string_view made) {
  std::set<std::string_view> all;
  for (const std::string_view line : base::Split(made, '\n')) all.insert(line);
  std::string missing;
  for (const std::string_view line : base::Split(wanted, '\n')) {
    const bool unset = line.starts_with("# CONFIG_") && line.ends_with(" is not set");
    if (!unset && !line.starts_with("CONFIG_")) continue;
    if (all.contains(line)) continue;
    // What cannot be set in this source is not set.
    const std::string_view name = line.substr(2, line.size() - 2 - sizeof(" is not set") + 1);
    if (unset && made.find(fmt::format("\n{}=", name)) == made.npos) continue;
    missing += fmt::format("{}{}", missing.empty() ? "" : ", ", line);
  }
  return missing;
}

base::Result<std::string> ConfigureKernel(const KernelSource& source) {
  auto work = Work::Begin(source);
  if (!work) return work.error();
  return work->Configure();
}

base::Result<std::string> BuildKernel(const KernelSource& source) {
  std::error_code error;
  if (std::filesystem::exists(source.directory, error))
    return base::InvalidInput(
        fmt::format("make {}: it is there already", base::Escape(source.directory)));
  auto work = Work::Begin(source);
  if (!work) return work.error();
  if (const auto configured = work->Configure(); !configured) return configured.error();
  if (const auto made = work->Make({fmt::format("--jobs={}", source.jobs), "vmlinux"}); !made)
    return made.error();
  auto release = work->Read("include/config/kernel.release");
  if (!release) return release.error();
  const std::string kernel = work->Path() + "/bailey-kernel";
  const auto begun = os::MakeDirectory(AT_FDCWD, kernel.c_str(), 0755);
  if (!begun) return Cannot("make", kernel, begun.error());
  auto moved = os::Rename((work->Path() + "/vmlinux").c_str(), (kernel + "/vmlinux").c_str());
  if (moved) moved = os::MakeFile(AT_FDCWD, (kernel + "/release").c_str(), 0644);
  if (moved) moved = os::WriteFile(AT_FDCWD, (kernel + "/release").c_str(), *release);
  if (moved) moved = os::Rename(kernel.c_str(), source.directory.c_str());
  if (!moved) return Cannot("make", base::Escape(source.directory), moved.error());
  return std::string(base::Trim(*release));
}

}  // namespace bailey::image
