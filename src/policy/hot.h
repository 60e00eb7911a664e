// How often each call was seen, as `[syscalls] hot` names it: what is frequent is tested early.
//
//   {"version": 1, "calls": {"x86_64": {"ioctl": 5210, "openat": 1204}, "i386": {"ioctl": 3}}}
#pragma once

#include <string_view>

#include "base/result.h"
#include "policy/policy.h"

namespace bailey::policy {

// `file` is what errors call it. Architectures and calls are those of abi's tables; any may be
// named, whether a policy is about it or not.
base::Result<Hot> ParseHot(std::string_view json, std::string_view file);

}  // namespace bailey::policy
