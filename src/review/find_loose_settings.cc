// Settings that a configuration loosens, or leaves out: limits, propagation, profiles, devices.
#include <fmt/format.h>

#include "review/confinement_find.h"
#include "review/fact.h"

namespace bailey::review {
namespace {

struct Setting {
  Known Confinement::* member;
  Known loose;  // the value that is found fault with
  std::string_view rule, vulnerability, reason, impact;
  Severity effect;
};

constexpr Setting kSettings[] = {
    {&Confinement::memory_limit, Known::kNo, "confinement/no-memory-limit", "memory is not limited",
     "No limit of a control group on memory is asked for.",
     "A program in the sandbox takes all of the host's memory.", Severity::kLow},
    {&Confinement::process_limit, Known::kNo, "confinement/no-process-limit",
     "the number of processes is not limited",
     "No limit of a control group on processes is asked for.",
     "A program in the sandbox forks until the host cannot.", Severity::kLow},
    {&Confinement::shared_propagation, Known::kYes, "confinement/mount-propagation",
     "mounts made inside appear outside", "The root's propagation is shared.",
     "Who may mount in the sandbox covers the host's files.", Severity::kHigh},
    {&Confinement::security_module, Known::kNo, "confinement/no-security-profile",
     "the security module's profile is turned off", "The profile is \"unconfined\".",
     "Nothing of the security module stands behind the other layers.", Severity::kLow},
    {&Confinement::any_device, Known::kYes, "confinement/any-device", "every device is allowed",
     "The control group of devices allows all.",
     "A node for the host's disk, made or passed in, opens.", Severity::kHigh},
};

}  // namespace

void FindLooseSettings(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.confinement) return;
  const Confinement& confinement = *subject.confinement;
  for (const Setting& setting : kSettings) {
    if (confinement.*setting.member != setting.loose) continue;
    Finding finding;
    finding.rule = setting.rule;
    finding.vulnerability = setting.vulnerability;
    finding.reason = setting.reason;
    finding.impact = setting.impact;
    finding.effect = setting.effect;
    finding.place = confinement.place;
    const bool may_mount = (confinement.capabilities.value_or(~0ull) >> 21 & 1) != 0;
    const bool may_make_nodes = (confinement.capabilities.value_or(~0ull) >> 27 & 1) != 0;
    if (setting.member == &Confinement::shared_propagation && !may_mount)
      finding.reach = Reach::kPrivilege;
    if (setting.member == &Confinement::any_device && !may_make_nodes)
      finding.reach = Reach::kPrivilege;
    finding.evidence.push_back(Read(confinement, finding.place, finding.vulnerability));
    findings.push_back(std::move(finding));
  }
}

}  // namespace bailey::review
