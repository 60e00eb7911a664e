// What a confined gateway asks of the process that started it, and what it is told: frames of
// texts on two pipes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "mcp/gateway.h"

namespace bailey::mcp {

enum class Topic : std::uint8_t { kTool, kCall, kAnswer, kNote, kStop, kWait, kDone, kFailed };

struct Frame {
  Topic topic = Topic::kTool;
  std::vector<std::string> texts;
  bool operator==(const Frame&) const = default;
};
std::string Encode(const Frame& frame);

// Frames out of bytes as they come.
class FrameReader {
 public:
  static constexpr std::size_t kMost = 32u << 20;  // a definition and what JSON makes of it
  void Take(std::string_view bytes) { bytes_ += bytes; }
  // The next that is whole.
  std::optional<Frame> Next();
  // These bytes are no frames.
  bool IsBroken() const { return broken_; }

 private:
  std::string bytes_;
  bool broken_ = false;
};

// The confined end: asks and waits. A process whose other end is gone has nothing left to do, and
// ends.
class JudgePipe {
 public:
  JudgePipe(base::UniqueFd questions, base::UniqueFd answers)
      : questions_(std::move(questions)), answers_(std::move(answers)) {}
  std::vector<std::string> Ask(const Frame& question);
  void Say(const Frame& frame);
  // The gateway's, as far as it had any.
  Judges Proxies(const Judges& judges);

 private:
  base::UniqueFd questions_, answers_;
  FrameReader reader_;
};

// The other end: one answer to a question of the gateway's; nothing where it is none.
std::optional<Frame> AnswerFor(const Judges& judges, const Frame& question);

}  // namespace bailey::mcp
