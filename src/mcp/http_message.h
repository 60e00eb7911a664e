// What a message that came by POST says of where it belongs, in both eras of the protocol.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mcp/http_fault.h"
#include "mcp/http_reader.h"
#include "mcp/http_session.h"

namespace bailey::mcp {

enum class MessageKind : std::uint8_t { kRequest, kNotice, kAnswer };

struct HttpMessage {
  MessageKind kind = MessageKind::kNotice;
  std::string line;      // the message with its newline, and none within
  HttpRequestInfo info;  // of a request
  std::string method;    // empty: an answer
  // It says its version itself, and needs no session: 2026-07-28.
  bool is_stateless = false;
};

// `body`: taken. Where a head and a body say different things of the same message it is refused
// (-32020), as one of a version that is not known (-32022).
std::expected<HttpMessage, HttpFault> ReadMessage(const HttpHead& head, std::string body);

// The value of an Mcp-Name field: plain, or as "=?base64?...?=".
std::optional<std::string> DecodeField(std::string_view value);

}  // namespace bailey::mcp
