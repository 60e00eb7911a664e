#include "cli/model_options.h"

#include <fmt/format.h>

#include <charconv>

#include "base/text.h"

namespace bailey::cli {
namespace {

base::Result<std::string> ReadKey(const ModelServer& options) {
  if (!options.key_file.empty() && !options.key_variable.empty()) {
    return base::InvalidInput("read key: --model-key-file and --model-key-env are both given");
  }
  if (!options.key_file.empty()) return model::ReadKeyFile(options.key_file);
  if (!options.key_variable.empty()) return model::ReadKeyVariable(options.key_variable);
  return std::string();
}

}  // namespace

void DescribeServer(Arguments& arguments, ModelServer& server, const std::string& help) {
  arguments.Values("--model", server.model, help).Words(2).Called("URL NAME");
  arguments.Value("--model-key-file", server.key_file,
                  "the server's key is this file's first line");
  arguments.Value("--model-key-env", server.key_variable,
                  "the server's key is in this variable of the environment");
  arguments.Value("--model-price", server.price,
                  "IN,OUT for a million tokens: the cost is printed");
}

base::Result<model::Endpoint> ReadEndpoint(const ModelServer& server) {
  auto key = ReadKey(server);
  if (!key) return key.error();
  return model::Endpoint{.url = server.model[0], .model = server.model[1], .key = *std::move(key)};
}

std::optional<double> ReadAmount(std::string_view text) {
  double amount = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  return is_whole && amount >= 0 && amount < 1e9 ? std::optional(amount) : std::nullopt;
}

base::Result<std::optional<model::Price>> ReadPrice(const ModelServer& server) {
  const std::string& text = server.price;
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

}  // namespace bailey::cli
