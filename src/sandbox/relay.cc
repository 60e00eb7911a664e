#include "sandbox/relay.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>

#include "os/file.h"

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
    if (errno == EPIPE) return 0;
    return os::LastErrno();
  }
  const ssize_t size = ::read(from_.Get(), buffer_.data(), std::min(most, buffer_.size()));
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return 0;
  if (size < 0) return os::LastErrno();
  if (size == 0) from_.Reset();
  begin_ = 0;
  end_ = static_cast<std::size_t>(size);
  return end_;
}

os::SysResult<LimitedOutput> LimitedOutput::Make(std::uint64_t most) {
  LimitedOutput output;
  output.left_ = most;
  if (const auto done = os::IgnoreBrokenPipes(); !done) return std::unexpected(done.error());
  for (const int to : {STDOUT_FILENO, STDERR_FILENO}) {
    auto pipe = os::MakePipe();
    if (!pipe) return std::unexpected(pipe.error());
    output.relays_.emplace_back(std::move((*pipe)[0]), to);
    output.ends_[output.relays_.size() - 1] = std::move((*pipe)[1]);
  }
  return output;
}

void LimitedOutput::CloseEnds() {
  for (base::UniqueFd& end : ends_) end.Reset();
}

void LimitedOutput::Watch(std::vector<os::Interest>& interests,
                          std::vector<std::size_t>& relays) const {
  for (std::size_t i = 0; i < relays_.size(); ++i) {
    const auto wanted = relays_[i].Wants();
    if (!wanted) continue;
    interests.push_back(*wanted);
    relays.push_back(i);
  }
}

os::SysStatus LimitedOutput::Step(std::size_t relay) {
  // One byte more than is left tells an output of just the limit from a longer one.
  const auto taken = relays_[relay].Step(left_ + 1);
  if (!taken) return std::unexpected(taken.error());
  if (*taken > left_) {
    exceeded_ = true;
    relays_[relay].DropLast();
  }
  left_ -= std::min<std::uint64_t>(*taken, left_);
  return {};
}

os::SysStatus LimitedOutput::Drain() {
  for (;;) {
    std::vector<os::Interest> interests;
    std::vector<std::size_t> relays;
    Watch(interests, relays);
    // What is in the buffers counted; what is still in the pipes is beyond the limit.
    if (exceeded_) {
      for (std::size_t i = interests.size(); i-- > 0;) {
        if (interests[i].write) continue;
        interests.erase(interests.begin() + static_cast<std::ptrdiff_t>(i));
        relays.erase(relays.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    if (interests.empty()) return {};
    const auto ready = os::WaitReady(interests, std::nullopt);
    if (!ready) return std::unexpected(ready.error());
    if (const auto done = Step(relays[**ready]); !done) return done;
  }
}

}  // namespace bailey::sandbox
