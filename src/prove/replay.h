// What this kernel answers to a call that a proof found, beside what was predicted. The call is
// never made (os/replay.h).
//
//   ReplayAnswer answer = Replay(subject, *finding.witness, *finding.answer);
//   if (answer.status == ReplayStatus::kContradicts) ...   // a bug of ours, or of the kernel
#pragma once

#include <string>

#include "bpf/instruction.h"
#include "prove/prover.h"
#include "verify/outcome.h"

namespace bailey::prove {

enum class ReplayStatus : std::uint8_t {
  kAgrees,
  kContradicts,
  kNotReplayed,  // this kernel cannot be asked; `reason` says why
};

struct ReplayAnswer {
  ReplayStatus status = ReplayStatus::kNotReplayed;
  // What the kernel was seen to do: "let through", "EPERM", "killed", "trap(7)", "trace(1)". Empty
  // when it was not asked.
  std::string kernel;
  // Why it was not asked, or what its answer leaves open ("notify without a listener is ENOSYS").
  std::string reason;
};

// Asks the kernel for the subject's filters and `call`, and compares with `predicted`. Needs no
// privilege; the process must not ignore SIGCHLD (os::ExpectChildren). About a millisecond.
ReplayAnswer Replay(const Subject& subject, const bpf::SeccompData& call,
                    verify::Outcome predicted);
// The prediction is the interpreter's.
ReplayAnswer Replay(const Subject& subject, const bpf::SeccompData& call);

// "kernel: let through", "kernel: EPERM, contradicts", "not replayed: this kernel does not run
// ppc64".
std::string ReplayText(const ReplayAnswer& answer);

}  // namespace bailey::prove
