// The finders over filters, one file each. They do nothing for a subject without a filter; all but
// the first do nothing for one whose stack is empty.
#pragma once

#include <string_view>
#include <vector>

#include "review/record.h"
#include "review/subject.h"

namespace bailey::review {

class FilterView;
struct Topic;

void FindNoFilter(const Subject& subject, std::vector<Finding>& findings);
void FindOpenCalls(const Subject& subject, std::vector<Finding>& findings);
void FindSockets(const Subject& subject, std::vector<Finding>& findings);
void FindBrokenPromises(const Subject& subject, std::vector<Finding>& findings);
void FindWideComparisons(const Subject& subject, std::vector<Finding>& findings);
void FindLoggedCalls(const Subject& subject, std::vector<Finding>& findings);
void AskStandingQuestions(const Subject& subject, std::vector<Finding>& findings);
void AskOptional(const Subject& subject, std::vector<Finding>& findings);

// Whether there is a filter to look at.
bool HasFilter(const Subject& subject);

// Rules over a part of only-socket-families.
inline constexpr std::string_view kSocketcallRule = "filter/socketcall";
inline constexpr std::string_view kPairsRule = "filter/socket-pairs";

// A finding of `topic`, shown by `shown` and by what each of its calls answers.
struct OpenCall;
Finding OpenFinding(FilterView& view, const Topic& topic, const std::vector<OpenCall>& open);

}  // namespace bailey::review
