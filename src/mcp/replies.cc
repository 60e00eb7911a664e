#include "mcp/replies.h"

#include <fmt/format.h>

#include "mcp/json_text.h"

namespace bailey::mcp {

std::string ErrorReply(const std::optional<Id>& id, int number, std::string_view text) {
  return fmt::format("{{\"jsonrpc\":\"2.0\",\"id\":{},\"error\":{{\"code\":{},\"message\":{}}}}}\n",
                     id ? ToJson(*id) : "null", number, Quote(text));
}

std::string ToolErrorReply(const Id& id, std::string_view text, bool is_stateless) {
  return fmt::format(
      "{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{{}\"content\":[{{\"type\":\"text\",\"text\":{}}"
      "}]"
      ",\"isError\":true}}}}\n",
      ToJson(id), is_stateless ? "\"resultType\":\"complete\"," : "", Quote(text));
}

std::string CancelNotice(const Id& id, std::string_view reason) {
  return fmt::format(
      "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{{\"requestId\":{},"
      "\"reason\":{}}}}}\n",
      ToJson(id), Quote(reason));
}

std::string ListRequest(std::string_view id, std::string_view meta, std::string_view cursor) {
  std::string params = meta.empty() ? "" : fmt::format("\"_meta\":{}", meta);
  if (!cursor.empty())
    params += fmt::format("{}\"cursor\":{}", params.empty() ? "" : ",", Quote(cursor));
  return fmt::format(
      "{{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"tools/list\",\"params\":{{{}}}}}\n", Quote(id),
      params);
}

}  // namespace bailey::mcp
