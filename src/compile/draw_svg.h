// A policy's decisions as a picture that stands by itself: SVG with neither scripts nor links.
#pragma once

#include <string>
#include <string_view>

#include "compile/draw_outline.h"

namespace bailey::compile {

// One column an architecture. A call is looked up from the top: in the boxes of calls with one
// answer, then among those that look at arguments, whose tests stand to the right of each other.
std::string Svg(const PolicyOutline& outline, std::string_view title);

}  // namespace bailey::compile
