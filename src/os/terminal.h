// The caller's terminal, given back as it was.
#pragma once

#include <termios.h>

#include <optional>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

// Remembers the settings of standard input's terminal, and restores them when it goes away: a
// program that is killed in raw mode must not leave the caller's shell in it. Does nothing where
// standard input is no terminal.
class TerminalSettings {
 public:
  TerminalSettings();
  TerminalSettings(const TerminalSettings&) = delete;
  TerminalSettings& operator=(const TerminalSettings&) = delete;
  ~TerminalSettings();

 private:
  std::optional<termios> settings_;
};

// What cannot be found out is an error, never a no.
SysResult<bool> IsTerminal(int fd);
// Whether this process may read from it and change it without being stopped.
bool IsForeground(int terminal);
// Every key as it is, nothing echoed: what the terminal of a program inside makes of them is its
// own affair.
SysStatus MakeRaw(int terminal);
SysStatus CopyWindowSize(int from, int to);

// A new terminal of the devpts file system whose multiplexer is at `ptmx` ("/dev/pts/ptmx").
struct Terminal {
  base::UniqueFd master, slave;
};
SysResult<Terminal> MakeTerminal(const char* ptmx);
// Makes it the terminal that this session's keys and signals come from.
SysStatus TakeTerminal(int terminal);

}  // namespace bailey::os
