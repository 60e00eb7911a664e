// data/reports/*, as they were at build.
#pragma once

#include <string_view>

namespace bailey::review {

std::string_view PageTemplate();
std::string_view PageStyle();

}  // namespace bailey::review
