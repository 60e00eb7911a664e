// Rust: comments nest, ' opens a character or names a lifetime, strings have prefixes and marks.
#include "review/source_cursor.h"

namespace bailey::review {
namespace {

class Lexer {
 public:
  Lexer(std::string_view text, std::string_view path) : cursor_(text, path) {}

  base::Result<std::vector<Token>> Run() {
    if (cursor_.Sees("\xef\xbb\xbf")) cursor_.Step(3);
    for (;;) {
      while (!cursor_.Done() && IsBlank(cursor_.Peek())) cursor_.Step();
      if (cursor_.Done()) return std::move(tokens_);
      cursor_.Mark();
      if (auto status = One(); !status) return status.error();
    }
  }

 private:
  base::Status One() {
    if (cursor_.Sees("//")) {
      while (!cursor_.Done() && cursor_.Peek() != '\n') cursor_.Step();
      return Emit(TokenKind::kComment);
    }
    if (cursor_.Sees("/*")) return BlockComment();
    const char c = cursor_.Peek();
    if (c == '"') return String();
    if (c == '\'') return Quote();
    if (IsDigit(c)) return Number();
    if (StartsName(c)) return Name();
    cursor_.Step(PunctuationLength(cursor_));
    return Emit(TokenKind::kPunctuation);
  }

  base::Status Emit(TokenKind kind) {
    tokens_.push_back(cursor_.Take(kind));
    return {};
  }

  base::Status BlockComment() {
    std::size_t depth = 0;
    do {
      if (cursor_.Done()) return cursor_.Fail("the comment does not end");
      const bool opens = cursor_.Sees("/*"), closes = cursor_.Sees("*/");
      if (opens) ++depth;
      if (closes) --depth;
      cursor_.Step(opens || closes ? 2 : 1);
    } while (depth > 0);
    return Emit(TokenKind::kComment);
  }

  base::Status String() {
    cursor_.Step();
    while (!cursor_.Done() && cursor_.Peek() != '"') cursor_.Step(cursor_.Peek() == '\\' ? 2 : 1);
    if (cursor_.Done()) return cursor_.Fail("the string does not end");
    cursor_.Step();
    return Emit(TokenKind::kString);
  }

  base::Status RawString() {
    std::string close = "\"";
    while (cursor_.Peek() == '#') {
      close += '#';
      cursor_.Step();
    }
    cursor_.Step();
    while (!cursor_.Done() && !cursor_.Sees(close)) cursor_.Step();
    if (cursor_.Done()) return cursor_.Fail("the raw string does not end");
    cursor_.Step(close.size());
    return Emit(TokenKind::kString);
  }
  bool AtRawString() const {
    std::size_t marks = 0;
    while (marks < 256 && cursor_.Peek(marks) == '#') ++marks;
    return cursor_.Peek(marks) == '"';
  }

  // 'x', '\n' and '\u{41}' are characters; 'a without a closing quote is a lifetime.
  base::Status Quote() {
    cursor_.Step();
    if (cursor_.Peek() == '\\') {
      cursor_.Step(2);
      while (!cursor_.Done() && cursor_.Peek() != '\'' && cursor_.Peek() != '\n') cursor_.Step();
      if (cursor_.Peek() != '\'') return cursor_.Fail("the character does not end");
      cursor_.Step();
      return Emit(TokenKind::kCharacter);
    }
    std::size_t length = 1;
    while ((cursor_.Peek(length) & 0xc0) == 0x80) ++length;  // the rest of a UTF-8 sequence
    if (cursor_.Peek() != '\'' && cursor_.Peek(length) == '\'') {
      cursor_.Step(length + 1);
      return Emit(TokenKind::kCharacter);
    }
    if (!StartsName(cursor_.Peek())) return cursor_.Fail("the character does not end");
    cursor_.SkipName();
    return Emit(TokenKind::kLifetime);
  }

  base::Status Number() {
    while (InName(cursor_.Peek())) {
      const char c = cursor_.Peek();
      const bool exponent = (c == 'e' || c == 'E') &&
                            (cursor_.Peek(1) == '+' || cursor_.Peek(1) == '-') &&
                            !cursor_.Marked().starts_with("0x");
      cursor_.Step(exponent ? 2 : 1);
      // 1.5, but neither the range 1..5 nor the method 1.max(5)
      if (cursor_.Peek() == '.' && IsDigit(cursor_.Peek(1))) cursor_.Step();
    }
    return Emit(TokenKind::kNumber);
  }

  base::Status Name() {
    cursor_.SkipName();
    const std::string_view name = cursor_.Marked();
    if ((name == "r" || name == "br" || name == "cr") && AtRawString()) return RawString();
    if ((name == "b" || name == "c") && cursor_.Peek() == '"') return String();
    if (name == "b" && cursor_.Peek() == '\'') return Quote();
    if (name == "r" && cursor_.Peek() == '#' && StartsName(cursor_.Peek(1))) {
      cursor_.Step();
      cursor_.SkipName();
    }
    return Emit(TokenKind::kName);
  }

  Cursor cursor_;
  std::vector<Token> tokens_;
};

}  // namespace

base::Result<std::vector<Token>> LexRust(std::string_view text, std::string_view path) {
  return Lexer(text, path).Run();
}

}  // namespace bailey::review
