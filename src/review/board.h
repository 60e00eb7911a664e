// The review board: rules by a table, which docs/court.md publishes; a test holds the two equal.
//
// The rows are tried from the top; the first whose columns all fit decides. Severity starts from
// the finding's effect, is lowered by so many steps (no further than low), and is at most what the
// row says. The action follows from decision and severity (ActionRows).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "review/record.h"

namespace bailey::review {

// What is behind a finding once the author has answered. Kinds proof, live-probe and source-rule
// count; opinion of a model, or nothing at all, is opinion.
enum class Standing : std::uint8_t {
  kRefuted,    // the author refuted it, and nothing but opinion spoke for it
  kDisputed,   // the author refuted it, with evidence, against evidence
  kShown,      // evidence speaks for it, none against it
  kUndecided,  // it was tried, and could be neither shown nor refuted
  kOpinion,
};

struct BoardRow {
  Standing standing;
  std::optional<Reach> reach;  // none: any
  Decision decision;
  int lowered_by = 0;
  Severity at_most = Severity::kCritical;
  std::string_view because;  // opens the justification
};
std::span<const BoardRow> BoardRows();

struct ActionRow {
  Decision decision;
  Severity at_least;
  Action action;
};
// From the top; the first that fits.
std::span<const ActionRow> ActionRows();

Standing StandingOf(const Finding& finding, const Answer& answer);
Ruling Rule(const Finding& finding, const Answer& answer);

std::string_view Name(Standing standing);
std::string_view Name(Reach reach);

}  // namespace bailey::review
