#include "resident.h"

#include <bailey/pool.h>
#include <unistd.h>

#include <cstdio>
#include <optional>

extern "C" int RunResident(char** command) {
  static std::optional<bailey::Pool> pool;
  if (!pool) {
    auto opened = bailey::Pool::Open(command[0]);
    if (!opened) {
      std::fprintf(stderr, "measure: %s\n", opened.error().c_str());
      return -1;
    }
    pool.emplace(*std::move(opened));
  }
  bailey::Program program;
  program.arguments.assign(command + 1, [command] {
    char** end = command;
    while (*end) ++end;
    return end;
  }());
  for (char** entry = environ; *entry; ++entry) program.environment.emplace_back(*entry);
  const auto result = pool->Run(program);
  if (result) return result->exit_status;
  std::fprintf(stderr, "measure: %s\n", result.error().c_str());
  return -1;
}
