// Versions of the protocol, and where a message of the stateless one says which it is.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "mcp/json_text.h"

namespace bailey::mcp {

inline constexpr std::string_view kStatelessVersion = "2026-07-28";
inline constexpr std::array<std::string_view, 3> kSessionVersions = {"2025-03-26", "2025-06-18",
                                                                     "2025-11-25"};
// The text of params._meta[...]; nothing where a message has none.
inline std::optional<std::string> VersionOf(std::string_view message) {
  return TextAt(message, {"params", "_meta", "io.modelcontextprotocol/protocolVersion"});
}

}  // namespace bailey::mcp
