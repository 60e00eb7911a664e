#include "mcp/envelope.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "mcp/versions.h"

namespace bailey::mcp {
namespace {

// What they answer says how long it holds.
constexpr std::array<std::string_view, 6> kCacheable = {
    "tools/list",     "prompts/list",   "resources/list", "resources/templates/list",
    "resources/read", "server/discover"};

bool IsObject(std::string_view text, Range range) {
  return range.end > range.begin && text[range.begin] == '{';
}

bool IsEmptyObject(std::string_view text, Range object) {
  const std::size_t next = text.find_first_not_of(" \t\r", object.begin + 1);
  return next == std::string_view::npos || text[next] == '}';
}

// Right behind the object's opening brace.
Edit Inserted(std::string_view text, Range object, std::string members) {
  if (!IsEmptyObject(text, object)) members += ',';
  return {{object.begin + 1, object.begin + 1}, std::move(members)};
}

}  // namespace

std::string Edited(std::string_view text, std::vector<Edit> edits) {
  std::ranges::sort(edits, {}, [](const Edit& edit) { return edit.range.begin; });
  std::string edited;
  std::size_t at = 0;
  for (const Edit& edit : edits) {
    edited += text.substr(at, edit.range.begin - at);
    edited += edit.text;
    at = edit.range.end;
  }
  return edited += text.substr(at);
}

std::string JoinMembers(std::string_view first, std::string_view second) {
  return fmt::format("{}{}{}", first, first.empty() || second.empty() ? "" : ",", second);
}

std::string Without(std::string_view text, Range object,
                    std::initializer_list<std::string_view> names) {
  std::string members;
  for (const Member& member : Members(text, object)) {
    if (std::ranges::find(names, member.name) != names.end()) continue;
    members = JoinMembers(members, fmt::format("{}:{}", Quote(member.name), member.value.In(text)));
  }
  return fmt::format("{{{}}}", members);
}

std::string Request(const Id& id, std::string_view method, std::string_view params) {
  return fmt::format("{{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":{},\"params\":{}}}\n", ToJson(id),
                     Quote(method), params);
}

std::string Notification(std::string_view method, std::string_view params) {
  return fmt::format("{{\"jsonrpc\":\"2.0\",\"method\":{},\"params\":{}}}\n", Quote(method),
                     params);
}

std::string Result(const Id& id, std::string_view result) {
  return fmt::format("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{}}}\n", ToJson(id), result);
}

std::string Envelope(std::string_view client_info, std::string_view capabilities,
                     std::string_view log_level) {
  std::string members =
      fmt::format("\"{}\":\"{}\",\"{}\":{}", kVersionKey, kStatelessVersion, kClientCapabilitiesKey,
                  capabilities.empty() ? "{}" : capabilities);
  if (!client_info.empty()) members += fmt::format(",\"{}\":{}", kClientInfoKey, client_info);
  if (!log_level.empty()) members += fmt::format(",\"{}\":{}", kLogLevelKey, log_level);
  return members;
}

std::string WithEnvelope(std::string_view line, std::string_view envelope, std::string_view more) {
  const auto params = FindPath(line, {"params"});
  if (!params || !IsObject(line, *params)) {
    const Range whole = {line.find('{'), line.size()};
    return Edited(
        line,
        {Inserted(line, whole,
                  fmt::format("\"params\":{{{}}}",
                              JoinMembers(fmt::format("\"_meta\":{{{}}}", envelope), more)))});
  }
  const auto meta = FindPath(line, {"params", "_meta"});
  if (!meta || !IsObject(line, *meta)) {
    return Edited(line, {Inserted(line, *params,
                                  JoinMembers(fmt::format("\"_meta\":{{{}}}", envelope), more))});
  }
  std::vector<Edit> edits = {Inserted(line, *meta, std::string(envelope))};
  if (!more.empty()) edits.push_back(Inserted(line, *params, std::string(more)));
  return Edited(line, std::move(edits));
}

std::string WithoutEnvelope(std::string_view line) {
  const auto meta = FindPath(line, {"params", "_meta"});
  if (!meta || !IsObject(line, *meta)) return std::string(line);
  return Edited(
      line,
      {{*meta, Without(line, *meta,
                       {kVersionKey, kClientInfoKey, kClientCapabilitiesKey, kLogLevelKey})}});
}

std::optional<Edit> ResultEdit(std::string_view answer, std::string_view method) {
  const auto result = FindPath(answer, {"result"});
  if (!result || !IsObject(answer, *result)) return std::nullopt;
  const auto names = Members(answer, *result);
  std::string members;
  if (std::ranges::find(names, "resultType", &Member::name) == names.end())
    members = "\"resultType\":\"complete\"";
  if (std::ranges::find(kCacheable, method) != kCacheable.end() &&
      std::ranges::find(names, "ttlMs", &Member::name) == names.end())
    members = JoinMembers(members, R"("ttlMs":0,"cacheScope":"private")");
  if (members.empty()) return std::nullopt;
  return Inserted(answer, *result, std::move(members));
}

std::optional<Edit> IdEdit(std::string_view answer, const Id& id) {
  const auto found = FindPath(answer, {"id"});
  if (!found || found->end >= answer.size()) return std::nullopt;
  return Edit{*found, ToJson(id)};
}

}  // namespace bailey::mcp
