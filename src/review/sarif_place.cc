#include "review/sarif_place.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "review/fingerprint.h"
#include "review/plain.h"

namespace bailey::review {
namespace {

using Json = nlohmann::ordered_json;

// Columns are bytes with us and UTF-16 units there: the same where the line is ASCII up to it.
bool IsSameColumn(std::string_view line, int column) {
  const auto before = line.substr(0, static_cast<std::size_t>(column - 1));
  return static_cast<std::size_t>(column - 1) <= line.size() &&
         std::ranges::all_of(before, [](char c) { return static_cast<signed char>(c) >= 0; });
}

}  // namespace

std::string UriOf(std::string_view path) {
  std::vector<std::string_view> parts;
  const bool is_absolute = path.starts_with('/');
  for (const std::string_view part : base::Split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (part != ".." || !is_absolute) {
      parts.push_back(part);
    }
  }
  std::string uri = is_absolute ? "file:///" : "";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    uri += fmt::format("{}{}", i == 0 ? "" : "/", PercentEncoded(parts[i]));
  }
  return uri;
}

nlohmann::ordered_json LocationOf(const Place& place, const Subject& subject) {
  const std::string uri = UriOf(place.file.empty() ? subject.file : place.file);
  Json artifact = {{"uri", uri}};
  if (!uri.starts_with("file:")) artifact["uriBaseId"] = "%SRCROOT%";
  // Code scanning shows no result without a line.
  Json region = {{"startLine", std::max(1, place.line)}};
  const std::string line = SourceLine(subject, place);
  if (place.column > 0 && IsSameColumn(line, place.column)) region["startColumn"] = place.column;
  if (!line.empty()) region["snippet"] = {{"text", Plain(line)}};
  Json physical = {{"artifactLocation", std::move(artifact)}, {"region", std::move(region)}};
  if (place.pc) {
    constexpr unsigned kInstruction = 8;  // bytes
    physical["address"] = {{"relativeAddress", *place.pc * kInstruction},
                           {"length", kInstruction},
                           {"kind", "instruction"},
                           {"name", fmt::format("pc {}", *place.pc)}};
  }
  return {{"physicalLocation", std::move(physical)}};
}

std::string SarifMessage(std::string_view text) {
  std::string out;
  for (const char c : Plain(text, Lines::kKeep)) {
    if (c == '[' || c == ']' || c == '\\') out += '\\';
    if (c == '{' || c == '}') out += c;
    out += c;
  }
  return out;
}

}  // namespace bailey::review
