// The part of `bailey review` that asks a language model, where one is named.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/arguments.h"
#include "cli/model_options.h"
#include "review/trial.h"

namespace bailey::cli {

struct ModelOptions {
  ModelServer server;
  std::string roles = "researcher";
  unsigned seconds = 120;
};

void DescribeModel(Arguments& arguments, ModelOptions& options);

// review::Try, or with roles filled by the model. What the model was asked and cost goes to stderr,
// also where no trial comes of it.
base::Result<review::Trial> TryWithRoles(const review::Subject& subject,
                                         const review::TrialOptions& trial_options,
                                         const ModelOptions& options);

}  // namespace bailey::cli
