// Which calls the kernel will allow without running the filter.
//
// When a filter is attached, Linux (5.11 and newer) runs a small emulation of it for each call
// number of the native and of the compat architecture, and notes the calls that are allowed
// whatever their arguments are (kernel/seccomp.c: seccomp_cache_prepare). Those calls then cost a
// bitmap look-up. The emulation understands loads of nr and arch, jumps against constants, AND with
// a constant and a return of exactly SECCOMP_RET_ALLOW; anything else on the way leaves it.
//
//   if (bpf::IsConstantAllow(program, abi::Info(arch).token, number)) ++constant;
//
// x32 numbers and all of MIPS are never in a bitmap, and a stack's bitmap is the AND of its
// filters'.
#pragma once

#include "bpf/program.h"

namespace bailey::bpf {

bool IsConstantAllow(const Program& program, std::uint32_t arch_token, std::uint32_t nr);

}  // namespace bailey::bpf
