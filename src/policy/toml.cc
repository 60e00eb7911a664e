// The library bounds the depth of values but not that of dotted keys ("a.a.a.a = 1"), and destroys
// what it made by recursion; so depth is bounded here first, by a scan that knows strings and
// comments only. The library counts columns in characters, we count bytes.
#include "policy/toml.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <toml++/impl/preprocessor.h>
// Policies come from outside: whatever a parser might take for granted of its text, a mistake in it
// is an error with its place, neither an assertion nor a hint to the optimiser.
#undef TOML_ASSERT
#undef TOML_ASSUME
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT(expression) static_assert(true)
#define TOML_ASSUME(expression) static_assert(true)
#define TOML_ASSERT_ASSUME(expression) static_assert(true)
#include <toml++/toml.h>
#pragma GCC diagnostic pop

namespace bailey::policy {
namespace {

constexpr int kMaxDepth = 16;

Place PlaceAt(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t newline = before.rfind('\n');
  const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
  return {static_cast<std::uint32_t>(std::ranges::count(before, '\n') + 1),
          static_cast<std::uint32_t>(offset - begin + 1)};
}

// Where the text stops being text.
std::optional<std::size_t> FindBinary(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = Utf8Length(text.substr(i, 4));
    if (length == 0 || text[i] == '\0') return i;
    i += length;
  }
  return std::nullopt;
}

// Where a string that begins at `begin` ends.
std::size_t SkipString(std::string_view text, std::size_t begin) {
  const char quote = text[begin];
  const std::string three(3, quote);
  const bool multiline = text.substr(begin).starts_with(three);
  for (std::size_t i = begin + (multiline ? 3 : 1); i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (!multiline && (text[i] == quote || text[i] == '\n')) {
      return i + 1;
    } else if (multiline && text.substr(i).starts_with(three)) {
      // Up to two quotes before the closing three belong to the string.
      const std::size_t end = text.find_first_not_of(quote, i);
      return std::min(std::min(end, text.size()), i + 5);
    }
  }
  return text.size();
}

// Where brackets or dotted keys nest deeper than kMaxDepth.
std::optional<std::size_t> FindTooDeep(std::string_view text) {
  int brackets = 0;
  int dots = 0;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      i = SkipString(text, i);
      continue;
    }
    if (c == '#') {
      i = std::min(text.find('\n', i), text.size());
      continue;
    }
    if (c == '[' || c == '{') ++brackets;
    if (c == ']' || c == '}') brackets = std::max(brackets - 1, 0);
    if (c == '.') ++dots;
    if (c == '\n' || c == '=' || c == ',' || c == '{') dots = 0;
    if (brackets > kMaxDepth || dots >= kMaxDepth) return i;
    ++i;
  }
  return std::nullopt;
}

// Where a character beyond ASCII stands outside of strings and comments, or in a string behind a
// backslash and blanks. TOML has a meaning for it only in the last place, and there, as everywhere
// that the library asks whether such a character is a blank, its table has holes that it takes to
// be unreachable (toml++ 3.3.0, is_non_ascii_horizontal_whitespace: U+00A1 to U+0499 and others).
std::optional<std::size_t> FindMeaningless(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  const auto is_beyond_ascii = [text](std::size_t at) {
    return static_cast<unsigned char>(text[at]) >= 0x80;
  };
  for (std::size_t i = text.starts_with(kByteOrderMark) ? 3 : 0; i < text.size();) {
    std::size_t end = i + 1;
    if (text[i] == '"' || text[i] == '\'') end = std::min(SkipString(text, i), text.size());
    if (text[i] == '#') {
      i = std::min(text.find('\n', i), text.size());
      continue;
    }
    if (is_beyond_ascii(i)) return i;
    bool is_escaped = false;
    for (++i; i < end; ++i) {
      if (is_escaped && is_beyond_ascii(i)) return i;
      const bool is_blank = text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n';
      is_escaped = text[i] == '\\' || (is_escaped && is_blank);
    }
  }
  return std::nullopt;
}

// Byte columns for character columns, in time independent of the length of the line.
class Columns {
 public:
  explicit Columns(std::string_view text) : text_(text) {
    lines_.push_back(0);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (i % kBlock == 0) blocks_.push_back(characters_);
      if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) ++characters_;
      if (text[i] == '\n') lines_.push_back(i + 1);
    }
    ascii_ = characters_ == text.size();
  }

  Place ToPlace(const toml::source_position& position) const {
    if (ascii_ || position.line == 0 || position.line > lines_.size())
      return {position.line, position.column};
    const std::size_t begin = lines_[position.line - 1];
    const std::size_t offset = Offset(CharactersBefore(begin) + position.column - 1);
    return {position.line, static_cast<std::uint32_t>(offset - begin + 1)};
  }

 private:
  static constexpr std::size_t kBlock = 128;

  bool IsStart(std::size_t i) const {
    return (static_cast<unsigned char>(text_[i]) & 0xc0) != 0x80;
  }
  std::size_t CharactersBefore(std::size_t offset) const {
    if (offset >= text_.size()) return characters_;
    std::size_t count = blocks_[offset / kBlock];
    for (std::size_t i = offset / kBlock * kBlock; i < offset; ++i) count += IsStart(i) ? 1 : 0;
    return count;
  }
  // Where the character with this index begins.
  std::size_t Offset(std::size_t character) const {
    if (character >= characters_) return text_.size();
    const auto after = std::ranges::upper_bound(blocks_, character);
    const auto block = static_cast<std::size_t>(after - blocks_.begin()) - 1;
    std::size_t count = blocks_[block];
    std::size_t i = block * kBlock;
    while (!IsStart(i) || count < character) count += IsStart(i++) ? 1 : 0;
    return i;
  }

  std::string_view text_;
  std::vector<std::size_t> lines_;
  std::vector<std::size_t> blocks_;  // characters before each block
  std::size_t characters_ = 0;
  bool ascii_ = false;
};

class Flattener {
 public:
  explicit Flattener(Document& document) : document_(document), columns_(document.text()) {}

  void Add(const toml::node& node, const toml::key* key) {
    const std::size_t index = nodes_.size();
    nodes_.emplace_back();
    if (key != nullptr) {
      nodes_[index].key = document_.Keep(key->str());
      nodes_[index].key_place = columns_.ToPlace(key->source().begin);
    }
    nodes_[index].place = columns_.ToPlace(node.source().begin);
    if (const auto* table = node.as_table()) {
      for (const auto& [name, value] : *table) Add(value, &name);
    } else if (const auto* array = node.as_array()) {
      nodes_[index].kind = NodeKind::kArray;
      for (const auto& value : *array) Add(value, nullptr);
    } else {
      AddScalar(node, nodes_[index]);
    }
    nodes_[index].end = static_cast<std::uint32_t>(nodes_.size());
  }

  std::vector<Node> Take() && { return std::move(nodes_); }
  const Columns& columns() const { return columns_; }

 private:
  void AddScalar(const toml::node& node, Node& out) {
    if (const auto* string = node.as_string()) {
      out.kind = NodeKind::kString;
      out.text = document_.Keep(string->get());
      out.literal = IsLiteral(columns_.ToPlace(node.source().begin),
                              columns_.ToPlace(node.source().end), out.text);
    } else if (const auto* integer = node.as_integer()) {
      out.kind = NodeKind::kInteger;
      out.number = integer->get();
    } else if (const auto* boolean = node.as_boolean()) {
      out.kind = NodeKind::kBoolean;
      out.number = boolean->get() ? 1 : 0;
    } else {
      const auto* number = node.as_floating_point();
      out.kind = number ? NodeKind::kFloat : NodeKind::kTime;
      if (number) out.number = Thousandths(number->get());
    }
  }

  // What is not a number, or too large to be one of anything, is -1.
  static std::int64_t Thousandths(double number) {
    return std::abs(number) < 1e12 ? std::llround(number * 1000) : -1;
  }

  // Between one quote on each side, and so long as what it means: then it has no escapes.
  static bool IsLiteral(Place begin, Place end, std::string_view value) {
    return begin.line == end.line && end.column == begin.column + value.size() + 2;
  }

  Document& document_;
  Columns columns_;
  std::vector<Node> nodes_;
};

}  // namespace

base::Result<std::unique_ptr<Document>> ParseToml(std::string text, std::string file) {
  auto document = std::make_unique<Document>(std::move(file), std::move(text));
  const std::string_view whole = document->text();
  if (const auto offset = FindBinary(whole)) {
    return document->ErrorAt(PlaceAt(whole, *offset),
                             fmt::format("read policy: it is not text (byte {:#04x})",
                                         static_cast<unsigned char>(whole[*offset])));
  }
  if (const auto offset = FindTooDeep(whole)) {
    return document->ErrorAt(PlaceAt(whole, *offset),
                             fmt::format("read policy: it nests deeper than {} levels", kMaxDepth));
  }
  if (const auto offset = FindMeaningless(whole)) {
    return document->ErrorAt(
        PlaceAt(whole, *offset),
        "read policy: outside of strings and comments only ASCII has a meaning");
  }
  const toml::parse_result parsed = toml::parse(whole);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return document->ErrorAt(Columns(whole).ToPlace(error.source().begin),
                             fmt::format("read policy: {}", error.description()));
  }
  Flattener flattener(*document);
  flattener.Add(parsed.table(), nullptr);
  document->SetNodes(std::move(flattener).Take());
  return document;
}

}  // namespace bailey::policy
