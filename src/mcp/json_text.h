// JSON as text: quoted, and taken apart by position without a document of it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bailey::mcp {

// With quotes. What is no UTF-8 becomes U+FFFD.
std::string Quote(std::string_view text);
std::string Utf8(std::uint32_t code_point);

// Where a value stands in a text.
struct Range {
  std::size_t begin = 0, end = 0;
  bool operator==(const Range&) const = default;
  std::string_view In(std::string_view text) const { return text.substr(begin, end - begin); }
};
struct Member {
  std::string name;  // decoded
  Range value;
};

// These are for texts that are known to be JSON: what they make of others is unspecified, though
// harmless. `value`: of an object, of an array; nothing for another kind of value.
std::vector<Member> Members(std::string_view text, Range value);
std::vector<Range> Elements(std::string_view text, Range value);
// The member of this name; nothing where there is none, or where it comes more than once in any
// mixture of capitals, which `ambiguous` says.
std::optional<Range> Find(std::string_view text, Range object, std::string_view name,
                          bool& ambiguous);
// The same from a whole message down, a name at a time.
std::optional<Range> FindPath(std::string_view text, std::initializer_list<std::string_view> names,
                              bool& ambiguous);
std::optional<Range> FindPath(std::string_view text, std::initializer_list<std::string_view> names);
// A value as it stands there; empty for none.
std::string RawAt(std::string_view text, std::initializer_list<std::string_view> names);
// The decoded text of a JSON string; nothing for another kind of value.
std::optional<std::string> StringIn(std::string_view text, Range value);
std::optional<std::string> TextAt(std::string_view text,
                                  std::initializer_list<std::string_view> names);

}  // namespace bailey::mcp
