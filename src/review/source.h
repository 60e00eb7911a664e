// A source file as the rules see it: tokens, not text. Comments and strings are tokens of their own
// kinds, so that no rule takes words in them for code.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bailey::review {

enum class Language : std::uint8_t { kC, kCxx, kRust };

enum class TokenKind : std::uint8_t {
  kName,
  kNumber,
  kString,
  kCharacter,
  kComment,  // also what "#if 0" leaves out
  kPunctuation,
  kDirective,  // a whole line of the preprocessor, its continuations included
  kLifetime,   // Rust: 'a
};

struct Token {
  TokenKind kind = TokenKind::kName;
  std::string_view text;  // of the file, quotes and comment marks included
  int line = 0;           // from 1
  int column = 0;         // from 1, in bytes
};

struct SourceFile {
  std::string path;
  Language language = Language::kC;
  std::shared_ptr<const std::string> text;  // what the tokens point into
  std::vector<Token> tokens;
};

}  // namespace bailey::review
