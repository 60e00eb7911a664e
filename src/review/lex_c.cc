// C and C++. A directive of the preprocessor is one token, and what "#if 0" leaves out is a
// comment: neither is code. Nothing is expanded.
#include "review/source_cursor.h"

namespace bailey::review {
namespace {

class Lexer {
 public:
  Lexer(std::string_view text, std::string_view path, bool cxx) : cursor_(text, path), cxx_(cxx) {}

  base::Result<std::vector<Token>> Run() {
    if (cursor_.Sees("\xef\xbb\xbf")) cursor_.Step(3);
    bool line_start = true;
    for (;;) {
      line_start |= SkipBlank();
      if (cursor_.Done()) return std::move(tokens_);
      cursor_.Mark();
      if (cursor_.Peek() == '#' && line_start) {
        Directive();
      } else if (auto status = One(); !status) {
        return status.error();
      }
      // A comment before "#" leaves it at the start of its line.
      line_start = line_start && tokens_.back().kind == TokenKind::kComment;
    }
  }

 private:
  // Whether a line ended.
  bool SkipBlank() {
    bool ended = false;
    for (;;) {
      if (IsBlank(cursor_.Peek()) && !cursor_.Done()) {
        ended |= cursor_.Peek() == '\n';
        cursor_.Step();
      } else if (cursor_.Peek() == '\\' && AtContinuation()) {
        SkipContinuation();
      } else {
        return ended;
      }
    }
  }
  bool AtContinuation() const {
    return cursor_.Peek() == '\\' &&
           (cursor_.Peek(1) == '\n' || (cursor_.Peek(1) == '\r' && cursor_.Peek(2) == '\n'));
  }
  void SkipContinuation() { cursor_.Step(cursor_.Peek(1) == '\n' ? 2 : 3); }

  base::Status One() {
    if (cursor_.Sees("//")) {
      SkipLine();
      return Emit(TokenKind::kComment);
    }
    if (cursor_.Sees("/*")) {
      if (!SkipBlockComment()) return cursor_.Fail("the comment does not end");
      return Emit(TokenKind::kComment);
    }
    const char c = cursor_.Peek();
    if (c == '"') return String();
    if (c == '\'') return Character();
    if (IsDigit(c) || (c == '.' && IsDigit(cursor_.Peek(1)))) return Number();
    if (StartsName(c)) return Name();
    cursor_.Step(PunctuationLength(cursor_));
    return Emit(TokenKind::kPunctuation);
  }

  base::Status Emit(TokenKind kind) {
    tokens_.push_back(cursor_.Take(kind));
    return {};
  }

  void SkipLine() {
    while (!cursor_.Done() && cursor_.Peek() != '\n') {
      if (AtContinuation()) {
        SkipContinuation();
      } else {
        cursor_.Step();
      }
    }
  }

  bool SkipBlockComment() {
    cursor_.Step(2);
    while (!cursor_.Done() && !cursor_.Sees("*/")) cursor_.Step();
    if (cursor_.Done()) return false;
    cursor_.Step(2);
    return true;
  }

  // Up to and with the closing quote, in one line.
  bool SkipQuoted(char quote) {
    cursor_.Step();
    while (!cursor_.Done() && cursor_.Peek() != '\n') {
      if (cursor_.Peek() == quote) {
        cursor_.Step();
        return true;
      }
      cursor_.Step(cursor_.Sees("\\\r\n") ? 3 : cursor_.Peek() == '\\' ? 2 : 1);
    }
    return false;
  }

  base::Status String() {
    if (!SkipQuoted('"')) return cursor_.Fail("the string does not end");
    return Emit(TokenKind::kString);
  }
  base::Status Character() {
    if (!SkipQuoted('\'')) return cursor_.Fail("the character does not end");
    return Emit(TokenKind::kCharacter);
  }

  base::Status RawString() {
    cursor_.Step();
    std::string close = ")";
    while (cursor_.Peek() != '(') {
      const char c = cursor_.Peek();
      // The standard allows 16 characters, none of them blank.
      if (cursor_.Done() || IsBlank(c) || c == ')' || c == '\\' || close.size() > 16)
        return cursor_.Fail("the raw string has no \"(\" behind its mark");
      close += c;
      cursor_.Step();
    }
    close += '"';
    while (!cursor_.Done() && !cursor_.Sees(close)) cursor_.Step();
    if (cursor_.Done()) return cursor_.Fail("the raw string does not end");
    cursor_.Step(close.size());
    return Emit(TokenKind::kString);
  }

  base::Status Number() {
    while (!cursor_.Done()) {
      const char c = cursor_.Peek();
      const char next = cursor_.Peek(1);
      const bool exponent = (c == 'e' || c == 'E' || c == 'p' || c == 'P') &&
                            (next == '+' || next == '-') && !IsHexadecimalE(c);
      if (exponent || (c == '\'' && InName(next))) {
        cursor_.Step(2);
      } else if (InName(c) || c == '.') {
        cursor_.Step();
      } else {
        break;
      }
    }
    return Emit(TokenKind::kNumber);
  }
  // 0xe+1 is a sum.
  bool IsHexadecimalE(char c) const {
    const std::string_view number = cursor_.Marked();
    return (c == 'e' || c == 'E') && number.size() > 1 && (number[1] == 'x' || number[1] == 'X');
  }

  base::Status Name() {
    cursor_.SkipName();
    const std::string_view name = cursor_.Marked();
    const bool prefix = name == "L" || name == "u" || name == "U" || name == "u8";
    if (cursor_.Peek() == '"') {
      if (cxx_ && (name == "R" || name == "LR" || name == "uR" || name == "UR" || name == "u8R"))
        return RawString();
      if (prefix) return String();
    }
    if (cursor_.Peek() == '\'' && prefix) return Character();
    return Emit(TokenKind::kName);
  }

  void Directive() {
    while (!cursor_.Done() && cursor_.Peek() != '\n' && !cursor_.Sees("//")) {
      const char c = cursor_.Peek();
      if (cursor_.Sees("/*")) {
        // Without an end, it is the rest of the file that is wrong; the next token says so.
        Cursor before = cursor_;
        if (!SkipBlockComment()) {
          cursor_ = before;
          break;
        }
      } else if (AtContinuation()) {
        SkipContinuation();
      } else if (c == '"') {
        Cursor before = cursor_;
        if (!SkipQuoted(c)) {
          cursor_ = before;
          cursor_.Step();
        }
      } else {
        cursor_.Step();
      }
    }
    tokens_.push_back(cursor_.Take(TokenKind::kDirective));
    if (IsZeroCondition(tokens_.back().text)) SkipLeftOut();
  }

  // "#if 0", with any blanks.
  static bool IsZeroCondition(std::string_view text) {
    std::string words;
    for (const char c : text.substr(0, 64)) {
      if (!IsBlank(c)) words += c;
    }
    return words == "#if0";
  }

  // To the line of the matching #else, #elif or #endif. What stands there need not be tokens.
  void SkipLeftOut() {
    cursor_.Mark();
    int depth = 0;
    while (!cursor_.Done()) {
      cursor_.Step();  // the end of the line before
      Cursor line = cursor_;
      while (line.Peek() == ' ' || line.Peek() == '\t') line.Step();
      if (line.Peek() == '#') {
        line.Step();
        while (line.Peek() == ' ' || line.Peek() == '\t') line.Step();
        if (line.Sees("if")) ++depth;
        if (depth == 0 && (line.Sees("else") || line.Sees("elif") || line.Sees("endif"))) break;
        if (line.Sees("endif")) --depth;
      }
      while (!cursor_.Done() && cursor_.Peek() != '\n') cursor_.Step();
    }
    if (!cursor_.Marked().empty()) tokens_.push_back(cursor_.Take(TokenKind::kComment));
  }

  Cursor cursor_;
  bool cxx_;
  std::vector<Token> tokens_;
};

}  // namespace

base::Result<std::vector<Token>> LexC(std::string_view text, std::string_view path, bool cxx) {
  return Lexer(text, path, cxx).Run();
}

}  // namespace bailey::review
