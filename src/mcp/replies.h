// Messages that bailey itself says, each with its newline.
#pragma once

#include <string>
#include <string_view>

#include "mcp/scanner.h"

namespace bailey::mcp {

// JSON-RPC's codes, and one for what a gateway refuses.
enum ErrorNumber : int {
  kParseError = -32700,
  kInvalidRequest = -32600,
  kMethodNotFound = -32601,
  kInvalidParams = -32602,
  kInternalError = -32603,
  kServerGone = -32000,
};

// Without an id (null) where the request's could not be read.
std::string ErrorReply(const std::optional<Id>& id, int number, std::string_view text);
// The result of a tool that failed: what a model reads, and can do something about.
std::string ToolErrorReply(const Id& id, std::string_view text, bool is_stateless);
std::string CancelNotice(const Id& id, std::string_view reason);
std::string ListRequest(std::string_view id, std::string_view meta, std::string_view cursor);

}  // namespace bailey::mcp
