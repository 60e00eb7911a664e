#include "review/find_filter.h"

namespace bailey::review {

void FindNoFilter(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.filter || !subject.filter->stack.empty()) return;
  Finding finding;
  finding.rule = "filter/none";
  finding.vulnerability = "No filter of system calls is in force";
  finding.reason = "The subject has no seccomp filter: every call of the kernel is made as asked.";
  finding.impact = "Every part of the kernel that a call reaches can be attacked.";
  finding.effect = Severity::kHigh;
  finding.place = {.file = subject.file};
  finding.evidence = {{EvidenceKind::kProof, "counting the filters of " + subject.file, "0"}};
  finding.fix = "[syscalls]\ndefault = \"EPERM\"\nallow = [\"@default\"]";
  findings.push_back(std::move(finding));
}

}  // namespace bailey::review
