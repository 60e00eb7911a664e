// Other people's programs that make file systems: run to their end, with what they say kept for the
// error. No shell reads a word of anybody else's, and none stands in front of theirs.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace bailey::image {

// Times that it writes are 1970's.
inline constexpr const char* kEpoch = "SOURCE_DATE_EPOCH=0";
// For fakeroot: an owner that is noted needs not be set; where there is no such user it could not
// be.
inline constexpr const char* kFakeOwners = "FAKEROOTDONTTRYCHOWN=1";

struct Tool {
  std::vector<std::string> argv;   // argv[0] is looked for in /usr/bin and the like
  std::string what;                // "make a file system of /x": begins the error's text
  int input = -1;                  // its standard input; -1: none
  int output = -1;                 // its standard output; -1: kept for the error
  std::vector<int> descriptors;    // that it has under the same numbers
  const char* variable = nullptr;  // of its environment
  bool is_alone = false;           // all that it starts ends with it, or with this process
  std::string runs = {};           // what that is, for the error
};
// kUnsupported where it is not installed.
base::Status RunTool(const Tool& tool);

}  // namespace bailey::image
