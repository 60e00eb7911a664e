// Firecracker's seccompiler filters as policies: a JSON object with a filter for each kind of
// thread ("vmm", "api", "vcpu").
//
//   auto threads = policy::ImportFirecracker(json, "x86_64.json", abi::Arch::kX86_64);
//   if (!threads) return threads.error();   // "read filter x86_64.json: vmm.filter[3]: ..."
//   const policy::Syscalls& vcpu = threads->at("vcpu");
//
// Meaning: a rule matches when all of its arguments do ("dword" compares the low 32 bits, "qword"
// all 64, unsigned); a call with a matching rule gets filter_action, any other default_action, and
// so do unknown numbers. Another architecture is killed.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "abi/arch.h"
#include "base/result.h"
#include "policy/policy.h"

namespace bailey::policy {

// By thread. `file` is what errors and rules' locations call it.
base::Result<std::map<std::string, Syscalls>> ImportFirecracker(std::string_view json,
                                                                std::string_view file,
                                                                abi::Arch arch);

}  // namespace bailey::policy
