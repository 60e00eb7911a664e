// A trial, for people and for tools. The same trial gives the same bytes.
#pragma once

#include <string>
#include <string_view>

#include "review/record.h"
#include "review/subject.h"

namespace bailey::review {

// The four lists in the fields of the form, with evidence (docs/schemas/review.schema.json).
std::string Json(const Trial& trial);
// A review of a pull request: summary, findings by severity, decision.
std::string Markdown(const Trial& trial);
// SARIF 2.1.0.
std::string Sarif(const Trial& trial, const Subject& subject);
// One page that needs nothing else.
std::string Html(const Trial& trial, const Subject& subject);
// For a terminal: a line a finding, worst first.
std::string Text(const Trial& trial);

// The words of the form: "partially valid", "fix immediately", "high", "refutation",
// "live-probe".
std::string_view Name(Decision decision);
std::string_view Name(Action action);
std::string_view Name(Severity severity);
std::string_view Name(Response response);
std::string_view Name(EvidenceKind kind);

}  // namespace bailey::review
