#include "review/trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "review/board.h"
#include "review/finder.h"
#include "review/moderator.h"
#include "review/probe.h"

namespace bailey::review {
namespace {

// The key joins the four lists, so it is given once.
void MakeUnique(std::vector<Finding>& findings) {
  std::set<std::string> keys;
  for (Finding& finding : findings) {
    const std::string key = finding.vulnerability;
    for (int i = 2; !keys.insert(finding.vulnerability).second; ++i)
      finding.vulnerability = fmt::format("{} ({})", key, i);
  }
}

// What is not known is said, in the words of whoever could not find it out.
void Append(std::string& summary, std::string_view what, const std::vector<std::string>& reasons) {
  for (const std::string& reason : reasons) summary += fmt::format(" {}: {}.", what, reason);
}

}  // namespace

std::vector<Finding> Research(const Subject& subject) {
  std::vector<Finding> findings;
  for (const Finder& finder : Finders()) finder.find(subject, findings);
  return findings;
}

Trial Hear(const Subject& subject, std::vector<Finding> findings, const AuthorOptions& options) {
  MakeUnique(findings);
  Trial trial;
  trial.subject = subject.title;
  trial.findings = std::move(findings);
  const ProbeReport probed = options.probe ? Probe(subject, trial.findings) : ProbeReport();
  trial.answers = AnswerAll(subject, trial.findings, options);
  trial.summary = SumUp(trial.findings, trial.answers);
  if (subject.confinement)
    Append(trial.summary.researcher, "Not read", subject.confinement->not_read);
  Append(trial.summary.author, "Not tried", probed.not_tried);
  for (std::size_t i = 0; i < trial.findings.size(); ++i)
    trial.rulings.push_back(Rule(trial.findings[i], trial.answers[i]));
  return trial;
}

Trial Try(const Subject& subject, const TrialOptions& options) {
  std::vector<Finding> findings = Research(subject);
  const std::vector<Finding> claims = FileClaims(options.claims, subject, findings);
  // A question that the review asks as well is asked once.
  std::erase_if(findings, [&](const Finding& finding) {
    return finding.evidence.empty() && !finding.guarantee.empty() &&
           std::ranges::count(claims, finding.guarantee, &Finding::guarantee) > 0;
  });
  findings.insert(findings.end(), claims.begin(), claims.end());
  return Hear(subject, std::move(findings), options.author);
}

Severity WorstOf(const Trial& trial) {
  Severity worst = Severity::kNone;
  for (const Ruling& ruling : trial.rulings) {
    if (ruling.decision != Decision::kInvalid) worst = std::max(worst, ruling.severity);
  }
  return worst;
}

}  // namespace bailey::review
