// Filters of the largest size that a person who means harm would hand to a prover.
#pragma once

#include <string>
#include <vector>

#include "bpf/program.h"

namespace bailey::bench {

struct HardFilter {
  std::string what;
  bpf::Program program;
};

std::vector<HardFilter> HardFilters();

}  // namespace bailey::bench
