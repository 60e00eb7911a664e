// What this kernel's seccomp does with a call under given filters, found out without the call ever
// being made.
//
//   auto answer = AskKernel(filters, {.number = 101});      // ptrace, natively
//   if (answer && answer->kind == KernelAnswer::Kind::kLetThrough) ...
//
// A child attaches a filter that answers TRACE to everything, then the given ones, and reaches the
// entry of the call. What is stricter than TRACE (kill, trap, errno, notify) the kernel carries out
// and we see; allow and log are looser, so TRACE stands (kernel/seccomp.c, seccomp_run_filters: the
// lowest value, whatever the age of the filter). The tracer is then asked before anything is done,
// makes the number -1, which is no call, and kills the child.
//
// The filter that traces is the oldest: so it is attached before a given one could forbid that, and
// where a given one answers TRACE too, the newest of equals is heard, which is not ours.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"

namespace bailey::os {

struct ReplayCall {
  bool compat = false;  // through the gate of 32-bit programs: int 0x80 on x86_64
  std::uint32_t number = 0;
  std::array<std::uint64_t, 6> args = {};
  // What the filters see as the instruction pointer: the address behind the instruction that makes
  // the call. Where nobody looks at it, it is left out, and is any.
  std::optional<std::uint64_t> instruction_pointer;
  // The data of our own TRACE. A given filter that answers TRACE with the same data is taken for
  // one that lets through: choose another than what is expected.
  std::uint16_t mark = 0xba17;
};

struct KernelAnswer {
  enum class Kind : std::uint8_t {
    kLetThrough,   // allow or log: no tracer can tell them apart
    kReturned,     // `value`: 0 or less, an errno with its sign. Notify without a listener: -ENOSYS
    kTraced,       // a given filter answered TRACE with the data `value`
    kTrapped,      // SIGSYS with the data `value`
    kKilled,       // the process, or its only thread: not told apart either
    kNotAttached,  // filter `filter` (0 is the oldest): errno `value`; 0 where those before it kill
    kNotPlaced,    // no instruction can lie at the instruction pointer: errno `value`
  };
  Kind kind = Kind::kLetThrough;
  std::int64_t value = 0;
  std::size_t filter = 0;
  bool operator==(const KernelAnswer&) const = default;
};

// `filters` hold struct sock_filter records, oldest first. Needs no privilege. Filters that this
// process is under itself are asked as well: an answer to the same call without `filters` shows
// theirs. kUnsupported on other machines than x86_64, and where this process may not trace a child.
// The caller does not ignore SIGCHLD (ExpectChildren).
base::Result<KernelAnswer> AskKernel(std::span<const std::vector<std::uint8_t>> filters,
                                     const ReplayCall& call);

}  // namespace bailey::os
