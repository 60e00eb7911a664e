// Namespaces that are the host's: each opens something of its own.
#include <fmt/format.h>

#include "review/confinement_find.h"
#include "review/fact.h"

namespace bailey::review {
namespace {

Finding Shared(const Subject& subject, std::string_view name, std::string reason,
               std::string impact, Severity effect) {
  const Confinement& confinement = *subject.confinement;
  Finding finding;
  finding.rule = fmt::format("confinement/shared-{}-namespace", name);
  finding.vulnerability = fmt::format("the {} namespace is the host's", name);
  finding.reason = std::move(reason);
  finding.impact = std::move(impact);
  finding.effect = effect;
  finding.place = confinement.place;
  finding.fix = FixFor(subject, fmt::format("--unshare-{}", name == "network" ? "net" : name),
                       fmt::format("\"namespaces\": [{{ \"type\": \"{}\" }}]", name));
  finding.evidence.push_back(
      Read(confinement, confinement.place, fmt::format("no {} namespace of its own", name)));
  return finding;
}

Finding SharedPid(const Subject& subject) {
  const Confinement& confinement = *subject.confinement;
  // Across user namespaces ptrace needs CAP_SYS_PTRACE in the other one (security/commoncap.c,
  // cap_ptrace_access_check); a signal needs the same id only (kernel/signal.c, kill_ok_by_cred).
  const bool is_apart = Is(confinement, Namespace::kUser, Known::kYes);
  const bool is_root = confinement.runs_as_root == Known::kYes;
  Finding finding =
      is_apart
          ? Shared(subject, "pid",
                   "Processes of the host with the same id can be signalled; the user namespace "
                   "keeps them from being traced.",
                   "A program in the sandbox stops and kills what its user runs outside.",
                   Severity::kMedium)
          : Shared(subject, "pid",
                   "Processes of the host with the same id can be signalled and traced: ptrace(2) "
                   "and /proc/PID/mem ask for the same id and user namespace.",
                   "A program in the sandbox has its code run by a process outside.",
                   is_root ? Severity::kCritical : Severity::kHigh);
  finding.attempts.push_back({Attempt::Kind::kSeeProcess, {}});
  return finding;
}

// Abstract unix sockets belong to the network namespace, so a filter that leaves a program only
// unix sockets leaves it those of the host's services.
bool ReachesAbstractSockets(const Subject& subject, Finding& finding) {
  if (IsUnixConnectClosed(subject).closed != Known::kNo) return false;
  finding.reason =
      "Abstract unix sockets belong to the network namespace: those of the host's services answer, "
      "and the filter lets unix sockets be made and connected (CVE-2020-15257).";
  if (subject.policy)
    finding.reason += " Landlock keeps them apart from Linux 6.12 on, and nothing does before.";
  finding.impact =
      "A program in the sandbox gives orders to services that trust whoever reaches them.";
  BoundByUnixConnect(subject, finding);
  // A port that is refused says nothing about them.
  finding.attempts.clear();
  return true;
}

Finding SharedNetwork(const Subject& subject) {
  Finding finding =
      Shared(subject, "network",
             "Every address that the host reaches is reachable, its services on 127.0.0.1 and its "
             "abstract unix sockets too.",
             "A program in the sandbox sends out what it reads, and speaks with services that "
             "trust local callers.",
             Severity::kMedium);
  finding.attempts.push_back({Attempt::Kind::kReachLoopback, {}});
  const bool has_network = IsClosed(subject, "no-network").closed != Known::kYes;
  if (has_network || !ReachesAbstractSockets(subject, finding))
    BoundByFilter(subject, "no-network", finding);
  return finding;
}

Finding SharedIpc(const Subject& subject) {
  Finding finding =
      Shared(subject, "ipc",
             "System V shared memory, semaphores and POSIX message queues of the host are there.",
             "A program in the sandbox reads and changes what programs of the same user share.",
             Severity::kMedium);
  BoundByFilter(subject, "no-system-v-ipc", finding);
  return finding;
}

}  // namespace

void FindSharedNamespaces(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.confinement) return;
  const Confinement& confinement = *subject.confinement;
  if (Is(confinement, Namespace::kMount, Known::kNo)) {
    findings.push_back(Shared(subject, "mount",
                              "Every file of the host is where it always is; only its owner and "
                              "mode protect it.",
                              "A program in the sandbox reads and writes all that its user may.",
                              Severity::kHigh));
  }
  if (Is(confinement, Namespace::kPid, Known::kNo)) findings.push_back(SharedPid(subject));
  if (Is(confinement, Namespace::kNetwork, Known::kNo)) findings.push_back(SharedNetwork(subject));
  if (Is(confinement, Namespace::kIpc, Known::kNo)) findings.push_back(SharedIpc(subject));
  if (Is(confinement, Namespace::kCgroup, Known::kNo)) {
    findings.push_back(
        Shared(subject, "cgroup", "/proc/self/cgroup shows where the host keeps the sandbox.",
               "A program in the sandbox learns names of the host's services.", Severity::kLow));
  }
  // Names are changed by who has CAP_SYS_ADMIN over the namespace only.
  const bool may_rename = confinement.capabilities.value_or(0) >> 21 & 1;
  if (Is(confinement, Namespace::kUts, Known::kNo) &&
      Is(confinement, Namespace::kUser, Known::kNo) && may_rename) {
    findings.push_back(Shared(subject, "uts",
                              "CAP_SYS_ADMIN over the host's own names comes with it.",
                              "A program in the sandbox renames the host.", Severity::kLow));
  }
}

}  // namespace bailey::review
