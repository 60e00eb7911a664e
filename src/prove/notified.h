// What a filter means whose supervisor answers some of its calls (abi/notification.h).
//
//   auto filter = compile::CompileNotified(policy.syscalls, policy.audit);
//   auto plain = prove::WithoutNotice(*filter);
//   if (auto kept = prove::ValidateAndKeep(policy, *plain); !kept) return kept.error();
//
// The supervisor computes its answer from the filter itself: it interprets it on the call that the
// kernel told it of, and answers abi::PlainAnswer of what that returns. For a call x, filter and
// supervisor together so answer PlainAnswer(filter(x)), which is what WithoutNotice(filter) returns
// for x, as only returns differ. What is proved of that program is proved of the two together.
//
// A guarantee counts on denials alone. Where the supervisor lets a call go on (0xffff), the plain
// program allows it, so it is open in every proof, and nothing rests on what the supervisor looked
// at before. Where nobody answers (the supervisor is gone), the kernel answers ENOSYS: closed too.
#pragma once

#include "base/result.h"
#include "bpf/program.h"

namespace bailey::prove {

// The same program, with the answers in the place of the notices.
base::Result<bpf::Program> WithoutNotice(const bpf::Program& filter);

}  // namespace bailey::prove
