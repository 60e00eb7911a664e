// A terminal shared with the caller, and no filter: both ends of it are the caller's
// (CVE-2017-5226). And no filter at all.
#include <fmt/format.h>

#include "review/confinement_find.h"
#include "review/fact.h"

namespace bailey::review {

void FindTerminal(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.confinement || subject.confinement->new_session != Known::kNo) return;
  const Confinement& confinement = *subject.confinement;
  const Closed closed = IsClosed(subject, "no-tty-injection");
  if (closed.closed == Known::kUnknown && subject.filter) return;
  Finding finding;
  finding.rule = "confinement/terminal-injection";
  finding.vulnerability = "characters can be pushed into the caller's terminal";
  finding.reason =
      "The program keeps the caller's session and terminal, so ioctl(TIOCSTI) works on it where "
      "the host's dev.tty.legacy_tiocsti is 1, as before Linux 6.2.";
  finding.impact = "The caller's shell reads the characters as commands, outside.";
  finding.effect = Severity::kHigh;
  finding.place = confinement.place;
  finding.fix = FixFor(subject, "--new-session", "\"terminal\": true");
  finding.guarantee = "no-tty-injection";
  finding.witness = closed.witness;
  finding.evidence.push_back(Read(confinement, finding.place, "no session of its own"));
  // Refuted is as good as no filter; unknown filters leave it open.
  if (closed.closed == Known::kUnknown) finding.reach = Reach::kOtherLayer;
  BoundByFilter(subject, "no-tty-injection", finding);
  if (closed.closed == Known::kYes) return;
  findings.push_back(std::move(finding));
}

}  // namespace bailey::review
