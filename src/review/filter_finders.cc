#include "review/find_filter.h"
#include "review/finder.h"

namespace bailey::review {

std::span<const Finder> FilterFinders() {
  static constexpr Finder kFinders[] = {
      {"filter/none", "No filter of system calls in force.", FindNoFilter},
      {"filter/open-calls", "Guarantees of the catalogue that are refuted or undecided.",
       FindOpenCalls},
      {"filter/sockets", "Families that socket, socketpair or socketcall can make.", FindSockets},
      {"filter/wide-comparisons", "Rules that depend on bits that the kernel does not read.",
       FindWideComparisons},
      {"filter/log-allows", "Answers of LOG, which deny nothing.", FindLoggedCalls},
      {"policy/broken-promise", "Guarantees that a policy promises and its filter does not keep.",
       FindBrokenPromises},
      {"filter/standing-questions",
       "What reviews of filters ask again and again: keyrings, architectures, x32, clone3, widths.",
       AskStandingQuestions},
      {"filter/optional", "Guarantees that nobody asked for and that do not hold.", AskOptional},
  };
  return kFinders;
}

}  // namespace bailey::review
