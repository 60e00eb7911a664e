#include "os/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <memory>
#include <set>

#include "base/text.h"
#include "os/file.h"

namespace bailey::os {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kFileLimit = 4 << 20;
constexpr std::string_view kPrefix = "bailey-";
// A process that has been killed is in its group until the kernel has taken it apart.
constexpr std::chrono::seconds kDyingPatience{1};
constexpr std::chrono::milliseconds kDyingPause{5};

std::vector<std::string> Words(std::string_view text, char separator) {
  std::vector<std::string> words;
  for (const std::string_view word : base::Split(base::Trim(text), separator))
    if (!word.empty()) words.emplace_back(word);
  return words;
}

struct HierarchyMount {
  std::string point, root, type, options;
};

std::vector<HierarchyMount> HierarchyMounts(std::string_view mountinfo) {
  std::vector<HierarchyMount> mounts;
  for (const std::string_view line : base::Split(mountinfo, '\n')) {
    const auto fields = base::Split(line, ' ');
    const auto dash = std::ranges::find(fields, std::string_view("-"));
    if (fields.size() < 7 || fields.end() - dash < 4) continue;
    if (!(dash + 1)->starts_with("cgroup")) continue;
    mounts.push_back({std::string(fields[4]), std::string(fields[3]), std::string(*(dash + 1)),
                      std::string(*(dash + 3))});
  }
  return mounts;
}

// Where `path`, as seen from the hierarchy's root, lies below a mount that shows `root` of it.
std::string Below(const HierarchyMount& mount, std::string_view path) {
  if (mount.root != "/" && path.starts_with(mount.root)) path.remove_prefix(mount.root.size());
  if (path.empty() || path == "/") return mount.point;
  return mount.point + std::string(path);
}

bool Has(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::count(words, word) > 0;
}

std::vector<pid_t> Processes(int directory) {
  std::vector<pid_t> processes;
  const auto text = ReadFile(directory, "cgroup.procs", kFileLimit);
  if (!text) return processes;
  for (const std::string& word : Words(*text, '\n'))
    if (const auto pid = base::ParseNumber(word)) processes.push_back(static_cast<pid_t>(*pid));
  return processes;
}

// One that has ended and that nobody has waited for yet makes and fills no group any more.
bool IsGone(pid_t pid) {
  if (::kill(pid, 0) != 0) return errno == ESRCH;
  const auto stat = ReadFile(AT_FDCWD, ("/proc/" + std::to_string(pid) + "/stat").c_str(), 4096);
  if (!stat) return false;
  // Behind the name, which may have anything in it.
  const std::size_t name = stat->rfind(") ");
  return name != stat->npos && stat->substr(name + 2, 1) == "Z";
}

struct StaleGroups {
  std::vector<std::string> removed;
  std::vector<std::string> busy;  // whose maker is gone, and where somebody still is
};

SysStatus RemoveStale(const std::string& parent, StaleGroups& groups) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(parent.c_str()), ::closedir);
  if (!directory) return LastErrno();
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name.starts_with(kPrefix)) {
      const auto pid = base::ParseNumber(base::Split(name, '-')[1]);
      const bool gone = pid && IsGone(static_cast<pid_t>(*pid));
      std::string path = parent + "/" + entry->d_name;
      if (gone && ::rmdir(path.c_str()) == 0)
        groups.removed.push_back(std::move(path));
      else if (gone && errno == EBUSY)
        groups.busy.push_back(std::move(path));
    }
    errno = 0;
  }
  if (errno != 0) return LastErrno();
  return {};
}

// Who is in these is not killed, but waited for: a maker that this process does not see may be in
// another PID namespace, and alive.
void AwaitTheDying(StaleGroups& groups) {
  const auto deadline = Clock::now() + kDyingPatience;
  while (!groups.busy.empty() && Clock::now() < deadline) {
    const timespec pause = {0, std::chrono::nanoseconds(kDyingPause).count()};
    (void)::nanosleep(&pause, nullptr);
    std::erase_if(groups.busy, [&](const std::string& path) {
      if (::rmdir(path.c_str()) == 0) {
        groups.removed.push_back(path);
        return true;
      }
      return errno != EBUSY;
    });
  }
}

}  // namespace

std::vector<CgroupPlace> ParseCgroups(std::string_view cgroup, std::string_view mountinfo) {
  const auto mounts = HierarchyMounts(mountinfo);
  std::vector<CgroupPlace> places;
  for (const std::string_view line : base::Split(cgroup, '\n')) {
    // "4:memory:/user" of version 1, "0::/user" of version 2. A path may have colons in it.
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    CgroupPlace place;
    place.controllers = Words(line.substr(first + 1, second - first - 1), ',');
    place.version = place.controllers.empty() ? 2 : 1;
    const auto mount = std::ranges::find_if(mounts, [&](const HierarchyMount& one) {
      if (place.version == 2) return one.type == "cgroup2";
      return one.type == "cgroup" &&
             Has(Words(one.options, ','), std::string_view(place.controllers.front()));
    });
    if (mount == mounts.end()) continue;
    place.mount = mount->point;
    place.path = Below(*mount, line.substr(second + 1));
    places.push_back(std::move(place));
  }
  return places;
}

SysResult<std::vector<CgroupPlace>> OwnCgroups() {
  const auto cgroup = ReadFile(AT_FDCWD, "/proc/self/cgroup", kFileLimit);
  if (!cgroup) return std::unexpected(cgroup.error());
  const auto mountinfo = ReadFile(AT_FDCWD, "/proc/self/mountinfo", kFileLimit);
  if (!mountinfo) return std::unexpected(mountinfo.error());
  auto places = ParseCgroups(*cgroup, *mountinfo);
  for (CgroupPlace& place : places) {
    if (place.version != 2) continue;
    auto controllers = CgroupWords(place.path, "cgroup.controllers");
    if (!controllers) return std::unexpected(controllers.error());
    place.controllers = *std::move(controllers);
  }
  return places;
}

SysResult<bool> CanMakeGroups(const std::string& directory) {
  for (const std::string& path : {directory, directory + "/cgroup.procs"}) {
    if (::access(path.c_str(), W_OK) == 0) continue;
    if (errno == EACCES || errno == EROFS || errno == ENOENT) return false;
    return LastErrno();
  }
  return true;
}

SysResult<std::vector<std::string>> CgroupWords(const std::string& directory, const char* file) {
  const auto text = ReadFile(AT_FDCWD, (directory + "/" + file).c_str(), kFileLimit);
  if (text) return Words(*text, ' ');
  if (text.error().value == ENOENT) return std::vector<std::string>();
  return std::unexpected(text.error());
}

SysStatus EnableControllers(const std::string& directory, std::string_view controllers) {
  if (controllers.empty()) return {};
  return WriteFile(AT_FDCWD, (directory + "/cgroup.subtree_control").c_str(), controllers);
}

SysResult<Cgroup> Cgroup::Make(const std::string& parent, const std::string& name) {
  std::string path = parent + "/" + name;
  if (::mkdir(path.c_str(), 0755) != 0) return LastErrno();
  auto directory = Open(AT_FDCWD, path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW);
  Cgroup made(std::move(path), directory ? std::move(*directory) : base::UniqueFd());
  if (!directory) return std::unexpected(directory.error());
  return made;
}

Cgroup::Cgroup(Cgroup&& other) noexcept
    : path_(std::exchange(other.path_, std::string())), directory_(std::move(other.directory_)) {}

Cgroup::~Cgroup() {
  if (path_.empty()) return;
  // A process that has ended is counted until it is reaped, and one that is being killed for a
  // moment longer: a second is far more than either takes.
  for (int tries = 0; tries < 1000 && ::rmdir(path_.c_str()) != 0 && errno == EBUSY; ++tries) {
    for (const pid_t process : Processes(directory_.Get())) (void)::kill(process, SIGKILL);
    const timespec pause = {0, 1'000'000};
    (void)::nanosleep(&pause, nullptr);
  }
}

SysStatus Cgroup::Write(const char* file, std::string_view value) const {
  return WriteFile(directory_.Get(), file, value);
}

SysStatus Cgroup::Add(pid_t process) const {
  char text[16];
  const auto end = std::to_chars(text, text + sizeof(text), process).ptr;
  return Write("cgroup.procs", {text, static_cast<std::size_t>(end - text)});
}

SysResult<std::uint64_t> Cgroup::Read(const char* file, std::string_view key) const {
  const auto text = ReadFile(directory_.Get(), file, kFileLimit);
  if (!text) return std::unexpected(text.error());
  for (const std::string_view line : base::Split(*text, '\n')) {
    std::string_view number = line;
    if (!key.empty()) {
      if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') continue;
      number.remove_prefix(key.size() + 1);
    }
    if (const auto value = base::ParseNumber(number)) return *value;
    return Fail(EINVAL);
  }
  return Fail(ENOENT);
}

SysResult<std::vector<std::string>> RemoveStaleCgroups(const std::string& parent) {
  // Where somebody is still in one, the next start tries again.
  StaleGroups groups;
  if (const auto done = RemoveStale(parent, groups); !done) return std::unexpected(done.error());
  return std::move(groups.removed);
}

SysResult<std::vector<std::string>> RemoveAllStaleCgroups() {
  const auto places = OwnCgroups();
  if (!places) return std::unexpected(places.error());
  std::set<std::string> mounts;
  for (const CgroupPlace& place : *places) mounts.insert(place.mount);
  StaleGroups groups;
  for (const std::string& mount : mounts) {
    std::vector<std::string> pending = {mount};
    while (!pending.empty()) {
      const std::string directory = std::move(pending.back());
      pending.pop_back();
      // Groups of others come and go meanwhile, and some may not be looked into.
      if (!RemoveStale(directory, groups)) continue;
      std::error_code error;
      for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
           it.increment(error))
        if (it->is_directory(error)) pending.push_back(it->path().string());
    }
  }
  AwaitTheDying(groups);
  return std::move(groups.removed);
}

}  // namespace bailey::os
