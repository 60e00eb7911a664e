// Questions that reviews of filters ask again and again. They are filed where no finding says the
// same already; the author answers from the filter.
#include <fmt/format.h>

#include <algorithm>

#include "review/filter_view.h"
#include "review/find_filter.h"

namespace bailey::review {
namespace {

struct Question {
  std::string_view guarantee;
  std::string_view rule;
  std::string_view vulnerability;
  std::string_view reason;
  Severity effect;
};

constexpr Question kQuestions[] = {
    {"no-keyring", "filter/no-keyring", "The keyring calls are not filtered",
     "Keyrings are in no namespace; filters that were written as lists of denials often lack them.",
     Severity::kMedium},
    {"architectures-closed", "filter/architectures-closed",
     "Calls of foreign architectures pass the filter",
     "A filter that does not look at the architecture answers another call than it thinks.",
     Severity::kHigh},
    {"x32-closed", "filter/x32-closed", "The second numbers of x86_64's calls pass the filter",
     "x32 shares x86_64's token, and rules are often written for one of the two.",
     Severity::kMedium},
    {"no-new-user-namespace", "filter/clone3",
     "clone3 makes user namespaces, whatever the rule on clone says",
     "Its flags are behind a pointer, where no filter sees them.", Severity::kHigh},
    {"no-tty-injection", "filter/no-tty-injection",
     "The rule against TIOCSTI is passed with a high bit set",
     "The kernel reads 32 bits of ioctl's request, a filter sees 64.", Severity::kHigh},
};

bool HasX32(const prove::Subject& filter) {
  return std::ranges::any_of(filter.archs, [](abi::Arch arch) {
    return abi::Info(arch).token == abi::Info(abi::Arch::kX32).token;
  });
}

}  // namespace

void AskStandingQuestions(const Subject& subject, std::vector<Finding>& findings) {
  if (!HasFilter(subject)) return;
  for (const Question& question : kQuestions) {
    const bool is_said = std::ranges::any_of(
        findings, [&](const Finding& finding) { return finding.guarantee == question.guarantee; });
    if (is_said || (question.guarantee == "x32-closed" && !HasX32(*subject.filter))) continue;
    Finding finding;
    finding.rule = question.rule;
    finding.vulnerability = question.vulnerability;
    finding.reason = question.reason;
    finding.impact = FindTopic(question.guarantee)->impact;
    finding.effect = question.effect;
    finding.place = {.file = subject.file};
    finding.guarantee = question.guarantee;
    findings.push_back(std::move(finding));
  }
}

}  // namespace bailey::review
