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
#include <map>
#include <string>
#include <vector>

#include "abi/arch.h"
#include "base/result.h"
#include "bpf/program.h"
#include "policy/policy.h"

namespace bailey::compile {

// How often each call was seen. Calls whose verdict needs the filter to run (conditions, denials)
// are tested the earlier the more frequent they are.
using Profile = std::map<std::string, std::uint64_t, std::less<>>;

struct Options {
  Profile hot;
};

// Errors (kInvalidInput, with the location of the rule where there is one): architectures of
// different byte orders; a condition that has no meaning on an architecture that has the call; a
// filter of more than 4096 instructions, naming the calls that cost most.
base::Result<bpf::Program> Compile(const policy::Syscalls& syscalls, const Options& options = {});

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

struct Report {
  std::size_t instructions = 0;
  std::size_t longest_path = 0;
  std::vector<ArchReport> architectures;
  std::vector<Warning> warnings;  // rules that never decide, what `multiplexers = "open"` opens
  bool operator==(const Report&) const = default;
};

// Instructions executed at most, the return included.
std::size_t LongestPath(const bpf::Program& program);

// What there is to say about `program`, which Compile made of `syscalls`.
base::Result<Report> Describe(const policy::Syscalls& syscalls, const bpf::Program& program);

}  // namespace bailey::compile
