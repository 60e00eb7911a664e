// A policy's text: read, and compiled where it is one.
#include "compile/compile.h"
#include "input.h"
#include "policy/load.h"

using namespace bailey;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto policy = policy::Parse(Text(data, size), "fuzz.toml",
                                    {.home = "/home/u", .current_directory = "/proj"});
  if (!policy) {
    Demand(!policy.error().text.empty(), "an error says something");
    return 0;
  }
  if (const auto program = compile::Compile(policy->syscalls)) {
    Demand(compile::Describe(policy->syscalls, *program).has_value(),
           "what compiles can be described");
  }
  return 0;
}
