// Random system call policies for tests: few calls, many rules on them, so that rules meet.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "abi/arch.h"
#include "policy/policy.h"

namespace bailey::prove {

// Conditions are such that every constant and value has a meaning on every architecture. Rules are
// on some of `names`; where there are none, on any call and on raw numbers.
policy::Syscalls RandomSyscalls(std::mt19937_64& random, std::vector<abi::Arch> architectures,
                                std::vector<std::string> names = {});

}  // namespace bailey::prove
