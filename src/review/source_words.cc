#include "review/source_words.h"

namespace bailey::review {
namespace {

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
char LowerOf(char c) { return IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), LowerOf);
  return lower;
}

std::vector<std::string> WordsOf(std::string_view name) {
  std::vector<std::string> words;
  bool begins = true;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '_' || c == '-') {
      begins = true;
      continue;
    }
    begins |= IsUpper(c) && i > 0 && !IsUpper(name[i - 1]);
    if (begins) words.emplace_back();
    begins = false;
    words.back() += LowerOf(c);
  }
  return words;
}

bool HasWord(std::string_view name, std::span<const std::string_view> words) {
  const auto own = WordsOf(name);
  return std::ranges::any_of(own, [&](const std::string& word) { return IsAny(word, words); });
}

}  // namespace bailey::review
