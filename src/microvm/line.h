// Our end of the line to a guest, which is taken for hostile: what it sends is bounded in size and
// number, what it does not read is not kept for it, and what it says is a small value or nothing.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "guest/protocol.h"
#include "os/events.h"

namespace bailey::microvm {

class Line {
 public:
  // `fd`: our end of a stream; not blocking from here on.
  static base::Result<Line> Make(base::UniqueFd fd);

  // Appends a frame to what is to be written. kViolation where the guest has stopped reading.
  base::Status Queue(std::span<const std::uint8_t> frame);
  base::Status Queue(guest::FrameType type, std::string_view body);
  template <class T>
  base::Status Queue(const T& value) {
    return Queue(guest::Encode(value, *room_));
  }
  bool HasQueued() const { return written_ < queued_.size(); }
  // One write of what is queued.
  base::Status Write();
  // One read. False when the other end is closed.
  base::Result<bool> Read();
  // The next whole frame of what was read; its body lives until the next Read.
  base::Result<std::optional<guest::Frame>> Next();
  int Descriptor() const { return fd_.Get(); }
  base::UniqueFd Release() && { return std::move(fd_); }

 private:
  explicit Line(base::UniqueFd fd);

  base::UniqueFd fd_;
  std::unique_ptr<guest::Deframer> deframer_;
  std::unique_ptr<std::array<std::uint8_t, guest::kMostFrame>> room_;
  std::vector<std::uint8_t> queued_;
  std::size_t written_ = 0;
};

}  // namespace bailey::microvm
