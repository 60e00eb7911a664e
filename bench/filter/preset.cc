// From a preset's name to a filter.
#include "preset.h"

#include "calls.h"
#include "compile/compile.h"
#include "policy/load.h"

namespace bailey::bench {

// Not inlined: callgrind collects by its name.
[[gnu::noinline]] std::optional<Made> MakeFilter(std::string_view preset) {
  const double start = Now();
  const auto policy = policy::Load(preset, {.home = "/root", .current_directory = "/"});
  if (!policy) return std::nullopt;
  const double loaded = Now();
  const auto program = compile::Compile(policy->syscalls);
  const double made = Now();
  if (!program) return std::nullopt;
  return Made{loaded - start,
              made - loaded,
              {program->Instructions().begin(), program->Instructions().end()}};
}

}  // namespace bailey::bench
