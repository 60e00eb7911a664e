// The researcher's finders: one file each, each over the parts of a subject that it knows.
//
//   std::vector<Finding> findings;
//   for (const Finder& finder : Finders()) finder.find(subject, findings);
//
// A finder never guesses: what it files has evidence, or is a question that the author must answer
// from the subject. The same subject gives the same findings in the same order.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "review/record.h"
#include "review/subject.h"

namespace bailey::review {

struct Finder {
  std::string_view name;
  std::string_view looks_for;  // one sentence, for docs/court.md and --list
  void (*find)(const Subject& subject, std::vector<Finding>& findings);
};

// All of them, in the order in which they speak.
std::span<const Finder> Finders();

// By part, each in a file of its own.
std::span<const Finder> FilterFinders();
std::span<const Finder> ConfinementFinders();
std::span<const Finder> MachineFinders();
std::span<const Finder> SourceFinders();

}  // namespace bailey::review
