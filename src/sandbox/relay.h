// Passes on what comes out of one descriptor to another, with one buffer in between: a reader that
// stops reading stops the writer, and nothing grows.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "base/unique_fd.h"
#include "os/errno.h"
#include "os/events.h"

namespace bailey::sandbox {

class Relay {
 public:
  // `to` stays the caller's.
  Relay(base::UniqueFd from, int to) : from_(std::move(from)), to_(to) {}

  // What to wait for before Step; nullopt when the source has ended and all of it is passed on, or
  // nobody wants it any more: then the source is closed, as for a pipe whose reader is gone.
  std::optional<os::Interest> Wants() const;
  // One read of at most `most` bytes, or one write. Returns how many bytes were read.
  os::SysResult<std::size_t> Step(std::size_t most);
  // Forgets the last byte that was read.
  void DropLast() { --end_; }

 private:
  base::UniqueFd from_;
  int to_;
  std::array<char, 65536> buffer_;
  std::size_t begin_ = 0, end_ = 0;
};

}  // namespace bailey::sandbox
