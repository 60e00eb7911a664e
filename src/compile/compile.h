// A policy's system call part as a filter.
//
//   auto program = compile::Compile(policy.syscalls);
//   if (!program) return program.error();
//   auto report = compile::Describe(policy.syscalls, *program);   // for people: sizes, warnings
//
// The layout, in the order of the program: architecture dispatch, the native one first; for each
// architecture a balanced tree over ranges of call numbers, whose leaves are verdicts where the
// verdict needs no argument (only instructions that the kernel's constant-action bitmap
// understands, so such calls cost a bitmap hit: kernel/seccomp.c, seccomp_is_const_allow) and
// otherwise blocks that test arguments. Equal subtrees exist once, whatever leads to them.
//
// One filter is for machines of one byte order. Where the policy leaves something to decide:
//   - `foreign` with an errno's name is numbered as on the first of the architectures;
//   - negative numbers under x86_64's token, which both x86_64 and x32 could claim, are x86_64's if
//     it is listed, otherwise x32's. A tracer that skips a call leaves -1: answered as `unknown`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "abi/arch.h"
#include "base/result.h"
#include "bpf/program.h"
#include "policy/policy.h"

namespace bailey::compile {

// Errors (kInvalidInput, with the location of the rule where there is one): architectures of
// different byte orders; a condition that has no meaning on an architecture that has the call; a
// filter of more than 4096 instructions, naming the calls that cost most.
//
// Calls whose verdict needs the filter to run (conditions, denials) are tested the earlier the more
// frequent they are in `syscalls.hot`.
base::Result<bpf::Program> Compile(const policy::Syscalls& syscalls);
// The same filter for a supervisor that answers in the filter's stead: what policy::IsNotified
// names returns SECCOMP_RET_USER_NOTIF, with what is to be answered beside it (abi/notification.h).
base::Result<bpf::Program> CompileNotified(const policy::Syscalls& syscalls,
                                           const policy::Audit& audit);

struct Warning {
  std::string text;
  base::Location location;
  bool operator==(const Warning&) const = default;
};

struct ArchReport {
  abi::Arch arch;
  std::size_t calls = 0;     // that the table or a raw rule names
  std::size_t allowed = 0;   // for some arguments at least
  std::size_t constant = 0;  // of these: allowed by the kernel's bitmap, without running the filter
  bool has_bitmap = false;   // false for x32 and mips: no kernel keeps one
  bool operator==(const ArchReport&) const = default;
};

// A call whose arguments the filter tests.
struct CostReport {
  std::string call;
  abi::Arch arch;
  std::size_t tests = 0;
  base::Location location;  // of the first rule on it that has a condition
  bool operator==(const CostReport&) const = default;
};

struct Report {
  std::size_t instructions = 0;
  std::size_t translated = 0;  // see TranslatedLength
  std::size_t stackable = 0;   // filters like this one that a task can have at once
  std::size_t longest_path = 0;
  std::vector<ArchReport> architectures;
  std::vector<Warning> warnings;      // rules that never decide, what `multiplexers = "open"` opens
  std::vector<CostReport> costliest;  // calls with most tests, at most three, each name once
  bool operator==(const Report&) const = default;
};

// Instructions executed at most, the return included.
std::size_t LongestPath(const bpf::Program& program);

// As the kernel counts it once it has translated the filter to eBPF (net/core/filter.c,
// bpf_convert_filter); hardening (net.core.bpf_jit_harden) may make it longer.
std::size_t TranslatedLength(const bpf::Program& program);
// How many filters of one translated length a task can have: with 4 added for each below the
// newest, they may be 32768 instructions in all (kernel/seccomp.c, seccomp_attach_filter).
std::size_t StackableFilters(std::size_t translated_length);

// Whether `program` and the filters that the policy stacks below it fit into one task that has no
// other: kInvalidInput at the first that does not. Filters that the task has already are known to
// the kernel only, which then refuses to attach (ENOMEM).
base::Status CheckStack(const policy::Syscalls& syscalls, const bpf::Program& program);

// What there is to say about `program`, which Compile made of `syscalls`.
base::Result<Report> Describe(const policy::Syscalls& syscalls, const bpf::Program& program);

}  // namespace bailey::compile
