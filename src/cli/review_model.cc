#include "cli/review_model.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <optional>

#include "base/text.h"
#include "model/client.h"
#include "review/model_roles.h"

namespace bailey::cli {
namespace {

base::Result<std::string> ReadKey(const ModelOptions& options) {
  if (!options.key_file.empty() && !options.key_variable.empty()) {
    return base::InvalidInput("read key: --model-key-file and --model-key-env are both given");
  }
  if (!options.key_file.empty()) return model::ReadKeyFile(options.key_file);
  if (!options.key_variable.empty()) return model::ReadKeyVariable(options.key_variable);
  return std::string();
}

std::optional<double> ReadAmount(std::string_view text) {
  double amount = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  return is_whole && amount >= 0 && amount < 1e9 ? std::optional(amount) : std::nullopt;
}

base::Result<std::optional<model::Price>> ReadPrice(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto parts = base::Split(text, ',');
  const auto in = ReadAmount(parts[0]);
  const auto out = parts.size() == 2 ? ReadAmount(parts[1]) : std::nullopt;
  if (!in || !out) {
    return base::InvalidInput(
        fmt::format("read --model-price \"{}\": it is two numbers for a million tokens, IN,OUT",
                    base::Escape(text)));
  }
  return model::Price{*in, *out};
}

}  // namespace

void DescribeModel(Arguments& arguments, ModelOptions& options) {
  arguments
      .Values("--model", options.model,
              "let a language model speak in the roles of --model-roles, for sources: the "
              "address of an OpenAI-compatible server, up to and with /v1, and the model's name")
      .Words(2)
      .Called("URL NAME");
  arguments.Value("--model-roles", options.roles,
                  "researcher (default), author, moderator, board, or all; separated by commas");
  arguments.Value("--model-key-file", options.key_file,
                  "the server's key is this file's first line");
  arguments.Value("--model-key-env", options.key_variable,
                  "the server's key is in this variable of the environment");
  arguments.Value("--model-price", options.price,
                  "IN,OUT for a million tokens: the cost is printed");
  arguments.Value("--model-time", options.seconds, "seconds for each role's answer (default 120)")
      .Between(1, 3600);
}

base::Result<review::Trial> TryWithRoles(const review::Subject& subject,
                                         const review::TrialOptions& trial_options,
                                         const ModelOptions& options) {
  if (options.model.empty()) return review::Try(subject, trial_options);
  const auto roles = review::ReadModelRoles(options.roles);
  if (!roles) return roles.error();
  auto key = ReadKey(options);
  if (!key) return key.error();
  const auto price = ReadPrice(options.price);
  if (!price) return price.error();
  model::Client client({.url = options.model[0], .model = options.model[1], .key = *std::move(key)},
                       {.per_question = std::chrono::seconds(options.seconds)}, *price);
  auto trial = review::TryWithModel(subject, trial_options, *roles, client);
  if (client.Spent().requests > 0) {
    fmt::print(stderr, "bailey review: model {}: {}\n", base::Escape(options.model[1]),
               client.Spent().ToString());
  }
  return trial;
}

}  // namespace bailey::cli
