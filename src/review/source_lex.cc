#include "review/source_lex.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "review/source_cursor.h"

namespace bailey::review {
namespace {

// The length of the UTF-8 sequence at the front, 0 where it is none.
std::size_t SequenceLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool beyond = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
  return overlong || beyond ? 0 : length;
}

base::Status CheckBytes(std::string_view text, std::string_view path) {
  Cursor cursor(text, path);
  cursor.Mark();
  if (text.size() > kMaxSourceBytes) return cursor.Fail("the file is larger than 4 MiB");
  while (!cursor.Done()) {
    if (cursor.Peek() == '\0') {
      cursor.Mark();
      return cursor.Fail("there is a zero byte");
    }
    const std::size_t length = SequenceLength(text.substr(cursor.at()));
    if (length == 0) {
      cursor.Mark();
      return cursor.Fail("the text is not UTF-8");
    }
    cursor.Step(length);
  }
  return {};
}

constexpr std::array<std::string_view, 7> kCxxEndings = {".h",  ".cc",  ".cpp", ".cxx",
                                                         ".hh", ".hpp", ".hxx"};

// Longer ones first.
constexpr std::array<std::string_view, 30> kOperators = {
    "<=>", "<<=", ">>=", "...", "..=", "->*", "->", "=>", "::", "==", "!=", "<=", ">=", "&&", "||",
    "++",  "--",  "+=",  "-=",  "*=",  "/=",  "%=", "&=", "|=", "^=", "<<", ">>", "..", "##", ".*"};

char Escaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case '0':
      return '\0';
    default:
      return c;
  }
}

}  // namespace

std::size_t PunctuationLength(const Cursor& cursor) {
  const auto found =
      std::ranges::find_if(kOperators, [&](std::string_view text) { return cursor.Sees(text); });
  return found == kOperators.end() ? 1 : found->size();
}

base::Result<SourceFile> Lex(std::string text, std::string path) {
  const std::string ending = std::filesystem::path(path).extension();
  SourceFile file;
  if (ending == ".rs") {
    file.language = Language::kRust;
  } else if (std::ranges::find(kCxxEndings, ending) != kCxxEndings.end()) {
    file.language = Language::kCxx;
  } else if (ending != ".c") {
    base::Error error = base::InvalidInput(
        "read source: the ending is none of C (.c, .h), C++ (.cc, .cpp, .cxx, .hh, .hpp, .hxx) and "
        "Rust (.rs)");
    error.location.file = std::move(path);
    return error;
  }
  if (auto checked = CheckBytes(text, path); !checked) return checked.error();
  file.text = std::make_shared<const std::string>(std::move(text));
  auto tokens = file.language == Language::kRust
                    ? LexRust(*file.text, path)
                    : LexC(*file.text, path, file.language == Language::kCxx);
  if (!tokens) return tokens.error();
  file.tokens = *std::move(tokens);
  file.path = std::move(path);
  return file;
}

std::string Unquote(const Token& token) {
  std::string_view text = token.text;
  const std::size_t open = text.find_first_of("\"'");
  if (open == std::string_view::npos) return std::string(text);
  const std::string_view prefix = text.substr(0, open);
  if (prefix.find_first_of("rR") != std::string_view::npos) {
    // r##"..."## of Rust has its marks before the quote, R"mark(...)mark" of C++ behind it.
    const std::size_t marks =
        token.text.back() == '#' ? prefix.size() - prefix.find('#') : std::size_t{0};
    std::string_view inside = text.substr(open + 1);
    inside.remove_suffix(std::min(inside.size(), marks + 1));
    if (prefix.find('R') == std::string_view::npos) return std::string(inside);
    const std::size_t parenthesis = inside.find('(');
    if (parenthesis == std::string_view::npos) return std::string(inside);
    inside.remove_prefix(parenthesis + 1);
    inside.remove_suffix(std::min(inside.size(), parenthesis + 1));
    return std::string(inside);
  }
  text.remove_prefix(open + 1);
  if (!text.empty()) text.remove_suffix(1);
  std::string meaning;
  meaning.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      meaning += text[i];
    } else if (text[++i] != '\n') {  // a continued line adds nothing
      meaning += Escaped(text[i]);
    }
  }
  return meaning;
}

}  // namespace bailey::review
