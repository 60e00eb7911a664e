// The trial as a review of a pull request. Every text goes through MarkdownText, MarkdownCode or
// MarkdownBlock, and stands behind something of ours on its line, so that none begins a line.
#include <fmt/format.h>

#include <optional>

#include "review/docket.h"
#include "review/plain.h"
#include "review/report.h"

namespace bailey::review {
namespace {

std::string Headline(Review review) {
  switch (review) {
    case Review::kApprove:
      return "Approve";
    case Review::kComment:
      return "Comment";
    case Review::kRequestChanges:
      return "Request changes";
  }
  return {};
}

std::string Overview(const Docket& docket) {
  std::string text =
      docket.standing.empty()
          ? std::string("Nothing was found that stands.")
          : fmt::format("{} ({}).",
                        docket.standing.size() == 1
                            ? "1 finding stands"
                            : fmt::format("{} findings stand", docket.standing.size()),
                        CountBySeverity(docket.standing));
  if (!docket.refuted.empty()) {
    text += fmt::format(" {} refuted.", docket.refuted.size() == 1
                                            ? "1 was"
                                            : fmt::format("{} were", docket.refuted.size()));
  }
  return text;
}

std::string EvidenceLines(const Case& one) {
  std::string text;
  for (const Evidence& evidence : one.ruling->evidence) {
    text += fmt::format("- {}: {}: {}\n", Name(evidence.kind), MarkdownCode(evidence.ran),
                        MarkdownText(evidence.result));
  }
  return text.empty() ? text : "Evidence:\n\n" + text + "\n";
}

std::string Fix(const Case& one) {
  if (one.answer->fix.empty()) return {};
  const bool is_lines = one.answer->fix.find('\n') != std::string::npos;
  if (!is_lines) return fmt::format("**Fix:** {}\n\n", MarkdownCode(one.answer->fix));
  return "**Fix:**\n\n" + MarkdownBlock(one.answer->fix, "") + "\n";
}

std::string StandingCase(std::size_t number, const Case& one) {
  const Finding& finding = *one.finding;
  std::string text = fmt::format("#### {}. {}\n\n", number, MarkdownText(finding.vulnerability));
  const std::string place = ToString(finding.place);
  text += fmt::format("{}{}{} · {} · {}\n\n", place.empty() ? "" : MarkdownCode(place),
                      place.empty() ? "" : " · ", MarkdownCode(finding.rule),
                      Name(one.ruling->decision), Name(one.ruling->action));
  text +=
      fmt::format("**Why:** {} {}\n\n", MarkdownText(finding.reason), MarkdownText(finding.impact));
  text += Fix(one);
  text += fmt::format("**Author ({}):** {}\n\n", Name(one.answer->response),
                      MarkdownText(one.answer->reason));
  text += fmt::format("**Board:** {}\n\n", MarkdownText(one.ruling->justification));
  return text + EvidenceLines(one);
}

std::string Standing(const Docket& docket) {
  std::string text;
  std::optional<Severity> severity;
  std::size_t number = 0;
  for (const Case& one : docket.standing) {
    if (severity != one.ruling->severity) {
      severity = one.ruling->severity;
      text += fmt::format("### Severity: {}\n\n", Name(*severity));
    }
    text += StandingCase(++number, one);
  }
  return text;
}

std::string Refuted(const Docket& docket) {
  if (docket.refuted.empty()) return {};
  std::string text = fmt::format("<details>\n<summary>{} refuted</summary>\n\n",
                                 Count(docket.refuted.size(), "finding"));
  for (const Case& one : docket.refuted) {
    text += fmt::format("#### {}\n\n**Claim:** {}\n\n**Refutation:** {}\n\n**Board:** {}\n\n",
                        MarkdownText(one.finding->vulnerability), MarkdownText(one.finding->reason),
                        MarkdownText(one.answer->reason), MarkdownText(one.ruling->justification));
    text += EvidenceLines(one);
  }
  return text + "</details>\n\n";
}

}  // namespace

std::string Markdown(const Trial& trial) {
  const Docket docket = ReadDocket(trial);
  std::string text = fmt::format("## {}: {}\n\n{}\n\n", Headline(docket.review),
                                 MarkdownText(trial.subject), Overview(docket));
  text += fmt::format("- **Researcher:** {}\n- **Author:** {}\n\n",
                      MarkdownText(trial.summary.researcher), MarkdownText(trial.summary.author));
  text += Standing(docket);
  text += Refuted(docket);
  return text + fmt::format("**Decision: {}**\n", Name(docket.review));
}

}  // namespace bailey::review
