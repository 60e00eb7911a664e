// The program's standard streams where they are not simply the caller's: bounded by a limit, or a
// terminal of its own, so that nothing can be pushed into the caller's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/unique_fd.h"
#include "os/errno.h"
#include "os/events.h"
#include "os/terminal.h"
#include "sandbox/relay.h"

namespace bailey::sandbox {

class Streams {
 public:
  // With `most`: pipes for standard output and error, but for those that are terminals when
  // `terminal` says that the program gets one of its own. And for those of `sockets`: a program
  // that holds a socket of the caller's could disconnect it, and aim it elsewhere.
  static os::SysResult<Streams> Make(std::optional<std::uint64_t> most, bool terminal,
                                     std::span<const int> sockets);

  // The program's ends for descriptors 0 to 2; not open where it has the caller's.
  const std::array<base::UniqueFd, 3>& Ends() const { return ends_; }
  void CloseEnds();

  // The program's terminal: its master side, and the caller's in raw mode beside it.
  os::SysStatus AddTerminal(base::UniqueFd master);
  // The window's size has changed, or this process has come to the foreground.
  void Refresh();

  // Adds what to wait for; the number of the line that each is of goes into `lines`.
  void Watch(std::vector<os::Interest>& interests, std::vector<std::size_t>& lines) const;
  os::SysStatus Step(std::size_t line);
  // Passes on what is left, when nobody writes any more.
  os::SysStatus Drain();
  // More was written than may be; it was not passed on.
  bool IsExceeded() const { return exceeded_; }

 private:
  struct Line {
    Relay relay;
    bool output = true;  // from the program
    bool counted = true;
    base::UniqueFd to = {};  // the relay's other end, where it is ours: closed with it
  };

  std::array<base::UniqueFd, 3> ends_;
  base::UniqueFd master_;
  bool is_raw_ = false;
  std::vector<Line> lines_;
  std::optional<std::uint64_t> left_;
  bool exceeded_ = false;
};

}  // namespace bailey::sandbox
