// What each role is asked, and its answer as records.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/client.h"
#include "review/record.h"
#include "review/subject.h"

namespace bailey::review {

// A finding of a model. `topic`: a rule, a guarantee of the subject's filter, or "other".
struct Opinion {
  std::string topic;
  Finding finding;
};
base::Result<std::vector<Opinion>> AskResearcher(const Subject& subject,
                                                 std::span<const Finding> known,
                                                 model::Client& client);

// About the case of this number in the trial.
struct Remark {
  std::size_t number = 0;
  Response response = Response::kMitigation;  // an author's
  Severity severity = Severity::kNone;        // the board's
  std::string text;
};
base::Result<std::vector<Remark>> AskAuthor(const Subject& subject, const Trial& trial,
                                            model::Client& client);
base::Result<Summary> AskModerator(const Trial& trial, model::Client& client);
// `numbers`: of the cases that rest on opinion.
base::Result<std::vector<Remark>> AskBoard(const Trial& trial, std::span<const std::size_t> numbers,
                                           model::Client& client);

}  // namespace bailey::review
