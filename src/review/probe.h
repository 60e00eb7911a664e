// Live probes: what findings claim, tried inside the subject, without harm.
//
//   std::vector<Finding> findings = Research(subject);
//   Probe(subject, findings);                   // bailey review --probe, before the author speaks
//   Trial trial = Hear(subject, std::move(findings), options);
//
// For a process, children of ours go where it is (os/inside.h): its namespaces, root, ids,
// capabilities and filters. For bubblewrap's arguments the real bwrap sets up the sandbox, is held
// before its command, and ends afterwards. Files are opened and closed, sockets connected and
// closed; nothing is sent, written or signalled, and the network is 127.0.0.1.
//
// An attempt that succeeds is evidence of the finding. Where all of a finding's attempts are
// refused, that is evidence against it. What could not be tried is said in `not_tried`, and changes
// nothing.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "review/record.h"
#include "review/subject.h"

namespace bailey::review {

// `not_tried`: why, a sentence each; empty when everything with attempts was tried.
struct ProbeReport {
  std::size_t tried = 0;
  std::vector<std::string> not_tried;
};
ProbeReport Probe(const Subject& subject, std::span<Finding> findings);

}  // namespace bailey::review
