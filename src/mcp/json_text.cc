#include "mcp/json_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace bailey::mcp {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

class Walker {
 public:
  Walker(std::string_view text, Range value) : text_(text.substr(0, value.end)), at_(value.begin) {}

  bool AtEnd() const { return at_ >= text_.size(); }
  // The next byte that is no blank; 0 at the end.
  char Peek() {
    while (!AtEnd() && IsSpace(text_[at_])) ++at_;
    return AtEnd() ? '\0' : text_[at_];
  }
  void Skip() { ++at_; }

  Range SkipString() {
    const std::size_t begin = at_++;
    while (!AtEnd() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, text_.size());
    return {begin, at_};
  }
  Range SkipValue() {
    (void)Peek();
    const std::size_t begin = at_;
    std::size_t depth = 0;
    while (!AtEnd()) {
      const char c = text_[at_];
      if (c == '"') {
        (void)SkipString();
        if (depth == 0) break;
        continue;
      }
      if (depth == 0 && (c == ',' || c == '}' || c == ']' || IsSpace(c))) break;
      ++at_;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) break;
    }
    return {begin, at_};
  }

 private:
  std::string_view text_;
  std::size_t at_;
};

std::string Decode(std::string_view quoted) {
  if (quoted.size() < 2) return {};
  if (quoted.find('\\') == std::string_view::npos)
    return std::string(quoted.substr(1, quoted.size() - 2));
  const auto parsed = nlohmann::json::parse(quoted, nullptr, false);
  // Half a surrogate pair, which the scanner lets pass and this library does not.
  if (!parsed.is_string()) return std::string(quoted);
  return parsed.get<std::string>();
}

bool SameButForCapitals(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

std::string Quote(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string Utf8(std::uint32_t point) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xc0 | point >> 6), byte(0x80 | (point & 0x3f))};
  if (point < 0x10000) {
    return {byte(0xe0 | point >> 12), byte(0x80 | (point >> 6 & 0x3f)),
            byte(0x80 | (point & 0x3f))};
  }
  return {byte(0xf0 | point >> 18), byte(0x80 | (point >> 12 & 0x3f)),
          byte(0x80 | (point >> 6 & 0x3f)), byte(0x80 | (point & 0x3f))};
}

std::vector<Member> Members(std::string_view text, Range value) {
  std::vector<Member> members;
  Walker walker(text, value);
  if (walker.Peek() != '{') return members;
  walker.Skip();
  while (walker.Peek() == '"') {
    const Range name = walker.SkipString();
    if (walker.Peek() != ':') break;
    walker.Skip();
    const Range found = walker.SkipValue();
    members.push_back({Decode(name.In(text)), found});
    if (walker.Peek() != ',') break;
    walker.Skip();
  }
  return members;
}

std::vector<Range> Elements(std::string_view text, Range value) {
  std::vector<Range> elements;
  Walker walker(text, value);
  if (walker.Peek() != '[') return elements;
  walker.Skip();
  while (walker.Peek() != ']' && !walker.AtEnd()) {
    elements.push_back(walker.SkipValue());
    if (walker.Peek() != ',') break;
    walker.Skip();
  }
  return elements;
}

std::optional<Range> Find(std::string_view text, Range object, std::string_view name,
                          bool& ambiguous) {
  std::optional<Range> found;
  std::size_t alike = 0;
  for (const Member& member : Members(text, object)) {
    if (!SameButForCapitals(member.name, name)) continue;
    ++alike;
    if (member.name == name) found = member.value;
  }
  if (alike > 1 || (alike == 1 && !found)) {
    ambiguous = true;
    return std::nullopt;
  }
  return found;
}

std::optional<std::string> StringIn(std::string_view text, Range value) {
  const std::string_view quoted = value.In(text);
  if (!quoted.starts_with('"')) return std::nullopt;
  return Decode(quoted);
}

std::optional<Range> FindPath(std::string_view text, std::initializer_list<std::string_view> names,
                              bool& ambiguous) {
  Range range = {0, text.size()};
  for (const std::string_view name : names) {
    const auto found = Find(text, range, name, ambiguous);
    if (!found) return std::nullopt;
    range = *found;
  }
  return range;
}

std::optional<Range> FindPath(std::string_view text,
                              std::initializer_list<std::string_view> names) {
  bool ambiguous = false;
  return FindPath(text, names, ambiguous);
}

std::string RawAt(std::string_view text, std::initializer_list<std::string_view> names) {
  const auto found = FindPath(text, names);
  return found ? std::string(found->In(text)) : std::string();
}

std::optional<std::string> TextAt(std::string_view text,
                                  std::initializer_list<std::string_view> names) {
  const auto range = FindPath(text, names);
  return range ? StringIn(text, *range) : std::nullopt;
}

}  // namespace bailey::mcp
