// What QEMU is told while it runs, beside the guest's line: the QEMU Machine Protocol, of which a
// snapshot needs a handful of commands. QEMU is taken for hostile here as well: what it answers is
// bounded in size and time.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bailey::microvm {

class Monitor {
 public:
  // `fd`: our end of a stream. Waits for the greeting.
  static base::Result<Monitor> Make(base::UniqueFd fd, std::chrono::milliseconds patience);

  // Writes the state of the machine, but for its memory, to `state`; it stands still then.
  base::Status Save(int state);
  // Begins with the state that the descriptor of this number holds, in QEMU.
  base::Status Load(int state);

 private:
  Monitor(base::UniqueFd fd, std::chrono::milliseconds patience)
      : fd_(std::move(fd)), patience_(patience) {}
  base::Status ShareMemory();
  // What it returns, as JSON. `descriptor`: that goes with it; -1: none.
  base::Result<std::string> Ask(const std::string& command, int descriptor = -1);
  base::Result<std::string> Hear(std::chrono::steady_clock::time_point deadline);
  base::Status AwaitMigration();

  base::UniqueFd fd_;
  std::chrono::milliseconds patience_;
  std::string heard_;
};

}  // namespace bailey::microvm
