// A review by somebody else, put to the evidence: each claim is matched with a check by its words
// (data/court/claims.json), and the check decides. What matches none stays an opinion.
//
//   auto claims = ParseClaims(text, "review.json");
//   if (!claims) return claims.error();
//   for (Finding& finding : FileClaims(*claims, subject, found)) ...
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "review/record.h"
#include "review/subject.h"

namespace bailey::review {

struct Claim {
  std::string vulnerability;
  std::string reason;
  std::string impact;
  bool operator==(const Claim&) const = default;
};

// The form, of which the researcher's list is read, or a list of claims alone.
base::Result<std::vector<Claim>> ParseClaims(std::string_view text, std::string_view file);

// "no-keyring", "source/predictable-file", or several rules over source; empty where no check has
// these words. The first of the data's rows that the title fits decides; where none does, the title
// and the reason together.
std::string CheckOf(const Claim& claim);

// One finding a claim: with a proof where the claim holds, with what refutes it where it does not,
// as a question where the check leaves it open, as an opinion where there is none. `found`: what
// the finders filed.
std::vector<Finding> FileClaims(std::span<const Claim> claims, const Subject& subject,
                                std::span<const Finding> found);

// The data.
std::string_view ClaimTerms();

}  // namespace bailey::review
