// The listener of the program's newest filter (abi/notification.h): answers the calls that are
// denied as the filter says, on a thread of its own, so that a program waits for nothing but its
// answers, however busy the line to the host is. It counts every call in a table of fixed size,
// and keeps single ones in a ring, of which the oldest go where nobody takes them.
#pragma once

#include "guest/command.h"

namespace bailey::guest {

class Listening {
 public:
  // From here on `listener` is its own, and answered. 0, or an errno.
  int Begin(int listener, const Command& command);
  // When all that ran under the filter is gone: what is counted then is all there was.
  void End();
  // Can be read when there is something to tell, until Settle; -1 where nothing is listened to.
  int Line() const { return changed_; }
  void Settle();

  // The next single call; what it points to is good until the next question.
  bool Next(Called& called);
  // The next row that has changed since it was told.
  bool Next(Denied& denied);
  bool Next(Missed& missed);

 private:
  static void* Listen(void* self);
  void Listen();

  int listener_ = -1, stop_ = -1, changed_ = -1;
  unsigned long thread_ = 0;
};

}  // namespace bailey::guest
