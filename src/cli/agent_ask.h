// What servers ask of the person who runs an agent (MCP's elicitation), on the terminal.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace bailey::cli {

// Answers "elicitation/create": the message is shown, and each thing wanted is asked for. Keys that
// were pressed before are thrown away, and only a whole, fitting answer is one: without a terminal
// it is "decline", and so it is when nothing was said within ten minutes.
std::optional<nlohmann::json> AnswerServer(const std::string& method, const nlohmann::json& params);

}  // namespace bailey::cli
