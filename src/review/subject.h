// What stands trial. A part that the subject does not have is absent, and its finders do not run.
//
//   | subject            | filter | policy | confinement | machine | sources |
//   | policy, preset     |   x    |   x    |      x      |         |         |
//   | filter, stack      |   x    |        |             |         |         |
//   | process            |   x    |        |      x      |         |         |
//   | bwrap, OCI         | where  |        |      x      |         |         |
//   |                    | given  |        |             |         |         |
//   | Firecracker        |        |        |             |    x    |         |
//   | C, C++, Rust       |        |        |             |         |    x    |
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/policy.h"
#include "prove/prover.h"
#include "review/confinement.h"
#include "review/machine.h"
#include "review/source.h"

namespace bailey::review {

struct Subject {
  std::string title;  // "policy flatpak"
  std::string file;   // what places refer to; the preset's name, a path, "process 4711"
  std::optional<prove::Subject> filter;
  std::optional<policy::Policy> policy;
  std::optional<Confinement> confinement;
  std::optional<Machine> machine;
  std::vector<SourceFile> sources;
};

}  // namespace bailey::review
