// Empty files and directories that hold, on the host, names that a policy hides and that do not
// exist: a mask needs something to lie on. They are there while a sandbox that needs them runs.
//
//   const auto stubs = sandbox::Stubs::Make(plan.root.stubs);    // before the root is built
//   ...                                                          // gone with `stubs`
//
// What is made is written down first (state.h), so that CollectStubs finds what a killed launch
// left. Two sandboxes that need the same stub share it: the last one takes it away. A stub that
// somebody has written to, or put something else in the place of, is not a stub any more, and
// stays.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/root.h"

namespace bailey::sandbox {

class Stubs {
 public:
  static base::Result<Stubs> Make(const std::vector<Stub>& plan);
  Stubs(Stubs&&) = default;
  Stubs& operator=(Stubs&&) = delete;
  ~Stubs();

 private:
  Stubs() = default;

  // Shared locks: what is locked is removed by nobody, other users' sandboxes included.
  std::vector<base::UniqueFd> held_;
  base::UniqueFd record_;     // locked while this sandbox lives
  base::UniqueFd directory_;  // that the record is in
};

// Removes what killed launches of this user left, and returns the paths.
base::Result<std::vector<std::string>> CollectStubs();

}  // namespace bailey::sandbox
