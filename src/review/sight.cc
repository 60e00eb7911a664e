#include "review/sight.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/text.h"
#include "sandbox/host_path.h"
#include "sandbox/pattern.h"

namespace bailey::review {
namespace {

using sandbox::IsWithin;

// What lies below `ancestor`: "/a/b" below "/a" is "/b"; a path below itself is "". A "*" in the
// path is any name. None where it lies elsewhere.
std::optional<std::string_view> Below(std::string_view path, std::string_view ancestor) {
  if (ancestor == "/") return path;
  const auto depth = static_cast<std::size_t>(std::ranges::count(ancestor, '/'));
  std::size_t end = 0;
  for (std::size_t i = 0; i < depth && end != std::string_view::npos; ++i)
    end = path.find('/', end + 1);
  if (end == std::string_view::npos) end = path.size();
  if (!sandbox::Matches(path.substr(0, end), ancestor)) return std::nullopt;
  return path.substr(end);
}

std::string Append(std::string_view directory, std::string_view below) {
  if (below.empty() || below == "/") return std::string(directory);
  return directory == "/" ? std::string(below) : fmt::format("{}{}", directory, below);
}

// Where on the host the mount's files are, as far as the kernel's own file systems go.
std::string SourceOf(const Mount& mount) {
  if (!mount.from.empty()) return PlainPath(mount.from);
  if (mount.type == "proc") return "/proc";
  if (mount.type == "sysfs") return "/sys";
  if (mount.type == "devtmpfs") return "/dev";
  return {};
}

// A bind that leaves behind what is mounted below its source does not show these.
bool IsLeftBehind(const Mount& mount, std::string_view source, std::string_view path) {
  if (mount.recursive) return false;
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"/proc", "/sys", "/dev"},
      [&](std::string_view top) { return IsWithin(path, top) && !IsWithin(source, top); });
}

}  // namespace

std::string PlainPath(std::string_view path) {
  std::vector<std::string_view> names;
  for (const std::string_view name : base::Split(path, '/')) {
    if (name.empty() || name == ".") continue;
    if (name != "..") {
      names.push_back(name);
    } else if (!names.empty()) {
      names.pop_back();
    }
  }
  if (names.size() >= 2 && names[0] == "var" && names[1] == "run") names.erase(names.begin());
  std::string plain;
  for (const std::string_view name : names) plain += fmt::format("/{}", name);
  return plain.empty() ? "/" : plain;
}

const Mount* MountAt(const Confinement& confinement, std::string_view inside) {
  const std::string path = PlainPath(inside);
  for (auto mount = confinement.mounts.rbegin(); mount != confinement.mounts.rend(); ++mount) {
    if (IsWithin(path, PlainPath(mount->to))) return &*mount;
  }
  return nullptr;
}

std::vector<Sight> SightsOf(const Confinement& confinement, std::string_view path) {
  const std::string wanted = PlainPath(path);
  std::vector<Sight> sights;
  for (const Mount& mount : confinement.mounts) {
    const std::string source = SourceOf(mount);
    if (source.empty() || mount.type == "mask") continue;
    const auto below = Below(wanted, source);
    if (!below || IsLeftBehind(mount, source, wanted)) continue;
    const std::string inside = Append(PlainPath(mount.to), *below);
    if (MountAt(confinement, inside) == &mount) sights.push_back({&mount, inside});
  }
  return sights;
}

std::vector<std::string> HomesOf(const Confinement& confinement) {
  std::set<std::string> homes;
  for (const Mount& mount : confinement.mounts) {
    for (const std::string& side : {mount.from, mount.to}) {
      const std::string plain = PlainPath(side);
      const auto names = base::Split(plain, '/');
      if (names.size() >= 3 && names[1] == "home") homes.insert(fmt::format("/home/{}", names[2]));
    }
  }
  if (homes.empty()) homes.insert("/home/*");
  if (confinement.runs_as_root != Known::kNo) homes.insert("/root");
  return {homes.begin(), homes.end()};
}

std::string ToString(const Mount& mount) {
  const std::string_view access = mount.writable ? "writable" : "read-only";
  if (mount.type == "mask") return fmt::format("the mask of {}", mount.to);
  if (mount.type == "device") return fmt::format("the device {}", mount.to);
  if (mount.from.empty()) return fmt::format("the {} {} on {}", access, mount.type, mount.to);
  return fmt::format("the {} bind of {} on {}", access, mount.from, mount.to);
}

}  // namespace bailey::review
