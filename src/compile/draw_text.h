// Drawings of a policy and of its filter in letters.
#pragma once

#include <string>
#include <string_view>

#include "bpf/program.h"
#include "compile/draw_outline.h"

namespace bailey::compile {

// A C header that compiles by itself where <linux/filter.h> is: `static const struct sock_filter
// bailey_filter[]`, in the order of the program. `about` is a comment; what would end it is
// changed.
std::string CHeader(const bpf::Program& program, std::string_view about);

// For reading: each architecture, its calls by answer, the tests of those that look at arguments.
std::string PseudoCode(const PolicyOutline& outline);

// Graphviz. One cluster an architecture; tests are tables whose rows lead on.
std::string Dot(const PolicyOutline& outline, std::string_view title);

// Names in rows of at most `width` letters, separated by blanks.
std::vector<std::string> Wrap(const std::vector<std::string>& names, std::size_t width);

}  // namespace bailey::compile
