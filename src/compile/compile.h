// A policy's system call part as a filter.
//
//   auto program = compile::Compile(policy.syscalls, {});
//   if (!program) return program.error();
//
// The layout, in the order of the program: architecture dispatch; for each architecture a balanced
// tree over ranges of call numbers, whose leaves are verdicts where the verdict needs no argument
// (only instructions that the kernel's constant-action bitmap understands, so such calls cost a
// bitmap hit: kernel/seccomp.c, seccomp_is_const_allow) and otherwise blocks that test arguments.
#pragma once

#include "base/result.h"
#include "bpf/program.h"
#include "policy/policy.h"

namespace bailey::compile {

base::Result<bpf::Program> Compile(const policy::Syscalls& syscalls);

}  // namespace bailey::compile
