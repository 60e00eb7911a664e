#include "sandbox/readback.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "os/file.h"
#include "os/process.h"
#include "sandbox/host_path.h"

namespace bailey::sandbox {
namespace {

constexpr std::size_t kProcFileLimit = 4 << 20;

base::Error Differs(std::string_view what, std::string_view planned, std::string_view found) {
  return base::Violation(
      fmt::format("read back {}: planned {}, found {}", what, planned, base::Escape(found)));
}

std::string Get(const std::map<std::string, std::string>& status, const std::string& key) {
  const auto found = status.find(key);
  return found == status.end() ? "" : found->second;
}

std::string Unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                               (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool HasOption(const MountLine& line, std::string_view option) {
  std::string_view rest = line.options;
  while (!rest.empty()) {
    const std::string_view first = rest.substr(0, rest.find(','));
    if (first == option) return true;
    rest.remove_prefix(std::min(first.size() + 1, rest.size()));
  }
  return false;
}

std::optional<WantedMount> Want(const Step& step) {
  if (const auto* bind = std::get_if<BindMount>(&step))
    return WantedMount{bind->target, bind->kept.empty() ? "" : "overlay", !bind->write,
                       bind->device, bind->directory};
  if (const auto* tmpfs = std::get_if<TmpfsMount>(&step))
    return WantedMount{tmpfs->target, "tmpfs", tmpfs->seal, false, false};
  if (const auto* proc = std::get_if<ProcMount>(&step))
    return WantedMount{proc->target, "proc", true, false, false};
  if (const auto* devpts = std::get_if<DevptsMount>(&step))
    return WantedMount{devpts->target, "devpts", false, true, false};
  if (const auto* pin = std::get_if<Pin>(&step))
    return WantedMount{pin->target, "", false, false, true};
  if (const auto* overlay = std::get_if<OverlayMount>(&step)) {
    const bool write = overlay->in_memory || !overlay->upper.empty();
    return WantedMount{overlay->target, "overlay", !write, false, false};
  }
  if (const auto* mask = std::get_if<Mask>(&step))
    return WantedMount{mask->target, "tmpfs", true, false, false};
  return std::nullopt;
}

base::Status CompareMount(const WantedMount& wanted, const MountLine& found) {
  const auto differs = [&](std::string_view planned, std::string_view is) {
    return Differs(fmt::format("mount {}", wanted.target), planned, is);
  };
  if (!wanted.type.empty() && found.type != wanted.type) return differs(wanted.type, found.type);
  if (wanted.read_only && !HasOption(found, "ro")) return differs("ro", found.options);
  if (!HasOption(found, "nosuid")) return differs("nosuid", found.options);
  if (!wanted.device && !HasOption(found, "nodev")) return differs("nodev", found.options);
  return {};
}

base::Result<std::string> ReadProc(int pid, const char* name) {
  const std::string path = fmt::format("/proc/{}/{}", pid, name);
  auto text = os::ReadFile(AT_FDCWD, path.c_str(), kProcFileLimit);
  if (!text) return base::SystemError(fmt::format("read back {}", path), text.error().value);
  return std::move(*text);
}

base::Result<std::size_t> FiltersOf(std::string_view name,
                                    const std::map<std::string, std::string>& status) {
  const auto number = base::ParseNumber(Get(status, "Seccomp_filters"));
  if (!number) return Differs(name, "a number of filters", Get(status, "Seccomp_filters"));
  return static_cast<std::size_t>(*number);
}

struct NamespaceFile {
  os::Namespace flag;
  const char* name;
};
constexpr std::array<NamespaceFile, 7> kNamespaceFiles = {{{os::kUserNamespace, "user"},
                                                           {os::kMountNamespace, "mnt"},
                                                           {os::kPidNamespace, "pid"},
                                                           {os::kIpcNamespace, "ipc"},
                                                           {os::kUtsNamespace, "uts"},
                                                           {os::kCgroupNamespace, "cgroup"},
                                                           {os::kNetworkNamespace, "net"}}};

// `of`: a pid, or "self". In the order of kNamespaceFiles.
base::Result<std::vector<std::string>> ReadNamespaces(std::string_view of) {
  std::vector<std::string> links;
  for (const NamespaceFile& file : kNamespaceFiles) {
    const std::string path = fmt::format("/proc/{}/ns/{}", of, file.name);
    auto link = os::ReadLink(AT_FDCWD, path.c_str());
    if (!link) return base::SystemError(fmt::format("read back {}", path), link.error().value);
    links.push_back(*std::move(link));
  }
  return links;
}

base::Result<Enforced> CompareNamespaces(const Plan& plan, const std::vector<std::string>& ours,
                                         int payload) {
  const auto theirs = ReadNamespaces(fmt::format("{}", payload));
  if (!theirs) return theirs.error();
  std::vector<std::string_view> own;
  for (std::size_t i = 0; i < kNamespaceFiles.size(); ++i) {
    const auto& [flag, name] = kNamespaceFiles[i];
    if ((plan.namespaces & flag) == 0) continue;
    if ((*theirs)[i] == ours[i])
      return Differs(fmt::format("namespace {}", name), "a new one", ours[i]);
    own.push_back(name);
  }
  return Enforced{"namespaces", fmt::format("{}", fmt::join(own, " "))};
}

// A working directory of the old root would be a way out of the new one (CVE-2024-21626).
base::Status CheckWorkdir(int payload, const std::vector<std::uint64_t>& mounts) {
  const std::string path = fmt::format("/proc/{}/cwd", payload);
  const auto mount = os::MountIdOf(AT_FDCWD, path.c_str());
  if (!mount) return base::SystemError(fmt::format("read back {}", path), mount.error().value);
  if (std::ranges::count(mounts, *mount) == 0)
    return Differs("working directory", "one inside", fmt::format("one on mount {}", *mount));
  return {};
}

}  // namespace

std::map<std::string, std::string> ParseStatus(std::string_view text) {
  std::map<std::string, std::string> status;
  for (const std::string_view line : base::Split(text, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    status[std::string(line.substr(0, colon))] = base::Trim(line.substr(colon + 1));
  }
  return status;
}

std::vector<MountLine> ParseMountinfo(std::string_view text) {
  std::vector<MountLine> mounts;
  for (const std::string_view line : base::Split(text, '\n')) {
    const auto fields = base::Split(line, ' ');
    const auto dash = std::ranges::find(fields, std::string_view("-"));
    if (fields.size() < 7 || fields.end() - dash < 2) continue;
    mounts.push_back({Unescape(fields[4]), std::string(fields[5]), std::string(*(dash + 1)),
                      base::ParseNumber(fields[0]).value_or(0)});
  }
  return mounts;
}

base::Result<std::vector<Enforced>> CompareStatus(
    const Plan& plan, std::size_t filters, const std::map<std::string, std::string>& status) {
  std::vector<Enforced> enforced;
  const Identity& identity = plan.identity;
  const auto four = [](std::uint32_t id) { return fmt::format("{0}\t{0}\t{0}\t{0}", id); };
  struct Row {
    const char* key;
    std::string planned;
  };
  const std::string kept = fmt::format("{:016x}", plan.capabilities);
  std::vector<Row> rows = {{"NoNewPrivs", "1"},
                           {"Seccomp", "2"},
                           {"Seccomp_filters", fmt::format("{}", filters)},
                           {"CapInh", kept},
                           {"CapPrm", kept},
                           {"CapEff", kept},
                           {"CapAmb", kept},
                           {"Uid", four(identity.outside_uid)},
                           {"Gid", four(identity.outside_gid)}};
  // Without a user namespace only a privileged caller could empty it; no_new_privs makes it moot.
  if (HasNamespaces(plan)) rows.push_back({"CapBnd", kept});
  if (identity.privileged) rows.push_back({"Groups", ""});
  for (const Row& row : rows) {
    const std::string found = Get(status, row.key);
    if (found != row.planned) return Differs(row.key, row.planned, found);
  }
  enforced.push_back({"no_new_privs", "set"});
  enforced.push_back(
      {"capabilities",
       plan.capabilities == 0 ? "none" : fmt::format("{}", fmt::join(plan.capability_names, " "))});
  enforced.push_back(
      {"ids", fmt::format("{}:{} inside, {}:{} on the host", identity.inside_uid,
                          identity.inside_gid, identity.outside_uid, identity.outside_gid)});
  return enforced;
}

WantedMounts WantMounts(const RootPlan& root) {
  WantedMounts wanted;
  for (const Step& step : root.steps)
    if (auto mount = Want(step)) wanted[mount->target] = *std::move(mount);
  return wanted;
}

base::Result<Enforced> CompareMounts(const WantedMounts& wanted,
                                     const std::vector<MountLine>& mounts) {
  // Of several mounts at one place the last one is on top, in the plan as in the kernel's list.
  std::map<std::string_view, const MountLine*> found;
  for (const MountLine& line : mounts) found[line.point] = &line;
  for (const auto& [target, mount] : wanted) {
    const auto line = found.find(target);
    if (line == found.end()) return Differs(fmt::format("mount {}", target), "a mount", "none");
    if (const auto same = CompareMount(mount, *line->second); !same) return same.error();
  }
  for (const MountLine& line : mounts) {
    if (wanted.contains(line.point)) continue;
    // The innermost planned mount that this one is in; a mount that came along with a bind must
    // be as closed as the bind.
    std::string_view around = line.point;
    while (around != "/" && !wanted.contains(around)) around = Parent(around);
    const auto outer = wanted.find(around);
    if (outer == wanted.end() || !outer->second.recursive)
      return Differs("mounts", "nothing at " + line.point, line.type);
    const WantedMount inner = {line.point, "", outer->second.read_only, false, true};
    if (const auto same = CompareMount(inner, line); !same) return same.error();
  }
  return Enforced{"mounts", fmt::format("{} as planned", mounts.size())};
}

base::Result<Expected> Expect(const Plan& plan) {
  const auto status = os::ReadFile(AT_FDCWD, "/proc/self/status", kProcFileLimit);
  if (!status) return base::SystemError("read back /proc/self/status", status.error().value);
  const auto filters = FiltersOf("own status", ParseStatus(*status));
  if (!filters) return filters.error();
  auto namespaces = ReadNamespaces("self");
  if (!namespaces) return namespaces.error();
  return Expected{WantMounts(plan.root), *std::move(namespaces), *filters};
}

base::Result<RootFound> ReadBackRoot(const Plan& plan, const Expected& expected, int payload) {
  const auto mountinfo = ReadProc(payload, "mountinfo");
  if (!mountinfo) return mountinfo.error();
  const auto lines = ParseMountinfo(*mountinfo);
  auto mounts = CompareMounts(expected.mounts, lines);
  if (!mounts) return mounts.error();
  auto namespaces = CompareNamespaces(plan, expected.namespaces, payload);
  if (!namespaces) return namespaces.error();
  RootFound found;
  found.enforced = {std::move(*namespaces), std::move(*mounts)};
  for (const MountLine& line : lines) found.mounts.push_back(line.id);
  return found;
}

base::Status ReadBackPid1(int pid1) {
  const auto text = ReadProc(pid1, "status");
  if (!text) return text.error();
  const auto status = ParseStatus(*text);
  if (Get(status, "Seccomp") != "2") return Differs("PID 1's seccomp", "2", Get(status, "Seccomp"));
  if (Get(status, "CapEff") != "0000000000000000")
    return Differs("PID 1's capabilities", "none", Get(status, "CapEff"));
  return {};
}

base::Result<std::vector<Enforced>> ReadBackLayers(const Plan& plan, const Expected& expected,
                                                   std::span<const std::size_t> instructions,
                                                   int payload, RootFound root) {
  const auto status = ReadProc(payload, "status");
  if (!status) return status.error();
  auto layers = CompareStatus(plan, expected.filters + instructions.size(), ParseStatus(*status));
  if (!layers) return layers;
  if (HasNamespaces(plan)) {
    if (const auto inside = CheckWorkdir(payload, root.mounts); !inside) return inside.error();
  }
  std::vector<Enforced> enforced = std::move(root.enforced);
  std::ranges::move(*layers, std::back_inserter(enforced));
  enforced.push_back(
      {"seccomp", fmt::format("filter{} of {} instructions", instructions.size() == 1 ? "" : "s",
                              fmt::join(instructions, " and "))});
  if (plan.landlock.abi > 0) {
    enforced.push_back({"landlock", fmt::format("version {}, {} rules", plan.landlock.abi,
                                                plan.landlock.rules.size())});
  }
  return enforced;
}

}  // namespace bailey::sandbox
