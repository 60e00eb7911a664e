// Places and messages in the words of SARIF 2.1.0.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "review/record.h"
#include "review/subject.h"

namespace bailey::review {

// A relative reference without "./" and "a/../", percent-encoded; file:// for an absolute path.
std::string UriOf(std::string_view path);

// A location (3.28): the artifact, the line where there is one, and the instruction's address.
nlohmann::ordered_json LocationOf(const Place& place, const Subject& subject);

// Text of a message (3.11): brackets and braces are links and placeholders there.
std::string SarifMessage(std::string_view text);

}  // namespace bailey::review
