#include "os/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "os/file.h"

namespace bailey::os {

TerminalSettings::TerminalSettings() {
  termios settings = {};
  if (::tcgetattr(STDIN_FILENO, &settings) == 0) settings_ = settings;
}

TerminalSettings::~TerminalSettings() {
  if (!settings_) return;
  // From the background, setting them would stop this process (SIGTTOU).
  if (::tcgetpgrp(STDIN_FILENO) != ::getpgrp()) return;
  (void)::tcsetattr(STDIN_FILENO, TCSADRAIN, &*settings_);
}

SysResult<bool> IsTerminal(int fd) {
  termios settings = {};
  if (::tcgetattr(fd, &settings) == 0) return true;
  // EIO: it was one, and its other end is closed. EINVAL: some devices' word for ENOTTY.
  if (errno == ENOTTY || errno == EINVAL || errno == EBADF || errno == EIO) return false;
  return LastErrno();
}

bool IsForeground(int terminal) { return ::tcgetpgrp(terminal) == ::getpgrp(); }

SysStatus MakeRaw(int terminal) {
  termios settings = {};
  if (::tcgetattr(terminal, &settings) != 0) return LastErrno();
  ::cfmakeraw(&settings);
  return Check(::tcsetattr(terminal, TCSADRAIN, &settings));
}

SysStatus CopyWindowSize(int from, int to) {
  winsize size = {};
  if (::ioctl(from, TIOCGWINSZ, &size) != 0) return LastErrno();
  return Check(::ioctl(to, TIOCSWINSZ, &size));
}

SysResult<Terminal> MakeTerminal(const char* ptmx) {
  auto master = Open(AT_FDCWD, ptmx, O_RDWR | O_NOCTTY);
  if (!master) return std::unexpected(master.error());
  const int unlocked = 0;
  if (::ioctl(master->Get(), TIOCSPTLCK, &unlocked) != 0) return LastErrno();
  // By descriptor (Linux 4.13): no name is looked up.
  base::UniqueFd slave(::ioctl(master->Get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave.IsOpen()) return LastErrno();
  return Terminal{std::move(*master), std::move(slave)};
}

SysStatus TakeTerminal(int terminal) { return Check(::ioctl(terminal, TIOCSCTTY, 0)); }

}  // namespace bailey::os
