// Where a lexer stands in the text. Private to the lexers.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "review/source.h"

namespace bailey::review {

inline bool StartsName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}
inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool InName(char c) { return StartsName(c) || IsDigit(c); }
inline bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

class Cursor {
 public:
  Cursor(std::string_view text, std::string_view path) : text_(text), path_(path) {}

  std::size_t at() const { return at_; }
  bool Done() const { return at_ >= text_.size(); }
  // NUL behind the end: the text itself holds none.
  char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool Sees(std::string_view what) const { return text_.substr(at_, what.size()) == what; }

  void Step(std::size_t count = 1) {
    for (; count > 0 && at_ < text_.size(); --count, ++at_) {
      if (text_[at_] != '\n') continue;
      ++line_;
      line_start_ = at_ + 1;
    }
  }
  void SkipName() {
    while (InName(Peek())) Step();
  }

  // A token begins here.
  void Mark() {
    mark_ = at_;
    mark_line_ = line_;
    mark_column_ = static_cast<int>(at_ - line_start_) + 1;
  }
  Token Take(TokenKind kind) const {
    return {kind, text_.substr(mark_, at_ - mark_), mark_line_, mark_column_};
  }
  std::string_view Marked() const { return text_.substr(mark_, at_ - mark_); }
  // The token that begins at the mark is wrong.
  base::Error Fail(std::string_view why) const {
    base::Error error = base::InvalidInput("read source: " + std::string(why));
    error.location = {std::string(path_), static_cast<std::uint32_t>(mark_line_),
                      static_cast<std::uint32_t>(mark_column_)};
    return error;
  }

 private:
  std::string_view text_;
  std::string_view path_;
  std::size_t at_ = 0, line_start_ = 0, mark_ = 0;
  int line_ = 1, mark_line_ = 1, mark_column_ = 1;
};

base::Result<std::vector<Token>> LexC(std::string_view text, std::string_view path, bool cxx);
base::Result<std::vector<Token>> LexRust(std::string_view text, std::string_view path);

// The longest operator here; one byte where none is known.
std::size_t PunctuationLength(const Cursor& cursor);

}  // namespace bailey::review
