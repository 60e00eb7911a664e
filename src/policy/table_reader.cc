#include "policy/table_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace bailey::policy {
namespace {

constexpr std::size_t kMaxShown = 64;

}  // namespace

std::string_view Describe(NodeKind kind) {
  switch (kind) {
    case NodeKind::kTable:
      return "a table";
    case NodeKind::kArray:
      return "an array";
    case NodeKind::kString:
      return "a string";
    case NodeKind::kInteger:
      return "an integer";
    case NodeKind::kFloat:
      return "a fraction";
    case NodeKind::kBoolean:
      return "true or false";
    case NodeKind::kTime:
      return "a date or time";
  }
  return "";
}

std::string Quote(std::string_view text) {
  std::size_t size = std::min(text.size(), kMaxShown);
  // Not within a character.
  while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return fmt::format("\"{}{}\"", base::Escape(text.substr(0, size)),
                     size < text.size() ? "..." : "");
}

std::string Suggestion(std::string_view text, std::span<const std::string_view> candidates) {
  // The distance costs the product of both lengths.
  if (text.size() > kMaxShown) return {};
  const auto nearest = base::Nearest(text, candidates);
  return nearest ? fmt::format(", did you mean \"{}\"?", *nearest) : std::string();
}

TableReader::TableReader(const Document& document, std::uint32_t table, std::string where,
                         std::span<const std::string_view> keys)
    : document_(document), table_(table), where_(std::move(where)) {
  const Node* unknown = nullptr;
  for (std::uint32_t i = table + 1; i < node(table).end; i = node(i).end) {
    if (std::ranges::find(keys, node(i).key) != keys.end()) continue;
    // Tables are sorted by key; the first in the text is the one to report.
    const auto at = [](const Node& n) { return std::pair(n.key_place.line, n.key_place.column); };
    if (unknown == nullptr || at(node(i)) < at(*unknown)) unknown = &node(i);
  }
  if (unknown == nullptr) return;
  std::string hint = Suggestion(unknown->key, keys);
  if (hint.empty()) hint = fmt::format(" (there are: {})", fmt::join(keys, ", "));
  Fail(unknown->key_place,
       fmt::format("read {}: unknown key {}{}", where_, Quote(unknown->key), hint));
}

std::optional<std::uint32_t> TableReader::Find(std::string_view key) const {
  for (std::uint32_t i = table_ + 1; i < node(table_).end; i = node(i).end) {
    if (node(i).key == key) return i;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> TableReader::Get(std::string_view key, NodeKind kind) {
  const auto index = Find(key);
  if (!index) return std::nullopt;
  const Node& found = node(*index);
  if (found.kind == kind) return index;
  Fail(found.place, fmt::format("read {} {}: expected {}, found {}", where_, key, Describe(kind),
                                Describe(found.kind)));
  return std::nullopt;
}

Text TableReader::TextOf(std::uint32_t index) const {
  return {node(index).text, node(index).place, node(index).literal};
}

std::optional<Text> TableReader::String(std::string_view key) {
  const auto index = Get(key, NodeKind::kString);
  if (!index) return std::nullopt;
  if (node(*index).text.find('\0') != std::string_view::npos)
    Fail(node(*index).place, fmt::format("read {} {}: it has a zero byte", where_, key));
  return TextOf(*index);
}

std::optional<bool> TableReader::Boolean(std::string_view key) {
  const auto index = Get(key, NodeKind::kBoolean);
  if (!index) return std::nullopt;
  return node(*index).number != 0;
}

std::optional<std::uint64_t> TableReader::Integer(std::string_view key, std::uint64_t low,
                                                  std::uint64_t high) {
  const auto index = Get(key, NodeKind::kInteger);
  if (!index) return std::nullopt;
  const std::int64_t number = node(*index).number;
  if (number >= 0 && static_cast<std::uint64_t>(number) >= low &&
      static_cast<std::uint64_t>(number) <= high)
    return static_cast<std::uint64_t>(number);
  Fail(node(*index).place,
       fmt::format("read {} {}: {} is not from {} to {}", where_, key, number, low, high));
  return std::nullopt;
}

std::optional<std::uint64_t> TableReader::Thousandths(std::string_view key, std::uint64_t high) {
  const auto index = Find(key);
  if (!index || node(*index).kind != NodeKind::kFloat) {
    const auto whole = Integer(key, 1, high);
    return whole ? std::optional(*whole * 1000) : std::nullopt;
  }
  const std::int64_t number = node(*index).number;
  if (number > 0 && static_cast<std::uint64_t>(number) <= high * 1000)
    return static_cast<std::uint64_t>(number);
  Fail(node(*index).place,
       fmt::format("read {} {}: it is not from 0.001 to {}", where_, key, high));
  return std::nullopt;
}

std::optional<std::vector<Text>> TableReader::Strings(std::string_view key) {
  const auto array = Get(key, NodeKind::kArray);
  if (!array) return std::nullopt;
  std::vector<Text> texts;
  for (std::uint32_t i = *array + 1; i < node(*array).end; i = node(i).end) {
    if (node(i).kind != NodeKind::kString) {
      Fail(node(i).place, fmt::format("read {} {}: expected a string, found {}", where_, key,
                                      Describe(node(i).kind)));
      return std::nullopt;
    }
    if (node(i).text.find('\0') != std::string_view::npos)
      Fail(node(i).place, fmt::format("read {} {}: it has a zero byte", where_, key));
    texts.push_back(TextOf(i));
  }
  return texts;
}

std::optional<std::vector<Text>> TableReader::Words(std::string_view key, std::string_view what,
                                                    std::span<const std::string_view> words) {
  auto texts = Strings(key);
  if (!texts) return std::nullopt;
  for (const Text& text : *texts) {
    if (std::ranges::find(words, text.value) != words.end()) continue;
    Fail(text.place, fmt::format("read {} {}: unknown {} {}{}", where_, key, what,
                                 Quote(text.value), Suggestion(text.value, words)));
    break;
  }
  return texts;
}

void TableReader::Fail(Place place, std::string text) {
  if (!error_) error_ = document_.ErrorAt(place, std::move(text));
}

void TableReader::Fail(base::Error error) {
  if (!error_) error_ = std::move(error);
}

void TableReader::Fail(Place place, base::Error error) {
  if (error_) return;
  error.location = document_.At(place);
  error.excerpt = Excerpt(document_.text(), place);
  error_ = std::move(error);
}

}  // namespace bailey::policy
