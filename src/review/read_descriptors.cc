#include "review/read_descriptors.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>

#include "base/text.h"
#include "os/file.h"
#include "review/fact.h"

namespace bailey::review {
namespace {

constexpr std::size_t kLimit = 1 << 20;

struct Info {
  std::uint64_t flags = 0;
  std::optional<int> mount;
};

Info ReadInfo(int process, const std::string& number) {
  Info info;
  const auto text = os::ReadFile(process, fmt::format("fdinfo/{}", number).c_str(), kLimit);
  if (!text) return info;
  for (const std::string_view line : base::Split(*text, '\n')) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, colon), value = base::Trim(line.substr(colon + 1));
    if (key == "flags") info.flags = base::ParseNumber(value).value_or(0);
    if (key == "mnt_id") info.mount = static_cast<int>(base::ParseNumber(value).value_or(0));
  }
  return info;
}

// Whether a socket of this number is in the host's network namespace.
bool IsOfTheHost(std::string_view inode) {
  for (const char* const table : {"/proc/1/net/tcp", "/proc/1/net/tcp6", "/proc/1/net/udp",
                                  "/proc/1/net/udp6", "/proc/1/net/raw"}) {
    const auto text = os::ReadFile(AT_FDCWD, table, 16 * kLimit);
    if (!text) continue;
    for (const std::string_view line : base::Split(*text, '\n')) {
      std::vector<std::string_view> fields;
      for (const std::string_view field : base::Split(line, ' '))
        if (!field.empty()) fields.push_back(field);
      if (fields.size() > 9 && fields[9] == inode) return true;
    }
  }
  return false;
}

// What it is, in the words that the finder looks for; empty: nothing that leads out.
std::string Classify(const std::string& target, const struct stat& status, bool is_outside,
                     const Confinement& confinement) {
  const bool has_own_network = Is(confinement, Namespace::kNetwork, Known::kYes);
  if (target.starts_with("socket:[")) {
    const std::string_view inode = std::string_view(target).substr(8, target.size() - 9);
    if (has_own_network && IsOfTheHost(inode)) return "inet socket " + target;
    return "socket " + target;
  }
  if (target.starts_with("anon_inode:[pidfd]") || target.starts_with("pidfd:"))
    return Is(confinement, Namespace::kPid, Known::kYes) ? "pidfd " + target : "";
  if (target.starts_with("anon_inode:kvm")) return "kvm " + target;
  for (const std::string_view kind : {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"})
    if (target.starts_with(fmt::format("{}:[", kind))) return "namespace " + target;
  if (S_ISBLK(status.st_mode)) return "block device " + target;
  if (target == "/dev/mem" || target == "/dev/kmem" || target == "/dev/port")
    return "memory " + target;
  if (!is_outside) return {};
  if (S_ISDIR(status.st_mode)) return "directory " + target;
  if (target.starts_with("/proc/")) return "proc " + target;
  return "file " + target;
}

}  // namespace

os::SysResult<std::vector<Descriptor>> ReadDescriptors(int process, const std::set<int>& mounts,
                                                       const Confinement& confinement) {
  std::error_code error;
  std::set<int> numbers;
  const std::string directory = fmt::format("/proc/self/fd/{}/fd", process);
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (const auto number = base::ParseNumber(entry->path().filename().string()))
      numbers.insert(static_cast<int>(*number));
  }
  if (error) return os::Fail(error.value());
  std::vector<Descriptor> descriptors;
  for (const int number : numbers) {
    const std::string link = fmt::format("fd/{}", number);
    const auto target = os::ReadLink(process, link.c_str());
    const auto status = os::Stat(process, link.c_str(), true);
    // Closed meanwhile.
    if (!target || !status) continue;
    const Info info = ReadInfo(process, fmt::format("{}", number));
    const bool is_outside = info.mount && !mounts.empty() && !mounts.contains(*info.mount);
    std::string what = Classify(*target, *status, is_outside, confinement);
    if (what.empty()) continue;
    descriptors.push_back({number, std::move(what), (info.flags & O_ACCMODE) != O_RDONLY});
  }
  return descriptors;
}

}  // namespace bailey::review
