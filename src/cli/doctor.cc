// bailey doctor: what this host can enforce, and why not.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/scope.h"
#include "network/nat.h"
#include "os/cgroup.h"
#include "os/file.h"
#include "os/host.h"
#include "os/identity.h"
#include "os/landlock.h"
#include "os/process.h"
#include "sandbox/limits.h"

namespace bailey::cli {
namespace {

enum class State : std::uint8_t { kYes, kNo, kNote };

struct Finding {
  std::string subject;
  State state = State::kYes;
  std::string detail;
};

const char* Name(State state) {
  switch (state) {
    case State::kYes:
      return "yes";
    case State::kNo:
      return "no";
    case State::kNote:
      return "note";
  }
  return "";
}

std::string Cause(os::Errno error) { return base::SystemError("", error.value).text.substr(2); }

// Why namespaces cannot be made is a setting, and which one is what a person needs to know.
std::string WhyNoNamespaces(os::Errno error) {
  // The kernel's answer at its limit (kernel/user_namespace.c), of which zero is one.
  if (error.value == ENOSPC) {
    return os::ReadSetting("/proc/sys/user/max_user_namespaces") == "0"
               ? "switched off by sysctl user.max_user_namespaces = 0"
               : Cause(error) + ": a limit of sysctl user.max_..._namespaces is reached";
  }
  if (error.value != EPERM && error.value != EACCES) return Cause(error);
  if (os::ReadSetting("/proc/sys/kernel/unprivileged_userns_clone") == "0")
    return "switched off by sysctl kernel.unprivileged_userns_clone = 0";
  if (os::ReadSetting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1")
    return "restricted by AppArmor (kernel.apparmor_restrict_unprivileged_userns = 1): the profile "
           "that comes with bailey allows it (share/bailey/apparmor/bailey, for /etc/apparmor.d)";
  return Cause(error) +
         ": a seccomp filter or a security module around this process forbids it, as container "
         "engines' default profiles do";
}

Finding UserNamespaces() {
  const auto made = os::TryUserNamespace(true);
  if (made) return {"namespaces", State::kYes, "user, mount, pid, ipc, uts, cgroup, network"};
  const auto bare = os::TryUserNamespace(false);
  if (!bare) return {"namespaces", State::kNo, WhyNoNamespaces(bare.error())};
  return {"namespaces", State::kNo,
          "user namespaces work, the others do not: " + WhyNoNamespaces(made.error())};
}

// What newer versions can refuse and this one cannot.
std::string LandlockLacks(int abi) {
  constexpr std::pair<int, const char*> kSince[] = {
      {3, "truncation"}, {5, "ioctls of devices"}, {6, "abstract sockets and signals"}};
  std::string lacks;
  for (const auto& [version, what] : kSince)
    if (abi < version) lacks += (lacks.empty() ? "" : ", ") + std::string(what);
  return lacks.empty() ? "" : ": mounts and namespaces alone keep " + lacks;
}

Finding Landlock() {
  const auto abi = os::LandlockAbi();
  if (abi) return {"landlock", State::kYes, fmt::format("version {}{}", *abi, LandlockLacks(*abi))};
  if (abi.error().value == EOPNOTSUPP)
    return {"landlock", State::kNo, "built into the kernel, but not enabled at boot (lsm=...)"};
  return {"landlock", State::kNo, Cause(abi.error())};
}

Finding Seccomp() {
  constexpr unsigned kKillProcess = 0x80000000;
  constexpr unsigned kUserNotify = 0x7fc00000;
  if (!os::HasSeccompAction(kKillProcess))
    return {"seccomp", State::kNo, "filters that kill a process need Linux 4.14"};
  return {"seccomp", State::kYes,
          os::HasSeccompAction(kUserNotify) ? "filters, with user notification"
                                            : "filters, without user notification (Linux 5.0)"};
}

Finding Mounts() {
  // A path that cannot exist: ENOSYS says that the call does not, anything else that it does.
  const auto opened = os::OpenInRoot(AT_FDCWD, "", O_PATH);
  if (!opened && opened.error().value == ENOSYS)
    return {"mounts", State::kNo, "openat2 needs Linux 5.6, mount_setattr 5.12"};
  const auto proc = os::TryProcMount();
  if (!proc && proc.error().value == EPERM && os::TryUserNamespace(false)) {
    return {
        "mounts", State::kNo,
        "a new /proc is refused: parts of the one around us are covered, as container engines do"};
  }
  return {"mounts", State::kYes, "by descriptor"};
}

// What this caller can limit by control groups, tried as a launch would plan it.
std::string GroupLimits() {
  const auto places = os::OwnCgroups();
  if (!places) return "they cannot be found: " + Cause(places.error());
  std::string names;
  const auto add = [&](const char* name, const policy::Limits& limits) {
    const auto plan = sandbox::PlanLimits(limits, *places, {}, {"0:0"});
    if (plan && !plan->groups.empty()) names += (names.empty() ? "" : ", ") + std::string(name);
  };
  add("memory", {.memory = 1});
  add("cpu", {.cpu_thousandths = 1000});
  add("io", {.io = 1});
  if (!names.empty()) return "this caller can limit " + names;
  if (CanAskForScope()) return "none can be made by this caller: its systemd is asked for a scope";
  return "none can be made by this caller: memory is limited for each process";
}

Finding Cgroups() {
  const auto unified = os::ReadSetting("/sys/fs/cgroup/cgroup.controllers");
  if (unified) return {"cgroups", State::kYes, "version 2; " + GroupLimits()};
  if (os::Stat(AT_FDCWD, "/sys/fs/cgroup/memory", true))
    return {"cgroups", State::kYes, "version 1, or both; " + GroupLimits()};
  return {"cgroups", State::kNo, "none mounted: memory is limited for each process"};
}

Finding Kvm() {
  const auto version = os::KvmApiVersion();
  if (version) {
    return {
        "kvm", State::kNote,
        fmt::format("/dev/kvm opens (API {}); whether a guest runs is known only by running one",
                    *version)};
  }
  return {"kvm", State::kNo, "/dev/kvm: " + Cause(version.error())};
}

Finding Caller() {
  const auto caller = os::CurrentCaller();
  if (!caller) return {"caller", State::kNo, Cause(caller.error())};
  constexpr std::uint64_t kNeeded = 1ull << 6 | 1ull << 7 | 1ull << 21;
  if (caller->euid == 0 && caller->owns_host &&
      (caller->effective_capabilities & kNeeded) == kNeeded)
    return {"caller", State::kNote, "root: programs run as an unprivileged id, groups are dropped"};
  if (caller->groups.empty())
    return {"caller", State::kNote, "unprivileged: programs run with this user's id on the host"};
  return {"caller", State::kNote,
          fmt::format("unprivileged: programs run with this user's id on the host, and keep its {} "
                      "supplementary groups",
                      caller->groups.size())};
}

// What is left where namespaces are impossible, and only when asked for by name.
Finding WithoutNamespaces(const std::vector<Finding>& findings) {
  const auto has = [&](std::string_view subject) {
    return std::ranges::any_of(findings, [&](const Finding& finding) {
      return finding.subject == subject && finding.state == State::kYes;
    });
  };
  if (has("landlock") && has("seccomp")) {
    return {"isolation files", State::kYes,
            "`--without namespaces`: Landlock and seccomp alone, if asked for"};
  }
  return {"isolation files", State::kNo, "`--without namespaces` needs Landlock and seccomp"};
}

// What `bailey run --isolation microvm` starts and reads.
Finding MicroVm() {
  constexpr std::pair<const char*, const char*> kNeeded[] = {
      {"/usr/bin/qemu-system-x86_64", "qemu-system-x86_64"},
      {"/usr/bin/mksquashfs", "mksquashfs"},
      {"/usr/local/lib/bailey/kernel/vmlinux", "a kernel in /usr/local/lib/bailey/kernel"}};
  std::string lacks;
  for (const auto& [path, what] : kNeeded)
    if (!os::Stat(AT_FDCWD, path, true))
      lacks += fmt::format("{}{}", lacks.empty() ? "" : ", ", what);
  if (!lacks.empty())
    return {"isolation microvm", State::kNo, "lacks " + lacks + " (tools/install-dependencies)"};
  return {"isolation microvm", State::kYes, "QEMU under TCG; KVM and Firecracker are not used"};
}

// What mode = "nat" would start, looked for as a launch does.
Finding PlainRouting() {
  const char* const path = std::getenv("PATH");
  const auto nat = network::FindNat(path ? path : "/usr/bin:/bin");
  if (nat) {
    return {"network nat", State::kYes,
            fmt::format("{}, over {}", nat->program,
                        nat->ipv4 && nat->ipv6 ? "IPv4 and IPv6"
                        : nat->ipv4            ? "IPv4"
                                               : "IPv6")};
  }
  constexpr std::string_view kBefore = "make the network: mode \"nat\": ";
  std::string_view why = nat.error().text;
  if (why.starts_with(kBefore)) why.remove_prefix(kBefore.size());
  return {"network nat", State::kNo, std::string(why)};
}

std::vector<Finding> Examine() {
  std::vector<Finding> findings = {{"kernel", State::kNote, os::KernelRelease()},
                                   Caller(),
                                   UserNamespaces(),
                                   Mounts(),
                                   Seccomp(),
                                   Landlock(),
                                   Cgroups(),
                                   Kvm()};
  findings.push_back({"compat", os::HasCompatCalls() ? State::kNote : State::kNo,
                      "system calls of the 32-bit architecture (a filter closes or checks them)"});
  std::string missing;
  for (const Finding& finding : findings) {
    const bool needed = finding.subject == "namespaces" || finding.subject == "mounts" ||
                        finding.subject == "seccomp" || finding.subject == "landlock";
    if (needed && finding.state == State::kNo)
      missing += (missing.empty() ? "" : ", ") + finding.subject;
  }
  findings.push_back(missing.empty()
                         ? Finding{"isolation process", State::kYes, "every layer is available"}
                         : Finding{"isolation process", State::kNo, "lacks " + missing});
  findings.push_back(WithoutNamespaces(findings));
  findings.push_back(MicroVm());
  findings.push_back(PlainRouting());
  return findings;
}

}  // namespace

int RunDoctor(int argc, char** argv) {
  Arguments arguments(
      "doctor",
      "Says what this host can enforce, and why not.\n"
      "Exits with 0 when isolation level `process` is fully available, otherwise with 3.");
  bool json = false;
  arguments.Flag("--json", json, "print JSON (docs/schemas/doctor.schema.json)");
  if (const auto code = arguments.Read({argv + 1, argv + argc}, kUsage)) return *code;
  if (const auto done = os::ExpectChildren(); !done)
    return Fail("doctor", base::SystemError("expect children", done.error().value));
  const std::vector<Finding> findings = Examine();
  bool available = true;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    if (finding.subject == "isolation process") available = finding.state == State::kYes;
    list.push_back(
        {{"subject", finding.subject}, {"state", Name(finding.state)}, {"detail", finding.detail}});
    if (!json)
      fmt::print("{:<18} {:<5} {}\n", finding.subject, Name(finding.state), finding.detail);
  }
  if (json) fmt::print("{}\n", nlohmann::ordered_json{{"version", 1}, {"findings", list}}.dump(2));
  return available ? kYes : kUnknown;
}

}  // namespace bailey::cli
