#include "base/unique_fd.h"

#include <unistd.h>

namespace bailey::base {

void UniqueFd::Reset(int fd) {
  // close(2) releases the descriptor even when it reports an error; retrying could close
  // a number that another thread has been given meanwhile.
  if (fd_ >= 0) (void)::close(fd_);
  fd_ = fd;
}

}  // namespace bailey::base
