// The code author: answers each finding from the subject itself.
//
// A refutation has a proof, a witness that does not reproduce, or the line that already handles
// what was found; anything else is a mitigation: the layer that bounds it, and the smallest change
// that would close it.
#pragma once

#include <span>
#include <vector>

#include "policy/policy.h"
#include "review/record.h"
#include "review/subject.h"

namespace bailey::review {

struct AuthorOptions {
  policy::Hot recorded;  // calls that a program was seen to make; empty: no profile
  bool probe = false;    // ask the kernel about each witness
};

// One answer to each finding, in their order.
std::vector<Answer> AnswerAll(const Subject& subject, std::span<const Finding> findings,
                              const AuthorOptions& options);

}  // namespace bailey::review
