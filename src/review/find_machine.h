// The finders over configurations of virtual machines.
#pragma once

#include <vector>

#include "review/record.h"
#include "review/subject.h"

namespace bailey::review {

// Logs and the like that a guest makes grow.
void FindUnboundedFiles(const Subject& subject, std::vector<Finding>& findings);
void FindSerialConsole(const Subject& subject, std::vector<Finding>& findings);
// Paths and ids that were put together unchecked.
void FindEscapingPaths(const Subject& subject, std::vector<Finding>& findings);
// Names in directories where everybody may make files.
void FindPredictablePaths(const Subject& subject, std::vector<Finding>& findings);
void FindNoRateLimiters(const Subject& subject, std::vector<Finding>& findings);
void FindWritableRoot(const Subject& subject, std::vector<Finding>& findings);
// Filters and jailer left out, metadata without tokens, shared cores.
void FindMachineSettings(const Subject& subject, std::vector<Finding>& findings);

}  // namespace bailey::review
