// Asking a person through the protocol: the client shows the question, where it can.
//
// In a session the client is sent a request (elicitation/create); without one (2026-07-28) the call
// is answered with what is asked, and comes again with the answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mcp/json_text.h"
#include "mcp/scanner.h"

namespace bailey::mcp {

// Under which a call without a session is asked about, beside what its server asks.
inline constexpr std::string_view kApprovalKey = "bailey-approval";

// Whether the client of an initialize, or of a request without a session, shows forms.
bool Elicits(std::string_view message, bool is_stateless);
std::string AskRequest(const Id& id, std::string_view question);
std::string AskResult(const Id& call, std::string_view question, std::string_view state);
// "once", "session", "workspace" or "deny" of {"action":"accept","content":{"answer":...}};
// everything else is "deny".
std::string AnswerIn(std::string_view message, std::optional<Range> result);
// A server's own question, with who asks in front of it: no server speaks for bailey.
std::string WithOrigin(std::string_view message, std::string_view origin);
// A call that came first with another id.
std::string WithId(std::string_view call, const Id& id);

}  // namespace bailey::mcp
