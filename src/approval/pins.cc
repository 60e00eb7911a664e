#include "approval/pins.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

extern "C" {
#include <sha2.h>
}

#include "approval/action.h"
#include "base/text.h"

namespace bailey::approval {
namespace {

std::string Now() { return fmt::format("{:%FT%TZ}", fmt::gmtime(std::time(nullptr))); }

// Definitions are JSON on one line: its parts on lines of their own can be compared.
std::vector<std::string> Parts(std::string_view text) {
  std::vector<std::string> parts;
  std::string part;
  bool in_string = false;
  std::size_t depth = 0;
  const auto end = [&] {
    const bool plain = std::ranges::all_of(part, [](char c) { return c >= ' ' && c <= '~'; });
    if (!part.empty())
      parts.push_back(std::string(2 * depth, ' ') + (plain ? part : base::Escape(part)));
    part.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      part += c;
      if (c == '\\' && i + 1 < text.size()) part += text[++i];
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '}' || c == ']') {
      end();
      depth -= depth > 0 ? 1 : 0;
    }
    part += c;
    if (c == '"') in_string = true;
    if (c == ',' || c == '{' || c == '[') end();
    if (c == '{' || c == '[') ++depth;
  }
  end();
  return parts;
}

}  // namespace

std::string Hash(std::string_view text) {
  std::array<char, SHA256_DIGEST_STRING_LENGTH> digest = {};
  SHA256Data(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), digest.data());
  return digest.data();
}

base::Result<PinVerdict> Pins::Check(std::string_view server, std::string_view tool,
                                     std::string_view definition) {
  const std::string hash = Hash(definition);
  const auto found = database_.Ask("SELECT hash, seen_hash FROM pins WHERE server = ? AND tool = ?",
                                   {server, tool});
  if (!found) return found.error();
  if (found->empty()) {
    const auto made = database_.Change(
        "INSERT OR IGNORE INTO pins (server, tool, hash, definition, since) VALUES (?, ?, ?, ?, ?)",
        {server, tool, hash, definition, Now()});
    if (!made) return made.error();
    // Another gateway to the same server may have been first, with something else.
    if (*made == 0) return Check(server, tool, definition);
    return PinVerdict::kNew;
  }
  const bool same = found->front()[0] == hash;
  const std::string_view seen_hash = same ? "" : std::string_view(hash);
  if (found->front()[1] != seen_hash) {
    const auto noted =
        database_.Change("UPDATE pins SET seen_hash = ?, seen = ? WHERE server = ? AND tool = ?",
                         {seen_hash, same ? "" : definition, server, tool});
    if (!noted) return noted.error();
  }
  return same ? PinVerdict::kSame : PinVerdict::kChanged;
}

base::Result<std::vector<Pin>> Pins::List(std::string_view server) {
  const auto rows = database_.Ask(
      "SELECT server, tool, hash, definition, since, seen_hash, seen FROM pins"
      " WHERE ?1 = '' OR server = ?1 ORDER BY server, tool",
      {server});
  if (!rows) return rows.error();
  std::vector<Pin> pins;
  for (const Row& row : *rows)
    pins.push_back({row[0], row[1], row[2], row[3], row[4], row[5], row[6]});
  return pins;
}

base::Result<int> Pins::Approve(std::string_view server, std::string_view tool) {
  return database_.Change(
      "UPDATE pins SET hash = seen_hash, definition = seen, since = ?3, seen_hash = '', seen = ''"
      " WHERE server = ?1 AND (?2 = '' OR tool = ?2) AND seen_hash != ''",
      {server, tool, Now()});
}

base::Result<int> Pins::Forget(std::string_view server, std::string_view tool) {
  return database_.Change("DELETE FROM pins WHERE server = ?1 AND (?2 = '' OR tool = ?2)",
                          {server, tool});
}

std::string Difference(std::string_view approved, std::string_view seen) {
  std::string text;
  for (const std::string& line : LineDifference(Parts(approved), Parts(seen))) text += line + "\n";
  return text;
}

}  // namespace bailey::approval
