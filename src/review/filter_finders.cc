#include "review/find_filter.h"
#include "review/finder.h"

namespace bailey::review {

std::span<const Finder> FilterFinders() {
  static constexpr Finder kFinders[] = {
      {"no-filter", "no filter of system calls in force", FindNoFilter},
      {"open-calls", "guarantees of the catalogue that are refuted or undecided", FindOpenCalls},
      {"sockets", "families that can be made by socket, socketpair or socketcall", FindSockets},
      {"wide-comparisons", "rules that depend on bits that the kernel does not read",
       FindWideComparisons},
      {"logged-calls", "answers of LOG, which deny nothing", FindLoggedCalls},
      {"broken-promises", "guarantees that a policy promises and its filter does not keep",
       FindBrokenPromises},
      {"standing-questions",
       "what reviews of filters ask again and again: keyrings, foreign architectures, x32, clone3, "
       "high bits",
       AskStandingQuestions},
      {"optional", "guarantees that nobody asked for and that do not hold", AskOptional},
  };
  return kFinders;
}

}  // namespace bailey::review
