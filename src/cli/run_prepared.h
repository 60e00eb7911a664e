// `bailey run --pool`: the program in a sandbox that a pool has prepared.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/run_options.h"
#include "policy/load.h"
#include "pool/message.h"

namespace bailey::cli {

struct Prepared {
  int exit_status = 0;
  std::string report;  // JSON, where it was asked for
};

// What a pool of this key is asked. The time limit and the variables are those of the options.
base::Result<pool::Request> PoolRequest(const SandboxOptions& options, std::string key,
                                        const std::vector<std::string>& program, bool report);

// Nothing where no pool has a sandbox for this: the program did not run, and is to be started anew.
// An error where it did not run and would not.
base::Result<std::optional<Prepared>> RunPrepared(const SandboxOptions& options,
                                                  const policy::Context& context,
                                                  const std::vector<std::string>& program,
                                                  bool report);

}  // namespace bailey::cli
