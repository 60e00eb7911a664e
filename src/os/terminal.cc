#include "os/terminal.h"

#include <unistd.h>

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

}  // namespace bailey::os
