#include "cli/review_model.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/text.h"
#include "review/model_roles.h"

namespace bailey::cli {

void DescribeModel(Arguments& arguments, ModelOptions& options) {
  DescribeServer(
      arguments, options.server,
      "let a language model speak in the roles of --model-roles, for sources: the "
      "address of an OpenAI-compatible server, up to and with /v1, and the model's name");
  arguments.Value("--model-roles", options.roles,
                  "researcher (default), author, moderator, board, or all; separated by commas");
  arguments.Value("--model-time", options.seconds, "seconds for each role's answer (default 120)")
      .Between(1, 3600);
}

base::Result<review::Trial> TryWithRoles(const review::Subject& subject,
                                         const review::TrialOptions& trial_options,
                                         const ModelOptions& options) {
  if (options.server.model.empty()) return review::Try(subject, trial_options);
  const auto roles = review::ReadModelRoles(options.roles);
  if (!roles) return roles.error();
  auto endpoint = ReadEndpoint(options.server);
  if (!endpoint) return endpoint.error();
  const auto price = ReadPrice(options.server);
  if (!price) return price.error();
  const std::string name = endpoint->model;
  model::Client client(*std::move(endpoint),
                       {.per_question = std::chrono::seconds(options.seconds)}, *price);
  auto trial = review::TryWithModel(subject, trial_options, *roles, client);
  if (client.Spent().requests > 0) {
    fmt::print(stderr, "bailey review: model {}: {}\n", base::Escape(name),
               client.Spent().ToString());
  }
  return trial;
}

}  // namespace bailey::cli
