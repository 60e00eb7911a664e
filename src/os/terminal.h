// The caller's terminal, given back as it was.
#pragma once

#include <termios.h>

#include <optional>

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

}  // namespace bailey::os
