// What a message of one era carries and one of the other does not: put into its text, and taken
// out.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/json_text.h"
#include "mcp/scanner.h"

namespace bailey::mcp {

// A text put in the place of another.
struct Edit {
  Range range;
  std::string text;
};
// `edits` in any order; no two of the same place.
std::string Edited(std::string_view text, std::vector<Edit> edits);

// The object's text without these members, or with others in front: `{"a":1}` of `"a":1`.
std::string Without(std::string_view text, Range object,
                    std::initializer_list<std::string_view> names);
std::string JoinMembers(std::string_view first, std::string_view second);

std::string Request(const Id& id, std::string_view method, std::string_view params);
std::string Notification(std::string_view method, std::string_view params);
std::string Result(const Id& id, std::string_view result);

// The members of params._meta that name version, client and its capabilities.
std::string Envelope(std::string_view client_info, std::string_view capabilities,
                     std::string_view log_level);
// A request with those members, and with `more` members in its params.
std::string WithEnvelope(std::string_view line, std::string_view envelope, std::string_view more);
// A request without them.
std::string WithoutEnvelope(std::string_view line);

// What a result has to say of itself in 2026-07-28, for the answer to `method`; nothing to do where
// it says it already, or is none.
std::optional<Edit> ResultEdit(std::string_view answer, std::string_view method);
// An answer under another id; nothing where the id is not in this part of it.
std::optional<Edit> IdEdit(std::string_view answer, const Id& id);

}  // namespace bailey::mcp
