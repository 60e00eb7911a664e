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
inline constexpr std::string_view kNewestSessionVersion = kSessionVersions.back();
// What every request of the stateless version carries in params._meta, and some of its answers.
inline constexpr std::string_view kVersionKey = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view kClientInfoKey = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view kClientCapabilitiesKey =
    "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view kLogLevelKey = "io.modelcontextprotocol/logLevel";
inline constexpr std::string_view kServerInfoKey = "io.modelcontextprotocol/serverInfo";
inline constexpr std::string_view kSubscriptionKey = "io.modelcontextprotocol/subscriptionId";
// Errors that it has.
inline constexpr int kUnsupportedVersion = -32022;

// The text of params._meta[...]; nothing where a message has none.
inline std::optional<std::string> VersionOf(std::string_view message) {
  return TextAt(message, {"params", "_meta", kVersionKey});
}

}  // namespace bailey::mcp
