// The options that name a language model's server, for the commands that ask one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/arguments.h"
#include "model/client.h"

namespace bailey::cli {

struct ModelServer {
  std::vector<std::string> model;  // its address and its name; empty: no model
  std::string key_file, key_variable;
  std::string price;
};

// `help`: of --model.
void DescribeServer(Arguments& arguments, ModelServer& server, const std::string& help);

base::Result<model::Endpoint> ReadEndpoint(const ModelServer& server);
// "IN,OUT" for a million tokens; nothing where none is said.
base::Result<std::optional<model::Price>> ReadPrice(const ModelServer& server);
// Of money: not below zero.
std::optional<double> ReadAmount(std::string_view text);

}  // namespace bailey::cli
