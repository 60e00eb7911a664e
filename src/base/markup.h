// Text in HTML and XML.
#pragma once

#include <string>
#include <string_view>

namespace bailey::base {

// With < > & and both quotes as entities: safe between tags and in a quoted attribute. Which
// characters may stand there at all is the caller's to decide.
std::string EscapeMarkup(std::string_view text);

}  // namespace bailey::base
