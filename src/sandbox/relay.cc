#include "sandbox/relay.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>

namespace bailey::sandbox {

std::optional<os::Interest> Relay::Wants() const {
  if (begin_ < end_) return os::Interest{to_, true};
  if (from_.IsOpen()) return os::Interest{from_.Get(), false};
  return std::nullopt;
}

os::SysResult<std::size_t> Relay::Step(std::size_t most) {
  if (begin_ < end_) {
    // A pipe that poll(2) calls writable has room for PIPE_BUF bytes: so much never blocks.
    const std::size_t size = std::min<std::size_t>(end_ - begin_, PIPE_BUF);
    const ssize_t written = ::write(to_, buffer_.data() + begin_, size);
    if (written >= 0) begin_ += static_cast<std::size_t>(written);
    if (written >= 0 || errno == EINTR || errno == EAGAIN) return 0;
    begin_ = end_ = 0;
    from_.Reset();
    if (errno == EPIPE || errno == ECONNRESET) return 0;
    return os::LastErrno();
  }
  const ssize_t size = ::read(from_.Get(), buffer_.data(), std::min(most, buffer_.size()));
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return 0;
  // EIO: a terminal that nobody has open at its other end (drivers/tty/n_tty.c, n_tty_read).
  if (size < 0 && errno != EIO && errno != ECONNRESET) return os::LastErrno();
  if (size <= 0) from_.Reset();
  begin_ = 0;
  end_ = static_cast<std::size_t>(std::max<ssize_t>(size, 0));
  return end_;
}

}  // namespace bailey::sandbox
