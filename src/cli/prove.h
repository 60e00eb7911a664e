// What filters are judged on: presets, policies, files of bytes, processes.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "policy/policy.h"
#include "prove/prover.h"

namespace bailey::cli {

// One subject as the command line names it.
struct Judged {
  std::string title;
  prove::Subject subject;
  std::vector<policy::Guarantee> keeps;  // what the policy promises
  std::vector<std::string> gives_up;     // what its presets promise, and it says it does not
  bool is_policy = false;
};

// One policy or preset; or one or more files of filter bytes ("-": standard input), a stack, oldest
// first. A name is a policy's when it ends in .toml, is a preset's, or is
// no file.
base::Result<Judged> ReadSubject(const std::vector<std::string>& names,
                                 const std::vector<std::string>& architectures);
// The architectures that --arch names; "native" and "compat" too.
base::Result<std::vector<abi::Arch>> ReadArchs(const std::vector<std::string>& names);

}  // namespace bailey::cli
