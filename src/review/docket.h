// A trial as its reports tell it: one case a finding, worst first, and what is said over all.
//
//   const Docket docket = ReadDocket(trial);
//   for (const Case& one : docket.standing) Print(one.finding->vulnerability);
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "review/record.h"

namespace bailey::review {

// Points into the trial.
struct Case {
  const Finding* finding = nullptr;
  const Answer* answer = nullptr;
  const Ruling* ruling = nullptr;
};

// The decision of a pull-request review: request changes where something is to be fixed
// immediately, comment where something else stands.
enum class Review : std::uint8_t { kApprove, kComment, kRequestChanges };
std::string_view Name(Review review);

struct Docket {
  std::vector<Case> standing;  // valid or partially valid; worst first, then as filed
  std::vector<Case> refuted;   // invalid, as filed
  Review review = Review::kApprove;
};
Docket ReadDocket(const Trial& trial);

// "2 high, 1 low", worst first; empty for no case.
std::string CountBySeverity(const std::vector<Case>& cases);
// "1 finding", "3 findings".
std::string Count(std::size_t number, std::string_view what);

// "launch.c:12:3", "flatpak, pc 17", "launch.c"; empty for no place.
std::string ToString(const Place& place);

}  // namespace bailey::review
