#include "mcp/http_message.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "base/text.h"
#include "mcp/replies.h"
#include "mcp/versions.h"

namespace bailey::mcp {
namespace {

constexpr std::string_view kFirstToResume = "2025-11-25";
constexpr int kHeaderMismatch = -32020;

std::unexpected<HttpFault> Refused(int code, std::string text) {
  return std::unexpected(HttpFault{400, std::move(text), "", code});
}

// What Mcp-Name repeats of a request of this method.
std::optional<std::string> NameIn(std::string_view line, std::string_view method) {
  if (method == "tools/call" || method == "prompts/get") return TextAt(line, {"params", "name"});
  if (method == "resources/read") return TextAt(line, {"params", "uri"});
  return std::nullopt;
}

std::optional<HttpFault> CheckStateless(const HttpHead& head, const HttpMessage& message) {
  const auto fault = [](int code, std::string text) {
    return HttpFault{400, std::move(text), "", code};
  };
  const auto said = VersionOf(message.line);
  // A request that was meant for a session has no such text, and none here is complete without.
  const bool is_request = message.kind == MessageKind::kRequest;
  if (is_request && (!head.version || (said && *said != *head.version)))
    return fault(kHeaderMismatch,
                 "read request: MCP-Protocol-Version does not say what its _meta says");
  if (said && *said != kStatelessVersion)
    return fault(kUnsupportedVersion,
                 fmt::format("read request: version \"{}\" is not spoken here without a session",
                             base::Escape(*said)));
  if (!is_request) return std::nullopt;
  if (head.rpc_method != message.method)
    return fault(kHeaderMismatch, "read request: Mcp-Method does not say its method");
  const auto name = NameIn(message.line, message.method);
  if (!name) return std::nullopt;
  const auto field = head.rpc_name ? DecodeField(*head.rpc_name) : std::nullopt;
  if (field != name)
    return fault(kHeaderMismatch, "read request: Mcp-Name does not say what its params say");
  return std::nullopt;
}

std::optional<Id> TokenIn(std::string_view line) {
  const auto range = FindPath(line, {"params", "_meta", "progressToken"});
  if (!range) return std::nullopt;
  if (const auto text = StringIn(line, *range)) return Id{true, *text};
  return Id{false, std::string(range->In(line))};
}

}  // namespace

std::optional<std::string> DecodeField(std::string_view value) {
  constexpr std::string_view kBegin = "=?base64?", kEnd = "?=";
  if (!value.starts_with(kBegin) || !value.ends_with(kEnd)) return std::string(value);
  return base::DecodeBase64(
      value.substr(kBegin.size(), value.size() - kBegin.size() - kEnd.size()));
}

std::expected<HttpMessage, HttpFault> ReadMessage(const HttpHead& head, std::string body) {
  HttpMessage message;
  // A carriage return is a blank between tokens and a fault within a text, as a newline is; but it
  // ends no message.
  std::ranges::replace(body, '\n', '\r');
  Scanner scanner;
  (void)scanner.Take(body);
  scanner.End();
  if (scanner.IsBlank()) return Refused(kParseError, "read request: its body is empty");
  if (!scanner.Fault().empty())
    return Refused(kParseError, fmt::format("read request: {}", scanner.Fault()));
  if (!scanner.IsClosed()) return Refused(kParseError, "read request: it ends in the middle");
  const Head& rpc = scanner.GetHead();
  if (rpc.method && (rpc.has_result || rpc.has_error))
    return Refused(kInvalidRequest, "read request: it is an answer as well");
  if (!rpc.method && (!rpc.id || !(rpc.has_result || rpc.has_error)))
    return Refused(kInvalidRequest, "read request: it is neither request nor answer");
  if (rpc.method && rpc.has_id && !rpc.id)
    return Refused(kInvalidRequest, "read request: its id is null");
  // Programs that read lines may take a carriage return for an end of one.
  std::ranges::replace(body, '\r', ' ');
  body += '\n';
  message.line = std::move(body);
  message.method = rpc.method.value_or("");
  message.kind = !rpc.method ? MessageKind::kAnswer
                 : rpc.id    ? MessageKind::kRequest
                             : MessageKind::kNotice;
  const bool says_version = VersionOf(message.line).has_value();
  message.is_stateless =
      head.version == kStatelessVersion || (says_version && message.method != "initialize");
  if (message.is_stateless) {
    if (const auto fault = CheckStateless(head, message)) return std::unexpected(*fault);
  } else if (head.version &&
             std::ranges::find(kSessionVersions, *head.version) == kSessionVersions.end()) {
    return Refused(kUnsupportedVersion,
                   fmt::format("read request: MCP-Protocol-Version \"{}\" is not known",
                               base::Escape(*head.version)));
  }
  if (message.kind != MessageKind::kRequest) return message;
  message.info = {*rpc.id, message.method, TokenIn(message.line),
                  head.version && *head.version >= kFirstToResume};
  return message;
}

}  // namespace bailey::mcp
