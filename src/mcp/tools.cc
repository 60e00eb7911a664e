#include "mcp/tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"

namespace bailey::mcp {
namespace {

using nlohmann::json;

// A document; nothing where names come twice in one of its objects, or it is none.
std::optional<json> ParseStrictly(std::string_view text) {
  std::vector<std::set<std::string, std::less<>>> names;
  bool twice = false;
  const auto look = [&](int, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) names.emplace_back();
    if (event == json::parse_event_t::object_end) names.pop_back();
    if (event == json::parse_event_t::key)
      twice = !names.back().insert(value.get<std::string>()).second || twice;
    return true;
  };
  json parsed = json::parse(text, look, false);
  if (parsed.is_discarded() || twice) return std::nullopt;
  return parsed;
}

base::Error Bad(std::string_view what) {
  return base::InvalidInput(fmt::format("read list of tools: {}", what));
}

base::Result<Tool> ReadTool(std::string_view message, Range range) {
  bool ambiguous = false;
  const auto name = Find(message, range, "name", ambiguous);
  const auto text = name ? StringIn(message, *name) : std::nullopt;
  if (ambiguous || !text || text->empty()) return Bad("a tool has no name, or more than one");
  const auto parsed = ParseStrictly(range.In(message));
  if (!parsed) {
    return Bad(fmt::format("the definition of \"{}\" has a name twice, or is no Unicode",
                           base::Escape(*text)));
  }
  return Tool{*text, parsed->dump(-1, ' ', true), range};
}

}  // namespace

base::Result<std::optional<ToolList>> ReadTools(std::string_view message) {
  bool ambiguous = false;
  const auto tools = FindPath(message, {"result", "tools"}, ambiguous);
  const auto cursor = FindPath(message, {"result", "nextCursor"}, ambiguous);
  if (ambiguous) return Bad("\"tools\" comes twice, or with capitals");
  if (!tools) return std::nullopt;
  if (!tools->In(message).starts_with('[')) return Bad("\"tools\" is no array");
  ToolList list;
  std::set<std::string, std::less<>> names;
  for (const Range range : Elements(message, *tools)) {
    auto tool = ReadTool(message, range);
    if (!tool) return tool.error();
    if (!names.insert(tool->name).second)
      return Bad(fmt::format("two tools are called \"{}\"", base::Escape(tool->name)));
    list.tools.push_back(*std::move(tool));
  }
  if (cursor) list.cursor = StringIn(message, *cursor);
  return list;
}

std::string WithoutTools(std::string_view message, const std::vector<Range>& removed) {
  bool ambiguous = false;
  const auto tools = FindPath(message, {"result", "tools"}, ambiguous);
  if (!tools) return std::string(message);
  std::string text(message.substr(0, tools->begin));
  text += '[';
  bool first = true;
  for (const Range range : Elements(message, *tools)) {
    if (std::ranges::find(removed, range) != removed.end()) continue;
    if (!first) text += ',';
    first = false;
    text += range.In(message);
  }
  text += ']';
  return text += message.substr(tools->end);
}

bool Call::IsStateless() const {
  return meta.find("io.modelcontextprotocol/protocolVersion") != std::string::npos;
}

base::Result<Call> ReadCall(std::string_view message) {
  bool ambiguous = false;
  const auto params = FindPath(message, {"params"}, ambiguous);
  const auto name = FindPath(message, {"params", "name"}, ambiguous);
  const auto arguments = FindPath(message, {"params", "arguments"}, ambiguous);
  const auto meta = FindPath(message, {"params", "_meta"}, ambiguous);
  const auto tool = name ? StringIn(message, *name) : std::nullopt;
  if (ambiguous || !tool || tool->empty())
    return base::InvalidInput("read call of a tool: it names none, or more than one");
  if (!ParseStrictly(params->In(message)))
    return base::InvalidInput("read call of a tool: a name comes twice in its arguments");
  Call call = {*tool, {}, {}};
  if (arguments) call.arguments = arguments->In(message);
  if (meta) call.meta = meta->In(message);
  return call;
}

}  // namespace bailey::mcp
