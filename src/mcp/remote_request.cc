#include "mcp/remote_request.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "mcp/replies.h"
#include "mcp/versions.h"

namespace bailey::mcp {
namespace {

bool IsPlain(std::string_view text) {
  return !text.empty() && text.front() != ' ' && text.back() != ' ' && !text.starts_with("=?") &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

std::string EncodeField(std::string_view text) {
  if (IsPlain(text)) return std::string(text);
  return fmt::format("=?base64?{}?=", base::EncodeBase64(text));
}

std::vector<std::string> SessionFields(const RemoteSession& session) {
  std::vector<std::string> fields;
  if (!session.name.empty()) fields.push_back("Mcp-Session-Id: " + session.name);
  if (!session.version.empty()) fields.push_back("MCP-Protocol-Version: " + session.version);
  return fields;
}

RemoteRequest Describe(std::string_view line, const Head& head, const RemoteSession& session) {
  RemoteRequest request;
  request.method = head.method.value_or("");
  if (head.method) request.id = head.id;
  const std::string version = VersionOf(line).value_or("");
  // Any version that is said in the message itself is its own; which are spoken the server says.
  request.is_stateless = !version.empty() && request.method != "initialize";
  if (request.is_stateless) {
    request.fields = {"MCP-Protocol-Version: " + EncodeField(version),
                      "Mcp-Method: " + EncodeField(request.method)};
    std::string name;
    if (request.method == "tools/call" || request.method == "prompts/get")
      name = TextAt(line, {"params", "name"}).value_or("");
    if (request.method == "resources/read") name = TextAt(line, {"params", "uri"}).value_or("");
    if (!name.empty()) request.fields.push_back("Mcp-Name: " + EncodeField(name));
  } else if (request.method != "initialize") {
    request.fields = SessionFields(session);
  }
  if (request.method == "notifications/cancelled") {
    if (const auto range = FindPath(line, {"params", "requestId"})) {
      const auto text = StringIn(line, *range);
      request.cancels = Id{text.has_value(), text ? *text : std::string(range->In(line))};
    }
  }
  return request;
}

std::string RefusedReply(const Id& id, std::string_view body, std::string_view why) {
  std::string line(body);
  std::ranges::replace(line, '\n', ' ');
  std::ranges::replace(line, '\r', ' ');
  Scanner scanner;
  (void)scanner.Take(line);
  if (scanner.IsClosed() && scanner.Fault().empty() && scanner.GetHead().has_error) {
    if (const auto error = FindPath(line, {"error"})) {
      return fmt::format("{{\"jsonrpc\":\"2.0\",\"id\":{},\"error\":{}}}\n", ToJson(id),
                         error->In(line));
    }
  }
  return ErrorReply(id, kServerGone, why);
}

std::string VersionIn(std::string_view answer) {
  const std::string version = TextAt(answer, {"result", "protocolVersion"}).value_or("");
  return IsPlain(version) && version.size() < 64 && version.find(' ') == std::string::npos ? version
                                                                                           : "";
}

}  // namespace bailey::mcp
