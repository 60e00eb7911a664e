// Which pool serves which `bailey run`, and how its sandboxes are made.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/run_options.h"
#include "policy/load.h"
#include "pool/recipe.h"

namespace bailey::cli {

// Everything that a sandbox has from who starts it before it has a program: the executable, the
// options, where, who, and what is inherited. Variables and the time limit come with the program.
// `bailey`: the executable. Where nothing else runs in this process (os::FileCreationMask).
base::Result<std::string> PoolKey(const SandboxOptions& options, const policy::Context& context,
                                  const char* bailey = "/proc/self/exe");
// Of the pool's socket: from the key, and no secret.
std::string PoolName(const std::string& key);

pool::Recipe PoolRecipe(const SandboxOptions& options, const policy::Context& context,
                        const std::string& key);

}  // namespace bailey::cli
