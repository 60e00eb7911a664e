// What one message needs to travel over HTTP: the fields of its request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/scanner.h"

namespace bailey::mcp {

// Of the connection, as its answers said it.
struct RemoteSession {
  std::string name;     // Mcp-Session-Id
  std::string version;  // what initialize was answered with
};

struct RemoteRequest {
  std::optional<Id> id;  // of a request; its answer's
  std::string method;    // empty: an answer
  bool is_stateless = false;
  std::vector<std::string> fields;  // "Name: value"
  std::optional<Id> cancels;        // what a notice gives up
};

// `line`: a message without a scanner's fault.
RemoteRequest Describe(std::string_view line, const Head& head, const RemoteSession& session);
// Those of a request without a message: a stream that is listened to, the end of a session.
std::vector<std::string> SessionFields(const RemoteSession& session);
// As a value of a field: "=?base64?...?=" where it is not plain.
std::string EncodeField(std::string_view text);
// An answer to what could not be answered, from what came with an HTTP error: the server's own
// error where it is one of JSON-RPC, else `why`.
std::string RefusedReply(const Id& id, std::string_view body, std::string_view why);
// result.protocolVersion; empty where there is none.
std::string VersionIn(std::string_view answer);

}  // namespace bailey::mcp
