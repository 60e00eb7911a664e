// The parts of the page, each as elements ready to be put into it.
#pragma once

#include <string>
#include <vector>

#include "review/docket.h"
#include "review/subject.h"
#include "review/witness_path.h"

namespace bailey::review {

// One article a case: what is wrong, how to close it, the ruling and its evidence.
std::string CaseList(const std::vector<Case>& cases);

// The filters with the ways of witnesses lit, the gravest open. Without a witness: the filters.
std::string WayList(const Docket& docket, const Subject& subject, const FilterListing& listing);

// Every guarantee of the catalogue, decided on the subject's filters; empty where it has none.
std::string GuaranteeTable(const Subject& subject);

// What the four roles said, in the order of the form.
std::string Transcript(const Trial& trial);

}  // namespace bailey::review
