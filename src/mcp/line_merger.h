// Messages from several sources onto one stream of lines: a long one is passed on as it comes, and
// the others wait for its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace bailey::mcp {

class LineMerger {
 public:
  using Source = std::uint64_t;

  // A piece of a source's message; no newline in it.
  void Add(Source source, std::string_view piece);
  void End(Source source);
  // Its message stays a piece: a line that was begun is cut, so that nobody takes it for whole.
  void Cut(Source source);
  // A whole line, with its newline.
  void AddLine(std::string_view line);
  // Whether this source should be left unread for now.
  bool IsFull(Source source) const;

  std::string& Out() { return out_; }

 private:
  static constexpr std::size_t kWindow = 64 << 10, kFull = 256 << 10;

  void Release();

  Source writer_ = 0;
  std::map<Source, std::string> held_;
  std::string later_, out_;
};

}  // namespace bailey::mcp
