// Text to tokens, in one pass: time and memory linear in the text's length.
//
//   auto file = Lex(text, "launch.c");
//   if (!file) return file.error();     // "launch.c:3:9: read source: the comment does not end"
//
// The language is the one of the path's ending: .c; .h .cc .cpp .cxx .hh .hpp .hxx; .rs.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "review/source.h"

namespace bailey::review {

// A token takes 32 bytes, and may be as short as one.
inline constexpr std::size_t kMaxSourceBytes = 4 << 20;

base::Result<SourceFile> Lex(std::string text, std::string path);

// What a string or character means: without prefix and quotes, simple escapes resolved.
std::string Unquote(const Token& token);

}  // namespace bailey::review
