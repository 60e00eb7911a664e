#include "sandbox/streams.h"

#include <unistd.h>

#include <algorithm>
#include <limits>

#include "os/file.h"

namespace bailey::sandbox {

os::SysResult<Streams> Streams::Make(std::optional<std::uint64_t> most, bool terminal,
                                     std::span<const int> sockets) {
  Streams streams;
  streams.left_ = most;
  if (const auto done = os::IgnoreBrokenPipes(); !done) return std::unexpected(done.error());
  for (const int to : {STDOUT_FILENO, STDERR_FILENO}) {
    const auto replaced = os::IsTerminal(to);
    if (!replaced) return std::unexpected(replaced.error());
    const bool socket = std::ranges::count(sockets, to) > 0;
    if ((!most && !socket) || (terminal && *replaced)) continue;
    auto pipe = os::MakePipe();
    if (!pipe) return std::unexpected(pipe.error());
    streams.lines_.push_back({Relay(std::move((*pipe)[0]), to), true, most.has_value()});
    streams.ends_[static_cast<std::size_t>(to)] = std::move((*pipe)[1]);
  }
  if (std::ranges::count(sockets, STDIN_FILENO) == 0) return streams;
  auto pipe = os::MakePipe();
  if (!pipe) return std::unexpected(pipe.error());
  auto from = os::Copy(STDIN_FILENO);
  if (!from) return std::unexpected(from.error());
  Relay relay(std::move(*from), (*pipe)[1].Get());
  streams.lines_.push_back({std::move(relay), false, false, std::move((*pipe)[1])});
  streams.ends_[STDIN_FILENO] = std::move((*pipe)[0]);
  return streams;
}

void Streams::CloseEnds() {
  for (base::UniqueFd& end : ends_) end.Reset();
}

os::SysStatus Streams::AddTerminal(base::UniqueFd master) {
  if (const auto set = os::SetNonBlocking(master.Get()); !set) return set;
  auto copy = os::Copy(master.Get());
  if (!copy) return std::unexpected(copy.error());
  int out = STDIN_FILENO;
  for (const int descriptor : {STDERR_FILENO, STDOUT_FILENO})
    if (os::IsTerminal(descriptor).value_or(false)) out = descriptor;
  lines_.push_back({Relay(std::move(*copy), out)});
  master_ = std::move(master);
  Refresh();
  return {};
}

void Streams::Refresh() {
  if (!master_.IsOpen()) return;
  // Nobody sees a size that could not be copied but the program, which has the old one.
  (void)os::CopyWindowSize(STDIN_FILENO, master_.Get());
  // In the background the terminal is somebody else's: no setting is touched, no key is taken.
  if (is_raw_ || !os::IsForeground(STDIN_FILENO)) return;
  auto keys = os::Copy(STDIN_FILENO);
  if (!keys || !os::MakeRaw(STDIN_FILENO)) return;
  is_raw_ = true;
  lines_.push_back({Relay(std::move(*keys), master_.Get()), false});
}

void Streams::Watch(std::vector<os::Interest>& interests, std::vector<std::size_t>& lines) const {
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const auto wanted = lines_[i].relay.Wants();
    if (!wanted) continue;
    interests.push_back(*wanted);
    lines.push_back(i);
  }
}

os::SysStatus Streams::Step(std::size_t line) {
  Relay& relay = lines_[line].relay;
  // One byte more than is left tells an output of just the limit from a longer one.
  const bool counted = left_ && lines_[line].output && lines_[line].counted;
  const auto taken = relay.Step(counted ? *left_ + 1 : std::numeric_limits<std::size_t>::max());
  if (!taken) return std::unexpected(taken.error());
  // The program's input ends where the caller's does.
  if (!relay.Wants()) lines_[line].to.Reset();
  if (!counted) return {};
  if (*taken > *left_) {
    exceeded_ = true;
    relay.DropLast();
  }
  *left_ -= std::min<std::uint64_t>(*taken, *left_);
  return {};
}

os::SysStatus Streams::Drain() {
  std::erase_if(lines_, [](const Line& line) { return !line.output; });
  for (;;) {
    std::vector<os::Interest> interests;
    std::vector<std::size_t> lines;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      const auto wanted = lines_[i].relay.Wants();
      // What is in a buffer was counted; what is still in a pipe is beyond the limit.
      if (!wanted || (exceeded_ && !wanted->write)) continue;
      interests.push_back(*wanted);
      lines.push_back(i);
    }
    if (interests.empty()) return {};
    const auto ready = os::WaitReady(interests, std::nullopt);
    if (!ready) return std::unexpected(ready.error());
    if (const auto done = Step(lines[**ready]); !done) return done;
  }
}

}  // namespace bailey::sandbox
