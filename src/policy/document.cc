#include "policy/document.h"

#include <algorithm>
#include <utility>

namespace bailey::policy {
namespace {

// What is shown of a line on each side of the caret.
constexpr std::size_t kMaxBefore = 100;
constexpr std::size_t kMaxAfter = 60;

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// The text may be anything that failed to parse, and ends on a terminal: no control characters.
std::string Shown(std::string_view text) {
  std::string shown(text);
  std::ranges::replace_if(
      shown, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return shown;
}

}  // namespace

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
  // One column on the screen for each character, however many bytes it takes.
  const auto columns = caret - static_cast<std::size_t>(
                                   std::ranges::count_if(line.substr(0, caret), IsContinuation));
  return Shown(line) + "\n" + std::string(columns, ' ') + "^";
}

Document::Document(std::string file, std::string text)
    : file_(std::move(file)), own_text_(std::move(text)), text_(own_text_) {}

Document::Document(std::string file, std::string_view text, std::span<const Node> nodes)
    : file_(std::move(file)), text_(text), nodes_(nodes) {}

base::Error Document::ErrorAt(Place place, std::string text) const {
  base::Error error = base::InvalidInput(std::move(text));
  error.location = At(place);
  if (place.line > 0) error.excerpt = Excerpt(text_, place);
  return error;
}

void Document::SetNodes(std::vector<Node> nodes) {
  own_nodes_ = std::move(nodes);
  nodes_ = own_nodes_;
}

}  // namespace bailey::policy
