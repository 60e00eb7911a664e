#include "mcp/elicitation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace bailey::mcp {
namespace {

constexpr std::array<std::string_view, 4> kAnswers = {"once", "session", "workspace", "deny"};

std::string Params(std::string_view question) {
  return fmt::format(
      R"({{"message":{},"requestedSchema":{{"type":"object","properties":{{"answer":{{"type":"string",)"
      R"("title":"Answer","enum":["once","session","workspace","deny"],"default":"deny"}}}},)"
      R"("required":["answer"]}}}})",
      Quote(question));
}

}  // namespace

bool Elicits(std::string_view message, bool is_stateless) {
  const auto found =
      is_stateless
          ? FindPath(message, {"params", "_meta", "io.modelcontextprotocol/clientCapabilities",
                               "elicitation"})
          : FindPath(message, {"params", "capabilities", "elicitation"});
  if (!found || !found->In(message).starts_with('{')) return false;
  const auto members = Members(message, *found);
  // The first versions had forms alone, and said nothing of them.
  return members.empty() ||
         std::ranges::any_of(members, [](const Member& one) { return one.name == "form"; });
}

std::string AskRequest(const Id& id, std::string_view question) {
  return fmt::format(
      "{{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"elicitation/create\",\"params\":{}}}\n",
      ToJson(id), Params(question));
}

std::string AskResult(const Id& call, std::string_view question, std::string_view state) {
  return fmt::format(
      "{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{\"resultType\":\"input_required\","
      "\"inputRequests\":{{\"{}\":{{\"method\":\"elicitation/create\",\"params\":{}}}}},"
      "\"requestState\":{}}}}}\n",
      ToJson(call), kApprovalKey, Params(question), Quote(state));
}

std::string AnswerIn(std::string_view message, std::optional<Range> result) {
  bool ambiguous = false;
  if (!result) return "deny";
  const auto action = Find(message, *result, "action", ambiguous);
  const auto content = Find(message, *result, "content", ambiguous);
  const auto answer = content ? Find(message, *content, "answer", ambiguous) : std::nullopt;
  if (ambiguous || !action || !answer || StringIn(message, *action) != "accept") return "deny";
  const std::string word = StringIn(message, *answer).value_or("");
  return std::ranges::find(kAnswers, word) != kAnswers.end() ? word : "deny";
}

std::string WithOrigin(std::string_view message, std::string_view origin) {
  const auto found = FindPath(message, {"params", "message"});
  std::string marked(message);
  if (!found || !found->In(message).starts_with('"')) return marked;
  const std::string quoted =
      Quote(fmt::format("The server {} asks (this is not bailey): ", origin));
  // Without the quotes, behind the one that begins the text.
  return marked.insert(found->begin + 1, quoted.substr(1, quoted.size() - 2));
}

std::string WithId(std::string_view call, const Id& id) {
  const auto params = FindPath(call, {"params"});
  return fmt::format("{{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"tools/call\",\"params\":{}}}\n",
                     ToJson(id), params ? params->In(call) : "{}");
}

}  // namespace bailey::mcp
