#include "microvm/line.h"

#include <cerrno>

#include "os/file.h"
#include "os/vmm.h"

namespace bailey::microvm {
namespace {

// A command and what follows it: arguments and variables of two megabytes at most, and filters.
constexpr std::size_t kMostQueued = std::size_t{4} << 20;

}  // namespace

Line::Line(base::UniqueFd fd)
    : fd_(std::move(fd)),
      deframer_(std::make_unique<guest::Deframer>()),
      room_(std::make_unique<std::array<std::uint8_t, guest::kMostFrame>>()) {}

base::Result<Line> Line::Make(base::UniqueFd fd) {
  if (const auto done = os::SetNonBlocking(fd.Get()); !done)
    return base::SystemError("make the line to the guest", done.error().value);
  return Line(std::move(fd));
}

base::Status Line::Queue(std::span<const std::uint8_t> frame) {
  if (frame.empty()) return base::InvalidInput("tell the guest: a word is longer than 64 KiB");
  if (written_ == queued_.size()) {
    queued_.clear();
    written_ = 0;
  }
  if (queued_.size() + frame.size() > kMostQueued)
    return base::Violation("tell the guest: it has stopped reading");
  queued_.insert(queued_.end(), frame.begin(), frame.end());
  return {};
}

base::Status Line::Queue(guest::FrameType type, std::string_view body) {
  return Queue(guest::Encode(
      type, {reinterpret_cast<const std::uint8_t*>(body.data()), body.size()}, *room_));
}

base::Status Line::Write() {
  const auto count = os::WriteSome(fd_.Get(), std::span(queued_).subspan(written_));
  if (count) written_ += *count;
  if (count || count.error().value == EAGAIN) return {};
  // Whoever is gone has said its last words on the way here, which are read next.
  if (count.error().value == EPIPE) {
    written_ = queued_.size();
    return {};
  }
  return base::SystemError("tell the guest", count.error().value);
}

base::Result<bool> Line::Read() {
  const auto space = deframer_->Space();
  const auto count = os::ReadSome(fd_.Get(), space);
  if (!count && count.error().value == EAGAIN) return true;
  if (!count && count.error().value == ECONNRESET) return false;
  if (!count) return base::SystemError("hear the guest", count.error().value);
  deframer_->Add(*count);
  return *count > 0;
}

base::Result<std::optional<guest::Frame>> Line::Next() {
  guest::Frame frame;
  switch (deframer_->Next(frame)) {
    case guest::Deframer::State::kFrame:
      return std::optional(frame);
    case guest::Deframer::State::kMore:
      return std::nullopt;
    case guest::Deframer::State::kBroken:
      break;
  }
  return base::Violation("hear the guest: a frame claims to be longer than 64 KiB");
}

}  // namespace bailey::microvm
