// What tells a finding from others over time, and stays when lines move.
#pragma once

#include <string>
#include <vector>

#include "review/record.h"
#include "review/subject.h"

namespace bailey::review {

// The line of a source of the subject; empty when the place is in none.
std::string SourceLine(const Subject& subject, const Place& place);

// One a finding, 16 hexadecimal digits and the number among equal ones ("9f...:1"). Made of the
// rule and the file; in a source of the tokens on the finding's line, elsewhere of the guarantee
// and the finding's words without the numbers of lines and instructions.
std::vector<std::string> Fingerprints(const std::vector<Finding>& findings, const Subject& subject);

}  // namespace bailey::review
