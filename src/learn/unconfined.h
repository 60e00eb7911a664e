// A program on the host itself, recorded: nothing is in its way, but that it gains no privileges by
// executing files (no_new_privs), without which the kernel lets nobody but root have a filter.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "bpf/program.h"
#include "sandbox/listener.h"

namespace bailey::learn {

// Returns when everything that it started has ended, with its exit status: its own, 128+n for
// signal n, 126 or 127. `executables` are tried in turn. Signals to the caller are passed on.
base::Result<int> RunUnconfined(const std::vector<std::string>& argv,
                                const std::vector<std::string>& executables,
                                const bpf::Program& filter, sandbox::Listener& listener);

}  // namespace bailey::learn
