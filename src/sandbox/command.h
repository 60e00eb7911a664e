// A program for a sandbox that was prepared before anybody knew which, and who brings it.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/launch.h"
#include "sandbox/plan.h"
#include "sandbox/tasks.h"

namespace bailey::sandbox {

struct Command {
  std::vector<std::string> argv;
  std::vector<std::string> executables;  // tried in turn, as in a Plan
  std::vector<std::string> environment;  // "NAME=value"
  std::string workdir;                   // empty: the plan's
  std::array<base::UniqueFd, 3> streams;
  std::optional<std::chrono::milliseconds> wall;
};

// What a prepared sandbox can be given: descriptors that lead to no directory and are no sockets of
// a network, and no terminal as standard input.
base::Status CheckStreams(const std::array<base::UniqueFd, 3>& streams);
// Writes strings and pointers into the slot; kInvalidInput where they do not fit.
base::Status Write(const Command& command, CommandSlot& slot);

class Customer {
 public:
  virtual ~Customer() = default;
  // Blocks until there is a command. `sandbox` can be read when the sandbox has died meanwhile. An
  // error ends the sandbox.
  virtual base::Result<Command> Wait(int sandbox) = 0;
  // The last moment at which the program has certainly not run.
  virtual base::Status Start() = 0;
  virtual void Started() {}
  // No process is left inside. Where this cannot be told early, it is not called, and the launch
  // returns soon.
  virtual void End(const Outcome& outcome) = 0;
  // What the gateway of the sandbox's network decides.
  virtual void Decided(const network::Decision& decision) = 0;
  // A descriptor that can be read when NextSignal has something to say.
  virtual int Line() const = 0;
  // For the program; SIGKILL for all of the sandbox, when nobody waits for it any more.
  virtual std::optional<int> NextSignal() = 0;
};

}  // namespace bailey::sandbox
