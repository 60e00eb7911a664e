// The finders over confinements, each in a file of its own: find_<what>.cc.
#pragma once

#include <vector>

#include "review/record.h"
#include "review/subject.h"

namespace bailey::review {

// Namespaces that are the host's, and what each opens.
void FindSharedNamespaces(const Subject& subject, std::vector<Finding>& findings);
// Paths that lead out.
void FindWaysOut(const Subject& subject, std::vector<Finding>& findings);
// /proc of the host's processes, and parts of /proc that should be masked.
void FindHostProc(const Subject& subject, std::vector<Finding>& findings);
// control groups that can be written.
void FindControlGroups(const Subject& subject, std::vector<Finding>& findings);
// Programs that give more rights when executed.
void FindPrivilegeGain(const Subject& subject, std::vector<Finding>& findings);
// Capabilities that undo the sandbox.
void FindCapabilities(const Subject& subject, std::vector<Finding>& findings);
// Root of the host, without a user namespace.
void FindHostRoot(const Subject& subject, std::vector<Finding>& findings);
// Characters pushed into the caller's terminal.
void FindTerminal(const Subject& subject, std::vector<Finding>& findings);
// Open descriptors that lead out.
void FindDescriptors(const Subject& subject, std::vector<Finding>& findings);
// A directory to start in that is a descriptor or a process.
void FindWorkingDirectory(const Subject& subject, std::vector<Finding>& findings);
// Variables that carry secrets.
void FindEnvironment(const Subject& subject, std::vector<Finding>& findings);
// No limit on memory or processes, mounts that spread, profiles turned off, every device allowed.
void FindLooseSettings(const Subject& subject, std::vector<Finding>& findings);

}  // namespace bailey::review
