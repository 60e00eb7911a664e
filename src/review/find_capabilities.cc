// Capabilities that undo the sandbox, each with why. In a user namespace of the sandbox's own they
// reach only what belongs to it: then those count that open large parts of the kernel.
#include <fmt/format.h>

#include <algorithm>

#include "abi/capabilities.h"
#include "review/confinement_find.h"
#include "review/fact.h"

namespace bailey::review {
namespace {

enum class When : std::uint8_t {
  kAlways,
  kHostNetwork,
  kHostPid,
  kHostIpc,
  kAnyDevice,    // a new node opens
  kHostFiles,    // some mount shows files of the host
  kHostWritable  // and lets them be written
};

struct Power {
  const char* name;
  Severity effect;
  When when;
  std::string_view guarantee;  // that closes the calls which it serves; empty: none does
  std::string_view why;
};

constexpr Power kPowers[] = {
    {"CAP_SYS_ADMIN", Severity::kCritical, When::kAlways, "",
     "mounts anything, enters other namespaces, and undoes masks and read-only mounts"},
    {"CAP_SYS_MODULE", Severity::kCritical, When::kAlways, "no-modules",
     "loads code into the kernel"},
    {"CAP_SYS_RAWIO", Severity::kCritical, When::kAlways, "",
     "drives hardware and reads physical memory"},
    {"CAP_SYS_PTRACE", Severity::kCritical, When::kHostPid, "no-cross-process-memory",
     "reads and writes the memory of every process of the host"},
    {"CAP_DAC_READ_SEARCH", Severity::kCritical, When::kHostFiles, "no-open-by-handle",
     "opens any file of a shown file system by its handle, outside the mount too"},
    {"CAP_DAC_OVERRIDE", Severity::kHigh, When::kHostWritable, "",
     "writes files of the host whoever owns them"},
    {"CAP_MKNOD", Severity::kHigh, When::kAnyDevice, "no-device-files",
     "makes a node for the host's disk"},
    {"CAP_SYS_BOOT", Severity::kHigh, When::kAlways, "no-kexec",
     "restarts the machine and replaces its kernel"},
    {"CAP_BPF", Severity::kHigh, When::kAlways, "no-bpf", "loads programs into the kernel"},
    {"CAP_PERFMON", Severity::kHigh, When::kAlways, "no-perf", "reads the kernel's memory"},
    {"CAP_NET_ADMIN", Severity::kHigh, When::kHostNetwork, "",
     "changes the host's routes, addresses and firewall"},
    {"CAP_NET_RAW", Severity::kMedium, When::kHostNetwork, "no-socket-packet",
     "reads and forges the host's packets"},
    {"CAP_MAC_ADMIN", Severity::kHigh, When::kAlways, "", "changes the security module's policy"},
    {"CAP_MAC_OVERRIDE", Severity::kHigh, When::kAlways, "", "overrides the security module"},
    {"CAP_CHECKPOINT_RESTORE", Severity::kMedium, When::kHostPid, "",
     "reads the state of other processes"},
    {"CAP_SYS_TIME", Severity::kMedium, When::kAlways, "no-clock-set", "sets the host's clock"},
    {"CAP_AUDIT_CONTROL", Severity::kMedium, When::kAlways, "", "turns the host's audit off"},
    {"CAP_KILL", Severity::kMedium, When::kHostPid, "", "kills every process of the host"},
    {"CAP_IPC_OWNER", Severity::kMedium, When::kHostIpc, "no-system-v-ipc",
     "opens the shared memory of every program"},
    {"CAP_SYSLOG", Severity::kLow, When::kAlways, "no-syslog",
     "reads the kernel's log, with addresses in it"},
    {"CAP_SYS_RESOURCE", Severity::kLow, When::kAlways, "", "raises its own limits"},
};

// Those that open more of the kernel to who has them in any user namespace.
constexpr Power kInside[] = {
    {"CAP_SYS_ADMIN", Severity::kLow, When::kAlways, "no-mount",
     "reaches mount code and file systems of the kernel that users do not reach otherwise"},
    {"CAP_NET_ADMIN", Severity::kLow, When::kAlways, "",
     "reaches packet filter and traffic code of the kernel that users do not reach otherwise"},
};

bool ShowsHostFiles(const Confinement& confinement, bool writable) {
  for (const Mount& mount : confinement.mounts) {
    if (!mount.from.empty() && mount.from.starts_with('/') && mount.type != "device" &&
        (mount.writable || !writable))
      return true;
  }
  return false;
}

bool Holds(const Confinement& confinement, When when) {
  switch (when) {
    case When::kAlways:
      return true;
    case When::kHostNetwork:
      return Is(confinement, Namespace::kNetwork, Known::kNo);
    case When::kHostPid:
      return Is(confinement, Namespace::kPid, Known::kNo);
    case When::kHostIpc:
      return Is(confinement, Namespace::kIpc, Known::kNo);
    case When::kAnyDevice:
      return confinement.any_device == Known::kYes;
    case When::kHostFiles:
      return ShowsHostFiles(confinement, false);
    case When::kHostWritable:
      return ShowsHostFiles(confinement, true);
  }
  return false;
}

struct Held {
  std::vector<std::string> names, reasons, guarantees;
  Severity worst = Severity::kNone;

  void Add(const Power& power) {
    names.emplace_back(power.name);
    reasons.push_back(fmt::format("{} ({})", power.name, power.why));
    if (!power.guarantee.empty()) guarantees.emplace_back(power.guarantee);
    worst = std::max(worst, power.effect);
  }
};

Finding FindingOf(const Subject& subject, const Held& held, bool is_apart) {
  const Confinement& confinement = *subject.confinement;
  Finding finding;
  finding.rule = is_apart ? "confinement/capabilities-inside" : "confinement/capabilities";
  finding.vulnerability =
      is_apart ? fmt::format("capabilities open more of the kernel: {}", List(held.names))
               : fmt::format("capabilities undo the sandbox: {}", List(held.names, 6));
  finding.reason = fmt::format("It holds, or can gain, {}.", List(held.reasons));
  finding.impact = is_apart ? "More of the kernel can be attacked from the sandbox."
                            : "The sandbox keeps in only who does not use them.";
  finding.effect = held.worst;
  finding.place = PlaceOr(confinement.capabilities_place, confinement);
  finding.evidence.push_back(Read(confinement, finding.place,
                                  fmt::format("capabilities {:#x}", *confinement.capabilities)));
  finding.fix =
      FixFor(subject, "--cap-drop ALL",
             "\"capabilities\": { \"bounding\": [], \"effective\": [], \"permitted\": [] }");
  return finding;
}

}  // namespace

void FindCapabilities(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.confinement || subject.confinement->capabilities.value_or(0) == 0) return;
  const Confinement& confinement = *subject.confinement;
  const bool is_apart = Is(confinement, Namespace::kUser, Known::kYes);
  if (!is_apart && !Is(confinement, Namespace::kUser, Known::kNo)) return;
  // Those that the filter leaves nothing to do for are a finding of their own.
  Held open, closed;
  for (const Power& power : is_apart ? std::span<const Power>(kInside) : kPowers) {
    const int number = abi::CapabilityNumber(power.name);
    if (number < 0 || (*confinement.capabilities >> number & 1) == 0) continue;
    if (!Holds(confinement, power.when)) continue;
    const bool is_closed = !power.guarantee.empty() && subject.filter &&
                           IsClosed(subject, power.guarantee).closed == Known::kYes;
    (is_closed ? closed : open).Add(power);
  }
  for (const Held* const held : {&open, &closed}) {
    if (held->names.empty()) continue;
    Finding finding = FindingOf(subject, *held, is_apart);
    if (held == &closed) {
      finding.reach = Reach::kOtherLayer;
      finding.bounded_by = fmt::format("the filter keeps {}", List(held->guarantees));
      for (const std::string& guarantee : held->guarantees)
        finding.evidence.push_back(
            {EvidenceKind::kProof, fmt::format("prove {}", guarantee), "proved"});
    }
    findings.push_back(std::move(finding));
  }
}

void FindHostRoot(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.confinement) return;
  const Confinement& confinement = *subject.confinement;
  if (confinement.runs_as_root != Known::kYes || !Is(confinement, Namespace::kUser, Known::kNo))
    return;
  Finding finding;
  finding.rule = "confinement/host-root";
  finding.vulnerability = "it runs as root of the host, without a user namespace";
  finding.reason =
      "Files of root, settings of the kernel and processes of root ask for id 0 only, capabilities "
      "or not.";
  finding.impact = "One hole in any other layer gives a program the whole host.";
  finding.effect = confinement.capabilities == 0 ? Severity::kMedium : Severity::kHigh;
  finding.reach = Reach::kOtherLayer;
  finding.bounded_by = "the mounts and namespaces that it is given";
  finding.fix =
      FixFor(subject, "--unshare-user",
             "\"namespaces\": [{ \"type\": \"user\" }], with uidMappings and gidMappings");
  finding.place = PlaceOr(confinement.user_place, confinement);
  finding.evidence.push_back(Read(confinement, finding.place, "id 0, no user namespace"));
  findings.push_back(std::move(finding));
}

}  // namespace bailey::review
