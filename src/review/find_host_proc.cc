// /proc of the host's processes, parts of /proc and /sys that name the host's secrets, and control
// groups that can be written.
#include <fmt/format.h>

#include "review/confinement_find.h"
#include "review/fact.h"
#include "review/sight.h"

namespace bailey::review {
namespace {

constexpr int kSysAdmin = 21;

Finding About(const Confinement& confinement, const Mount& mount, std::string_view rule,
              std::string_view title) {
  Finding finding;
  finding.rule = rule;
  finding.vulnerability = fmt::format("{} through {}", title, ToString(mount));
  finding.place = mount.place;
  finding.evidence.push_back(Read(confinement, mount.place, ToString(mount)));
  return finding;
}

// Root's files in /proc and /sys that say more than a sandbox should know.
void FindUnmasked(const Subject& subject, std::vector<Finding>& findings) {
  const Confinement& confinement = *subject.confinement;
  if (confinement.runs_as_root != Known::kYes) return;
  const Mount* proc = nullptr;
  std::vector<std::string> open;
  for (const std::string_view path : {"/proc/kcore", "/proc/timer_list", "/proc/sched_debug",
                                      "/proc/keys", "/proc/scsi", "/sys/firmware"}) {
    for (const Sight& sight : SightsOf(confinement, path)) {
      if (proc == nullptr) proc = sight.mount;
      open.push_back(sight.inside);
    }
  }
  if (proc == nullptr) return;
  Finding finding = About(confinement, *proc, "confinement/unmasked-files",
                          "the kernel's own files for root can be read");
  finding.reason = fmt::format("Nothing hides {}.", List(open));
  finding.impact = "A program in the sandbox learns addresses and keys of the kernel and machine.";
  finding.effect = Severity::kLow;
  finding.fix = FixFor(subject, "", fmt::format("\"maskedPaths\": [\"{}\"]", open[0]));
  findings.push_back(std::move(finding));
}

Finding ControlGroups(const Subject& subject, const std::vector<const Mount*>& mounts,
                      bool is_old) {
  const Confinement& confinement = *subject.confinement;
  const bool is_admin = (confinement.capabilities.value_or(0) >> kSysAdmin & 1) != 0 &&
                        Is(confinement, Namespace::kUser, Known::kNo);
  Finding finding =
      About(confinement, *mounts[0], "confinement/control-groups", "control groups can be written");
  finding.reason =
      is_old ? "A release_agent of cgroup v1 is a program that the kernel runs outside, as root; "
               "since Linux 5.17 setting one takes CAP_SYS_ADMIN too."
             : "Limits of the sandbox, and of other groups that are shown, are files there.";
  finding.impact = is_old ? "A program in the sandbox has its program run outside, as root."
                          : "A program in the sandbox lifts its own limits.";
  finding.effect = is_old ? Severity::kCritical : Severity::kMedium;
  finding.reach = is_old && !is_admin ? Reach::kPrivilege : ReachOfRoot(confinement).reach;
  finding.fix = FixFor(subject, fmt::format("--remount-ro {}", mounts[0]->to),
                       "\"options\": [\"ro\"] on the mount");
  for (const Mount* const mount : mounts)
    finding.attempts.push_back(
        {Attempt::Kind::kWrite, mount->to + (is_old ? "/release_agent" : "/cgroup.procs")});
  return finding;
}

}  // namespace

void FindHostProc(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.confinement) return;
  const Confinement& confinement = *subject.confinement;
  const bool has_own = Is(confinement, Namespace::kPid, Known::kYes);
  for (const Sight& sight : SightsOf(confinement, "/proc")) {
    // A new proc shows the processes of the namespace that it is mounted in.
    const bool is_bound = !sight.mount->from.empty();
    if (!is_bound && has_own) continue;
    if (!is_bound && !Is(confinement, Namespace::kPid, Known::kNo)) continue;
    Finding finding = About(confinement, *sight.mount, "confinement/host-proc",
                            "processes of the host can be seen");
    finding.reason = fmt::format(
        "{} shows every process of the host: command lines, and of the same user environment, "
        "files and root directory (/proc/PID/root leads around the sandbox's mounts).",
        sight.inside);
    finding.impact = "A program in the sandbox reads what others run, with their secrets.";
    finding.effect =
        Is(confinement, Namespace::kUser, Known::kNo) ? Severity::kHigh : Severity::kMedium;
    finding.fix = FixFor(subject, "--unshare-pid --proc /proc",
                         "\"namespaces\": [{ \"type\": \"pid\" }], and a mount of type proc");
    finding.attempts.push_back({Attempt::Kind::kSeeProcess, sight.inside});
    findings.push_back(std::move(finding));
  }
  FindUnmasked(subject, findings);
}

void FindControlGroups(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.confinement) return;
  const Confinement& confinement = *subject.confinement;
  if (!ReachOfRoot(confinement).files) return;
  for (const std::string_view type : {"cgroup", "cgroup2"}) {
    std::vector<const Mount*> mounts;
    for (const Mount& mount : confinement.mounts) {
      if (mount.writable && mount.type == type && MountAt(confinement, mount.to) == &mount)
        mounts.push_back(&mount);
    }
    if (!mounts.empty()) findings.push_back(ControlGroups(subject, mounts, type == "cgroup"));
  }
}

}  // namespace bailey::review
