// The machines of this user that run: a private directory each, under a checked name, locked as
// long as its supervisor lives (sandbox/state.h says where).
//
//   machines/ID/about   the supervisor's process id, a space, and the program
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bailey::microvm {

class Registration {
 public:
  // An empty id is made up. kInvalidInput for one that is no name, or that a machine has.
  static base::Result<Registration> Make(const std::string& id, const std::string& program);
  Registration(Registration&&) = default;
  Registration& operator=(Registration&&) = delete;
  ~Registration();
  const std::string& Id() const { return id_; }

 private:
  Registration() = default;
  std::string id_;
  base::UniqueFd place_, directory_;
};

struct RunningMachine {
  std::string id, program;
  pid_t supervisor = 0;
};
base::Result<std::vector<RunningMachine>> ListMachines();
// Asks the supervisor to end, and kills it, and so the machine, after `patience`.
base::Status StopMachine(const std::string& id, std::chrono::milliseconds patience);

}  // namespace bailey::microvm
