#include "review/fingerprint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <map>

#include "base/text.h"

namespace bailey::review {
namespace {

// FNV-1a: the same on every machine, and told apart is all that is asked of it.
std::uint64_t Hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

const SourceFile* FindSource(const Subject& subject, const Place& place) {
  const auto found = std::ranges::find(subject.sources, place.file, &SourceFile::path);
  return found == subject.sources.end() || place.line == 0 ? nullptr : &*found;
}

std::string TokensOnLine(const SourceFile& source, int line) {
  std::string text;
  for (const Token& token : source.tokens) {
    if (token.line == line && token.kind != TokenKind::kComment) {
      text += fmt::format("{}{}", text.empty() ? "" : " ", token.text);
    }
  }
  return text;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// "line 12", "pc 7" and "launch.c:12:3" without their numbers.
std::string WithoutPositions(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool names_position =
        out.ends_with("line ") || out.ends_with("lines ") || out.ends_with("pc ") ||
        (out.ends_with(':') && out.size() > 1 && out[out.size() - 2] != ' ');
    if (names_position && IsDigit(text[i])) {
      while (i < text.size() && IsDigit(text[i])) ++i;
      --i;
      continue;
    }
    out += text[i];
  }
  return out;
}

std::string Identity(const Finding& finding, const Subject& subject) {
  const SourceFile* source = FindSource(subject, finding.place);
  std::string what = source == nullptr ? std::string() : TokensOnLine(*source, finding.place.line);
  if (what.empty()) what = finding.guarantee + '\n' + WithoutPositions(finding.vulnerability);
  return finding.rule + '\n' + finding.place.file + '\n' + what;
}

}  // namespace

std::string SourceLine(const Subject& subject, const Place& place) {
  const SourceFile* source = FindSource(subject, place);
  if (source == nullptr || !source->text) return {};
  const auto lines = base::Split(*source->text, '\n');
  const auto index = static_cast<std::size_t>(place.line - 1);
  return index < lines.size() ? std::string(lines[index]) : std::string();
}

std::vector<std::string> Fingerprints(const std::vector<Finding>& findings,
                                      const Subject& subject) {
  std::vector<std::string> fingerprints;
  std::map<std::uint64_t, unsigned> seen;
  for (const Finding& finding : findings) {
    const std::uint64_t hash = Hash(Identity(finding, subject));
    fingerprints.push_back(fmt::format("{:016x}:{}", hash, ++seen[hash]));
  }
  return fingerprints;
}

}  // namespace bailey::review
