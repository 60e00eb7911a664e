// Passes on what comes out of one descriptor to another, with one buffer in between: a reader that
// stops reading stops the writer, and nothing grows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

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

// Standard output and error of a program that may write only so much.
class LimitedOutput {
 public:
  static os::SysResult<LimitedOutput> Make(std::uint64_t most);

  // The program's ends, in the order of descriptors 1 and 2.
  const std::array<base::UniqueFd, 2>& Ends() const { return ends_; }
  void CloseEnds();

  // Adds what to wait for; the number of the relay that each is of goes into `relays`.
  void Watch(std::vector<os::Interest>& interests, std::vector<std::size_t>& relays) const;
  os::SysStatus Step(std::size_t relay);
  // Passes on what is left, when nobody writes any more.
  os::SysStatus Drain();
  // More was written than may be; it was not passed on.
  bool IsExceeded() const { return exceeded_; }

 private:
  std::array<base::UniqueFd, 2> ends_;
  std::vector<Relay> relays_;
  std::uint64_t left_ = 0;
  bool exceeded_ = false;
};

}  // namespace bailey::sandbox
