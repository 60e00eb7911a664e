// The listener of the program's newest filter (abi/notification.h): answers the calls that are
// denied as the filter says, on a thread of its own, so that a program waits for nothing but its
// answers, however busy the line to the host is. It counts every call in a table of fixed size,
// and keeps single ones in a ring, of which the oldest go where nobody takes them. A call that the
// filter lets go on, because it names a file or asks for a change of a network, does so when that
// is in the ring.
#pragma once

#include <sys/types.h>

#include <chrono>

#include "guest/command.h"

namespace bailey::guest {

class Listening {
 public:
  // From here on `listener` is its own, and waited for. 0, or an errno.
  int Take(int listener);
  // What is waited for is this command's, which has made no call yet: it is answered. `process`:
  // the program's.
  void Begin(const Command& command, pid_t process);
  // When all that ran under the filter is gone: what is counted then is all there was. It waits for
  // one answer at most.
  void End();
  // Can be read when there is something to tell, until Settle; -1 where nothing was ever listened
  // to. A little late: the program's own work goes first, and what came together is told together.
  int Line() const { return due_; }
  void Settle();

  // The next single call, of one kind or the other; what it points to is good until the next
  // question.
  enum class Kind : std::uint8_t { kNone, kCalled, kUsed, kSent };
  Kind Next(Called& called, Used& used, Sent& sent);
  // The next row that has changed since it was told.
  bool Next(Denied& denied);
  bool Next(Missed& missed);

 private:
  int Start();
  static void* Listen(void* self);
  void Listen();
  // False where nobody is left.
  bool AnswerNext();
  void NoteCall();
  void Announce();
  int Patience() const;
  void Release();

  // The thread is there from the first listener on, and waits for the next when one is gone.
  int listener_ = -1, changed_ = -1, due_ = -1;
  unsigned turn_ = 0;  // of which listener it is
  // The thread's alone: whether something is to be announced, and when at the latest.
  bool waits_ = false;
  std::chrono::steady_clock::time_point late_;
};

}  // namespace bailey::guest
