// The moderator: sums both sides up, neutrally, from the records.
#pragma once

#include <span>

#include "review/record.h"

namespace bailey::review {

Summary SumUp(std::span<const Finding> findings, std::span<const Answer> answers);

}  // namespace bailey::review
