#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mcp/run_tool.h"

namespace bailey::mcp {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kRead = R"json({
"name": "read",
"description": "Reads a text file of the workspace.",
"inputSchema": {"type": "object", "additionalProperties": false, "required": ["path"], "properties": {
"path": {"type": "string", "minLength": 1, "maxLength": 4095},
"from": {"type": "integer", "minimum": 1, "description": "the first line"},
"lines": {"type": "integer", "minimum": 1, "description": "how many; all by default"}}},
"annotations": {"title": "Read a file", "readOnlyHint": true, "openWorldHint": false}})json";

constexpr const char* kWrite = R"json({
"name": "write",
"description": "Writes a whole text file of the workspace. Its directory must be there.",
"inputSchema": {"type": "object", "additionalProperties": false, "required": ["path", "text"], "properties": {
"path": {"type": "string", "minLength": 1, "maxLength": 4095}, "text": {"type": "string"}}},
"annotations": {"title": "Write a file", "destructiveHint": true, "openWorldHint": false}})json";

constexpr const char* kEdit = R"json({
"name": "edit",
"description": "Replaces a piece of text in a file of the workspace. The old text must stand in it exactly once, or \"all\" be true.",
"inputSchema": {"type": "object", "additionalProperties": false, "required": ["path", "old", "new"], "properties": {
"path": {"type": "string", "minLength": 1, "maxLength": 4095}, "old": {"type": "string", "minLength": 1},
"new": {"type": "string"}, "all": {"type": "boolean"}}},
"annotations": {"title": "Edit a file", "destructiveHint": true, "openWorldHint": false}})json";

constexpr const char* kList = R"json({
"name": "list",
"description": "Lists a directory of the workspace.",
"inputSchema": {"type": "object", "additionalProperties": false, "properties": {
"path": {"type": "string", "maxLength": 4095, "description": "the workspace itself by default"}}},
"annotations": {"title": "List a directory", "readOnlyHint": true, "openWorldHint": false}})json";

constexpr std::size_t kMostText = 256 << 10;

ToolResult Error(const base::Error& error) { return {error.text, "", true}; }

bool IsUtf8(const std::string& text) {
  // The library throws for a text that is none.
  try {
    (void)Json(text).dump();
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

// These lines of a text, counted from 1.
std::string_view Lines(std::string_view text, std::size_t from, std::size_t count) {
  std::size_t begin = 0;
  for (; from > 1 && begin < text.size(); --from) {
    const std::size_t end = text.find('\n', begin);
    begin = end == std::string_view::npos ? text.size() : end + 1;
  }
  std::size_t end = begin;
  for (; count > 0 && end < text.size(); --count) {
    const std::size_t newline = text.find('\n', end);
    end = newline == std::string_view::npos ? text.size() : newline + 1;
  }
  return text.substr(begin, end - begin);
}

ToolResult Read(const Workspace& workspace, const Json& arguments) {
  const std::string path = arguments["path"];
  const auto text = workspace.Read(path);
  if (!text) return Error(text.error());
  if (!IsUtf8(*text)) return {fmt::format("read {}: it is no UTF-8 text", path), "", true};
  const auto lines = Lines(*text, arguments.value("from", std::size_t{1}),
                           arguments.value("lines", text->size() + 1));
  if (lines.size() > kMostText) {
    return {fmt::format("read {}: {} bytes are more than {}; ask for fewer \"lines\"", path,
                        lines.size(), kMostText),
            "", true};
  }
  return {std::string(lines), "", false};
}

ToolResult Write(const Workspace& workspace, const Json& arguments) {
  const std::string text = arguments["text"];
  const auto written = workspace.Write(arguments["path"], text);
  if (!written) return Error(written.error());
  return {fmt::format("{} bytes written", text.size()), "", false};
}

ToolResult Edit(const Workspace& workspace, const Json& arguments) {
  const auto times =
      workspace.Edit(arguments["path"], arguments["old"].get<std::string>(),
                     arguments["new"].get<std::string>(), arguments.value("all", false));
  if (!times) return Error(times.error());
  return {fmt::format("{} replaced", *times), "", false};
}

ToolResult List(const Workspace& workspace, const Json& arguments) {
  const auto entries = workspace.List(arguments.value("path", "."));
  if (!entries) return Error(entries.error());
  std::string text;
  Json list = Json::array();
  for (const Entry& entry : *entries) {
    text += fmt::format("{} {} {}\n", entry.kind, entry.size, entry.name);
    list.push_back({{"name", entry.name}, {"kind", entry.kind}, {"size", entry.size}});
  }
  const Json structured = {{"entries", list}};
  return {std::move(text), structured.dump(-1, ' ', false, Json::error_handler_t::replace), false};
}

}  // namespace

std::vector<ServedTool> FileTools(const Workspace& workspace) {
  const auto tool = [&](const char* name, const char* definition, auto action) {
    return ServedTool{name, definition,
                      [&workspace, action](const std::string& text, Cancellation&) {
                        return action(workspace, Json::parse(text));
                      }};
  };
  return {tool("read", kRead, Read), tool("write", kWrite, Write), tool("edit", kEdit, Edit),
          tool("list", kList, List)};
}

}  // namespace bailey::mcp
