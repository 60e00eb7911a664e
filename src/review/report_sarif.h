// What a service for code scanning takes at most, and the report kept below it.
#pragma once

#include <cstddef>
#include <string>

#include "review/record.h"
#include "review/subject.h"

namespace bailey::review {

struct SarifLimits {
  std::size_t results = 25'000;
  std::size_t flow_locations = 10'000;  // of a result
  std::size_t tags = 20;                // of a rule
  // The services count compressed bytes; these are not, so that the limit holds in any case.
  std::size_t bytes = 10'000'000;
};

// What did not fit is left out from the least severe finding on, the way through the filter before
// the transcript and that before the finding, and a notification of the tool says how much.
std::string SarifWithin(const SarifLimits& limits, const Trial& trial, const Subject& subject);

// The score of a severity in rule.properties["security-severity"]; empty for none.
std::string_view SecuritySeverity(Severity severity);

}  // namespace bailey::review
