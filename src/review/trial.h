// A trial: the researcher files, the author answers, the moderator sums up, the board rules.
//
//   Trial trial = Try(subject, {});
//   fmt::print("{}", Json(trial));
//
// The same subject and options give the same trial.
#pragma once

#include <vector>

#include "review/author.h"
#include "review/claims.h"
#include "review/record.h"
#include "review/subject.h"

namespace bailey::review {

struct TrialOptions {
  AuthorOptions author;
  std::vector<Claim> claims;  // of somebody else, put to the same evidence
};

Trial Try(const Subject& subject, const TrialOptions& options);

// The researcher alone: what every finder files, each under a key of its own.
std::vector<Finding> Research(const Subject& subject);
// What follows from findings.
Trial Hear(const Subject& subject, std::vector<Finding> findings, const AuthorOptions& options);

// The worst severity of what stands; kNone where nothing does.
Severity WorstOf(const Trial& trial);

}  // namespace bailey::review
