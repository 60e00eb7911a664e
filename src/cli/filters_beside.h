// A policy's proved filters, made by a process of their own.
//
// They take as long as all that a start does before it forks the sandbox, and need nothing of it
// but the policy: done beside that, on another processor, they cost a start next to nothing.
#pragma once

#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "bpf/program.h"
#include "os/process.h"
#include "policy/policy.h"

namespace bailey::cli {

class FiltersBeside {
 public:
  // Begins to make them. `policy` is to outlive this; `notified` is of ProvedFilters.
  FiltersBeside(const policy::Policy& policy, bool notified);
  FiltersBeside(const FiltersBeside&) = delete;
  FiltersBeside& operator=(const FiltersBeside&) = delete;
  ~FiltersBeside();

  // Waits until they are there. Where that process could not be had, or did not come to its end,
  // they are made here, so that an error is told in its own words.
  base::Result<std::vector<bpf::Program>> Take();

 private:
  base::Result<std::vector<bpf::Program>> Hear();

  const policy::Policy& policy_;
  bool notified_;
  os::Child maker_;
  base::UniqueFd line_;
};

}  // namespace bailey::cli
