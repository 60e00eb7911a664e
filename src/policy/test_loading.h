// What the tests of policy::Load share: a text that is read for one caller, and what became of it.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "policy/load.h"

namespace bailey::policy {

inline const Context kContext = {
    .home = "/home/u", .current_directory = "/proj/here", .native = abi::Arch::kX86_64};

inline Policy Read(const std::string& text, const Overrides& overrides = {},
                   const Context& context = kContext) {
  auto policy = Parse("bailey = 1\n" + text, "x.toml", context, overrides);
  EXPECT_TRUE(policy) << base::ToString(policy.error());
  return policy ? *std::move(policy) : Policy();
}

inline std::string ErrorOf(const std::string& text, const Overrides& overrides = {},
                           const Context& context = kContext) {
  const auto policy = Parse("bailey = 1\n" + text, "x.toml", context, overrides);
  return policy ? "(none)" : base::ToString(policy.error());
}

// "ANSWER [when CONDITION] (ORIGIN)" of every rule that names a call.
inline std::vector<std::string> RulesOf(const Policy& policy, std::string_view call) {
  std::vector<std::string> rules;
  for (const Rule& rule : policy.syscalls.rules) {
    if (rule.syscall != call) continue;
    rules.push_back(fmt::format("{}{}{} ({})", ToString(rule.answer),
                                rule.condition ? " when " + ToString(*rule.condition) : "",
                                rule.arch ? fmt::format(" on {}", abi::Info(*rule.arch).name) : "",
                                rule.origin.View()));
  }
  return rules;
}

}  // namespace bailey::policy
