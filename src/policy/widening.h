// What one policy lets a program do that another does not, for a person who is asked about it.
#pragma once

#include <string>
#include <vector>

#include "policy/policy.h"

namespace bailey::policy {

// One line for each grant of `other` that `usual` has not: files, the network, capabilities,
// limits. Of system calls it says only that they are decided by other rules; `bailey diff` compares
// them. Empty: no more is granted.
std::vector<std::string> Widening(const Policy& usual, const Policy& other);

}  // namespace bailey::policy
