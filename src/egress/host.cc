#include "egress/host.h"

#include <algorithm>

namespace bailey::egress {
namespace {

constexpr std::size_t kMostLabelBytes = 63;

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsLetter(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }

bool IsLabel(std::string_view label) {
  if (label.empty() || label.size() > kMostLabelBytes) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(
      label, [](char c) { return IsDigit(c) || IsLetter(c) || c == '-' || c == '_'; });
}

// The WHATWG URL standard, "ends in a number": readers of such names make addresses of them.
bool IsNumber(std::string_view label) {
  if (label.starts_with("0x")) return std::ranges::all_of(label.substr(2), IsHexDigit);
  return std::ranges::all_of(label, IsDigit);
}

}  // namespace

std::optional<Host> Host::Parse(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > kMostBytes) return std::nullopt;
  std::string small(text);
  for (char& c : small)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  std::string_view rest = small;
  for (;;) {
    const std::size_t dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    if (!IsLabel(label)) return std::nullopt;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (IsNumber(rest)) return std::nullopt;
  return Host(std::move(small));
}

bool Host::IsBelow(const Host& domain) const {
  return text_.size() > domain.text_.size() && text_.ends_with(domain.text_) &&
         text_[text_.size() - domain.text_.size() - 1] == '.';
}

}  // namespace bailey::egress
