// For tests: a trial made by hand, over a small filter and a small source, with names that would
// act in a report that does not take care.
#pragma once

#include "review/record.h"
#include "review/subject.h"

namespace bailey::review {

inline constexpr char kHostileName[] = "<script>alert(1)</script>[x](javascript:y)@team`|${7}";

// Denies chroot on x86_64, allows every other call; foreign architectures are killed.
Subject SampleSubject();
// Four findings, in this order: one of the filter with a witness (ptrace; high, fix immediately),
// one refuted with a proof (keyring), one of a source rule (launch.c:3; low, monitor) and one of
// opinion alone (hostile name; medium, monitor).
Trial SampleTrial();

}  // namespace bailey::review
