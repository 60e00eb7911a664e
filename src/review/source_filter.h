// What a source says of the filter that it builds.
#pragma once

#include <string_view>
#include <vector>

#include "review/source_code.h"

namespace bailey::review {

struct FilterStart {
  enum class Default { kNone, kAllow, kDeny } kind = Default::kNone;  // kNone: it builds none
  Index at = kNowhere;                                                // where it says so
};

// What the filters of the file answer to calls without a rule. Files with filters of both kinds,
// and filters written as instructions, are kNone: nothing can be said of them.
FilterStart StartOf(const Code& code);

// Where a system call is named as one: SCMP_SYS(name), __NR_name, SYS_name, "name".
std::vector<Index> CallNamed(const Code& code, std::string_view name);

// Whether the file starts another program, or a machine: execve, Command::new(...).spawn().
Index StartsProgram(const Code& code);

}  // namespace bailey::review
