#include "mcp/judge_pipe.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>

#include "os/piped_child.h"
#include "os/process.h"

namespace bailey::mcp {
namespace {

constexpr int kOrphaned = 1;

void Append(std::string& bytes, std::size_t number) {
  const auto value = static_cast<std::uint32_t>(number);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::uint32_t NumberAt(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

// One text where there is one, none where there is nothing.
std::vector<std::string> Maybe(std::optional<std::string> text) {
  if (!text) return {};
  return {*std::move(text)};
}

std::optional<std::string> Maybe(std::vector<std::string> texts) {
  if (texts.empty()) return std::nullopt;
  return std::move(texts[0]);
}

std::optional<std::uint64_t> ReadNumber(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string Encode(const Frame& frame) {
  std::string body(1, static_cast<char>(frame.topic));
  for (const std::string& text : frame.texts) {
    Append(body, text.size());
    body += text;
  }
  std::string bytes;
  Append(bytes, body.size());
  return bytes += body;
}

std::optional<Frame> FrameReader::Next() {
  constexpr std::size_t kNumber = sizeof(std::uint32_t);
  if (broken_ || bytes_.size() < kNumber) return std::nullopt;
  const std::size_t size = NumberAt(bytes_, 0);
  broken_ = size == 0 || size > kMost;
  if (broken_ || bytes_.size() < kNumber + size) return std::nullopt;
  const std::string body = bytes_.substr(kNumber, size);
  bytes_.erase(0, kNumber + size);
  Frame frame;
  const auto topic = static_cast<std::uint8_t>(body[0]);
  frame.topic = static_cast<Topic>(topic);
  broken_ = topic > static_cast<std::uint8_t>(Topic::kFailed);
  for (std::size_t at = 1; at < body.size() && !broken_;) {
    const std::size_t length = body.size() - at >= kNumber ? NumberAt(body, at) : kMost;
    at += kNumber;
    broken_ = length > body.size() || at > body.size() - length;
    if (broken_) break;
    frame.texts.push_back(body.substr(at, length));
    at += length;
  }
  if (broken_) return std::nullopt;
  return frame;
}

void JudgePipe::Say(const Frame& frame) {
  const std::string bytes = Encode(frame);
  for (std::string_view left = bytes; !left.empty();) {
    const auto size = os::PatientWriter::OfOwn(questions_.Get()).Write(left);
    if (!size) os::Exit(kOrphaned);
    left.remove_prefix(*size);
  }
}

std::vector<std::string> JudgePipe::Ask(const Frame& question) {
  Say(question);
  for (;;) {
    if (auto frame = reader_.Next()) return std::move(frame->texts);
    std::array<char, 4096> buffer;
    const auto size = os::ReadOnce(answers_.Get(), buffer);
    if (!size || *size == 0) os::Exit(kOrphaned);
    reader_.Take({buffer.data(), *size});
  }
}

Judges JudgePipe::Proxies(const Judges& judges) {
  Judges proxies;
  if (judges.check_tool) {
    proxies.check_tool = [this](const Tool& tool) {
      return Maybe(Ask({Topic::kTool, {tool.name, tool.definition}}));
    };
  }
  if (judges.check_call) {
    proxies.check_call = [this](const Call& call) -> Verdict {
      const auto told = Ask({Topic::kCall, {call.tool, call.arguments, call.meta}});
      // A question and its number, a refusal, or neither.
      if (told.size() == 2) return {std::nullopt, told[0], ReadNumber(told[1]).value_or(0)};
      return {Maybe(told), "", 0};
    };
  }
  if (judges.resolve) {
    proxies.resolve = [this](std::uint64_t number, std::optional<std::string_view> answer) {
      Frame question = {Topic::kAnswer, {fmt::format("{}", number)}};
      if (answer) question.texts.emplace_back(*answer);
      return Maybe(Ask(question));
    };
  }
  return proxies;
}

std::optional<Frame> AnswerFor(const Judges& judges, const Frame& question) {
  const auto& texts = question.texts;
  if (question.topic == Topic::kTool && texts.size() == 2 && judges.check_tool)
    return Frame{question.topic, Maybe(judges.check_tool({texts[0], texts[1], {}}))};
  if (question.topic == Topic::kCall && texts.size() == 3 && judges.check_call) {
    Verdict verdict = judges.check_call({texts[0], texts[1], texts[2]});
    if (verdict.refusal || verdict.question.empty())
      return Frame{question.topic, Maybe(std::move(verdict.refusal))};
    return Frame{question.topic, {verdict.question, fmt::format("{}", verdict.number)}};
  }
  if (question.topic == Topic::kAnswer && !texts.empty() && judges.resolve) {
    const auto number = ReadNumber(texts[0]);
    if (!number) return std::nullopt;
    const auto answer = texts.size() > 1 ? std::optional<std::string_view>(texts[1]) : std::nullopt;
    return Frame{question.topic, Maybe(judges.resolve(*number, answer))};
  }
  return std::nullopt;
}

}  // namespace bailey::mcp
