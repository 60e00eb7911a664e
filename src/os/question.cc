#include "os/question.h"

#include <termios.h>
#include <unistd.h>

namespace bailey::os {

SysStatus FlushTypedAhead(int terminal) { return Check(::tcflush(terminal, TCIFLUSH)); }

SysStatus WriteFully(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(fd, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return LastErrno();
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return {};
}

}  // namespace bailey::os
