// What a pool keeps a number of. The pool knows stewards only: who makes them knows what they
// steward.
#pragma once

#include <signal.h>

#include <chrono>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bailey::pool {

class Maker {
 public:
  virtual ~Maker() = default;
  // Before the first steward, and again when one has said kStale.
  virtual base::Status Prepare() = 0;
  // While others are ready, the place of one that was taken is filled when it has ended, or this
  // much later: its start is not to share the processors with the making of another.
  virtual std::chrono::milliseconds Pause() const { return std::chrono::milliseconds(20); }
  // What ends a steward and all that it has, at once.
  virtual int EndSignal() const { return SIGKILL; }
  // The descriptors that a steward needs beside its two.
  virtual std::vector<int> Needs() const = 0;
  // In a child of the pool's process (steward.h). `listener`: where callers come in, to whichever
  // steward is free; `owner`: to the pool's process, which says with any message, or by closing it,
  // to go if nobody has come. The process ends when it returns.
  virtual void BeSteward(base::UniqueFd listener, base::UniqueFd owner) = 0;
};

}  // namespace bailey::pool
