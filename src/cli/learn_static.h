// What programs can do at all, by their files, beside what they were seen to do.
#pragma once

#include <string>

#include "learn/profile.h"

namespace bailey::cli {

// bailey learn --static FILE.
int RunStatic(const std::string& file);

// A line or two about the programs that a profile saw executed: the calls that they can make at
// most, and how many of these were not seen. Empty where none of them can be read.
std::string StaticSummary(const learn::Profile& profile);

}  // namespace bailey::cli
