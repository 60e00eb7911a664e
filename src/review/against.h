// A change on trial: what the new subject opens that the old one did not, what it closes, and
// nothing that was there before.
#pragma once

#include "review/record.h"
#include "review/subject.h"
#include "review/trial.h"

namespace bailey::review {

// The trial is of the new subject. What was found in the old one only is filed as a question that
// the author refutes with the proof, or the rule, that finds it no more.
Trial TryChange(const Subject& before, const Subject& after, const TrialOptions& options);

}  // namespace bailey::review
