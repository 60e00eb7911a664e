#include "policy/document.h"

#include <algorithm>
#include <utility>

namespace bailey::policy {
namespace {

// What is shown of a line on each side of the caret.
constexpr std::size_t kMaxBefore = 100;
constexpr std::size_t kMaxAfter = 60;

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// What may be shown on a terminal, one column for each character. The text may be anything that
// failed to parse: control characters (C1's too, which UTF-8 writes as c2 80 to c2 9f) become
// blanks, and bytes that are not UTF-8 question marks.
std::string Shown(std::string_view text, std::size_t caret) {
  std::string shown;
  std::size_t columns = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = Utf8Length(text.substr(i));
    const auto lead = static_cast<unsigned char>(text[i]);
    const bool is_control =
        lead < 0x20 || lead == 0x7f ||
        (lead == 0xc2 && length == 2 && static_cast<unsigned char>(text[i + 1]) < 0xa0);
    if (length == 0) {
      shown += '?';
    } else if (is_control) {
      shown += ' ';
    } else {
      shown += text.substr(i, length);
    }
    if (i < caret) ++columns;
    i += std::max<std::size_t>(length, 1);
  }
  return shown + "\n" + std::string(columns, ' ') + "^";
}

}  // namespace

// Unicode 15, table 3-7.
std::size_t Utf8Length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto in = [](unsigned value, unsigned low, unsigned high) {
    return value >= low && value <= high;
  };
  const auto tail = [&](std::size_t i) { return in(byte(i), 0x80, 0xbf); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (in(lead, 0xc2, 0xdf)) return tail(1) ? 2 : 0;
  if (in(lead, 0xe0, 0xef)) {
    const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = lead == 0xed ? 0x9f : 0xbf;
    return in(byte(1), low, high) && tail(2) ? 3 : 0;
  }
  if (in(lead, 0xf0, 0xf4)) {
    const unsigned low = lead == 0xf0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xf4 ? 0x8f : 0xbf;
    return in(byte(1), low, high) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

std::string Excerpt(std::string_view text, Place place) {
  std::size_t begin = 0;
  for (std::uint32_t line = 1; line < place.line; ++line) {
    begin = text.find('\n', begin);
    if (begin == std::string_view::npos) return {};
    ++begin;
  }
  std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::size_t caret = std::min<std::size_t>(place.column > 0 ? place.column - 1 : 0, line.size());
  if (caret > kMaxBefore) {
    std::size_t cut = caret - kMaxBefore;
    while (cut < caret && IsContinuation(line[cut])) ++cut;
    line.remove_prefix(cut);
    caret -= cut;
  }
  if (line.size() > caret + kMaxAfter) {
    std::size_t size = caret + kMaxAfter;
    while (size > caret && IsContinuation(line[size])) --size;
    line = line.substr(0, size);
  }
  return Shown(line, caret);
}

Document::Document(std::string file, std::string text)
    : file_(std::move(file)), own_text_(std::move(text)), text_(own_text_) {}

Document::Document(std::string file, std::string_view text, std::vector<Node> nodes)
    : file_(std::move(file)), text_(text), nodes_(std::move(nodes)) {}

base::Error Document::ErrorAt(Place place, std::string text) const {
  base::Error error = base::InvalidInput(std::move(text));
  error.location = At(place);
  if (place.line > 0) error.excerpt = Excerpt(text_, place);
  return error;
}

}  // namespace bailey::policy
