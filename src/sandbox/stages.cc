#include "sandbox/stages.h"

#include <unistd.h>

#include "os/landlock.h"
#include "os/process.h"

namespace bailey::sandbox {

os::SysStatus WaitFor(int socket, MessageKind kind) {
  Message message;
  ssize_t size = -1;
  do {
    size = ::read(socket, &message, sizeof(message));
  } while (size < 0 && errno == EINTR);
  if (size < 0) return os::LastErrno();
  if (size != sizeof(message) || message.kind != kind) return os::Fail(EPIPE);
  return {};
}

void Report(const Prepared& prepared, const Failure& failure) {
  const Message message{MessageKind::kFailed, failure.stage, failure.index, failure.error};
  // Nothing is left to do if the supervisor is gone: its death takes the sandbox along.
  (void)!::write(prepared.socket.Get(), &message, sizeof(message));
  os::Exit(1);
}

os::SysStatus RestrictFiles(const Prepared& prepared) {
  if (prepared.plan->landlock.abi == 0) return {};
  return os::Restrict(prepared.ruleset.Get());
}

}  // namespace bailey::sandbox
