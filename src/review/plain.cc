#include "review/plain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstddef>

#include "base/markup.h"

namespace bailey::review {
namespace {

constexpr char32_t kReplacement = 0xfffd;

// The character at the front of `text`, which is then taken off; kReplacement for a byte that
// begins none. Overlong forms and surrogates are none.
char32_t TakeCharacter(std::string_view& text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80             ? 1
                             : (first & 0xe0) == 0xc0 ? 2
                             : (first & 0xf0) == 0xe0 ? 3
                             : (first & 0xf8) == 0xf0 ? 4
                                                      : 0;
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  char32_t character = length == 1 ? first : first & (0x7fU >> length);
  bool is_whole = length != 0 && length <= text.size();
  for (std::size_t i = 1; is_whole && i < length; ++i) {
    is_whole = (byte(i) & 0xc0) == 0x80;
    character = (character << 6) | (byte(i) & 0x3fU);
  }
  is_whole = is_whole && character >= kSmallest[length] && character <= 0x10ffff &&
             (character < 0xd800 || character > 0xdfff);
  text.remove_prefix(is_whole ? length : 1);
  return is_whole ? character : kReplacement;
}

void Append(std::string& out, char32_t character) {
  const auto put = [&out](char32_t bits) { out += static_cast<char>(bits); };
  if (character < 0x80) {
    put(character);
  } else if (character < 0x800) {
    put(0xc0 | (character >> 6));
    put(0x80 | (character & 0x3f));
  } else if (character < 0x10000) {
    put(0xe0 | (character >> 12));
    put(0x80 | ((character >> 6) & 0x3f));
    put(0x80 | (character & 0x3f));
  } else {
    put(0xf0 | (character >> 18));
    put(0x80 | ((character >> 12) & 0x3f));
    put(0x80 | ((character >> 6) & 0x3f));
    put(0x80 | (character & 0x3f));
  }
}

bool ReordersOrHides(char32_t c) {
  return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x2069) || c == 0xfeff || c == 0x61c;
}

bool IsControl(char32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

std::size_t LongestRun(std::string_view text, char of) {
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char c : text) {
    run = c == of ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

}  // namespace

std::string Plain(std::string_view text, Lines lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const char32_t character = TakeCharacter(text);
    if (character == '\n' || character == '\t') {
      out += lines == Lines::kKeep ? static_cast<char>(character) : ' ';
    } else {
      Append(out, IsControl(character) || ReordersOrHides(character) ? kReplacement : character);
    }
  }
  return out;
}

std::string MarkdownText(std::string_view text) {
  // The parts that forges add: bare addresses become links, @name and #12 reach people and issues.
  // A comment between the sign and the name keeps both as they are read, and apart.
  constexpr std::string_view kApart = "<!-- -->";
  constexpr std::string_view kActs = "\\`*_[]<>&~|$!";
  const std::string plain = Plain(text);
  std::string out;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const char c = plain[i];
    const std::string_view rest = std::string_view(plain).substr(i);
    if (kActs.find(c) != std::string_view::npos) {
      out += '\\';
      out += c;
    } else if (c == '@' || c == '#') {
      out += '\\';
      out += c;
      out += kApart;
    } else if (rest.starts_with("://")) {
      out += "\\:";
      out += kApart;
    } else if (rest.size() > 4 && std::tolower(static_cast<unsigned char>(c)) == 'w' &&
               std::tolower(static_cast<unsigned char>(rest[1])) == 'w' &&
               std::tolower(static_cast<unsigned char>(rest[2])) == 'w' && rest[3] == '.') {
      out += rest.substr(0, 3);
      out += "\\.";
      i += 3;
    } else {
      out += c;
    }
  }
  return out;
}

std::string MarkdownCode(std::string_view text) {
  std::string plain = Plain(text);
  if (plain.find_first_not_of(' ') == std::string::npos) return "` `";
  const std::string fence(LongestRun(plain, '`') + 1, '`');
  // One blank on either side is not shown, and keeps the fence apart.
  const bool needs_blank = plain.front() == '`' || plain.back() == '`' || plain.front() == ' ';
  if (needs_blank) plain = " " + plain + " ";
  return fence + plain + fence;
}

std::string MarkdownBlock(std::string_view text, std::string_view language) {
  const std::string plain = Plain(text, Lines::kKeep);
  const std::string fence(std::max<std::size_t>(3, LongestRun(plain, '`') + 1), '`');
  return fmt::format("{}{}\n{}{}{}\n", fence, language, plain,
                     plain.empty() || plain.ends_with('\n') ? "" : "\n", fence);
}

std::string HtmlText(std::string_view text, Lines lines) {
  return base::EscapeMarkup(Plain(text, lines));
}

std::string PercentEncoded(std::string_view text) {
  constexpr std::string_view kUnreserved = "-._~/";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_letter = byte < 0x80 && std::isalnum(byte) != 0;
    if (is_letter || kUnreserved.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

}  // namespace bailey::review
