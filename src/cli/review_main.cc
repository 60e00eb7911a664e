// libexec/bailey/bailey-review: what `bailey review` becomes.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "cli/commands.h"
#include "cli/review.h"
#include "os/process.h"

int main(int argc, char** argv) {
  try {
    if (const auto filled = bailey::os::FillStandardDescriptors(); !filled) {
      fmt::print(stderr, "bailey: open /dev/null: errno {}\n", filled.error().value);
      return bailey::cli::kUsage;
    }
    const int code = bailey::cli::RunReviewItself(argc, argv);
    // A report that could not be written is none: a full disk or a closed pipe is an error.
    if (std::fflush(stdout) != 0) {
      std::perror("bailey: write standard output");
      return bailey::cli::kUsage;
    }
    return code;
  } catch (const std::exception& exception) {
    fmt::print(stderr, "bailey: internal error: {}\n", exception.what());
    return bailey::cli::kBug;
  }
}
