// Roles of a trial filled by a language model, for subjects with sources.
//
//   auto trial = TryWithModel(subject, options, {.researcher = true}, client);
//   if (!trial) return trial.error();
//
// What a model says is an opinion and stays one. Its findings join those of the rules and are put
// to the same evidence: one that a rule has filed at that place is merged into it; one about a
// guarantee is proved or refuted on the subject's filter; the others are ruled as opinions, never
// above partially valid and monitor. As author and moderator it adds words to the records. On the
// board it can lower the severity of an opinion, and acquits nothing. A model that gives no answer
// is an error: there is no report with a role left out.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/client.h"
#include "review/record.h"
#include "review/subject.h"
#include "review/trial.h"

namespace bailey::review {

struct ModelRoles {
  bool researcher = false, author = false, moderator = false, board = false;
  bool operator==(const ModelRoles&) const = default;
};

// "researcher,board", "all". Errors: "read roles "x": ...".
base::Result<ModelRoles> ReadModelRoles(std::string_view text);

// kUnsupported where the subject has no source.
base::Result<Trial> TryWithModel(const Subject& subject, const TrialOptions& options,
                                 const ModelRoles& roles, model::Client& client);

}  // namespace bailey::review
