// What bubblewrap's options mean, decided: a plan for a chosen sandbox. Looks at the host's files
// and at descriptors that are passed on; changes nothing, but for reading the filters of
// --add-seccomp-fd.
//
//   auto request = compat::ReadBubblewrap(arguments, compat::ReadDescriptor);
//   auto planned = compat::PlanBubblewrap(request->line, caller);
//   auto outcome = sandbox::RunChosen(planned->plan, {});
#pragma once

#include <string>
#include <vector>

#include "compat/bubblewrap_options.h"
#include "os/identity.h"
#include "sandbox/chosen_launch.h"

namespace bailey::compat {

struct BubblewrapCaller {
  os::Caller ids;  // as os::CallerIds says them
  std::uint64_t permitted_capabilities = 0;
  std::vector<std::string> environment;  // "NAME=value"
  std::string current_directory;
  std::string terminal;  // what standard output is; empty: no terminal
};

struct BubblewrapPlan {
  sandbox::ChosenPlan plan;
  std::vector<std::string> warnings;
  std::string policy;  // of --bailey-policy
};

// Errors are in bubblewrap's words where programs look for them.
base::Result<BubblewrapPlan> PlanBubblewrap(const BubblewrapLine& line,
                                            const BubblewrapCaller& caller);

// Everything that can be read from a descriptor.
base::Result<std::string> ReadDescriptor(int descriptor);

// One line, as bubblewrap would say it.
std::string FailureText(const sandbox::ChosenPlan& plan, const sandbox::ChosenFailure& failure);

}  // namespace bailey::compat
