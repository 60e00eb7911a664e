// A policy's decisions as flat entries, for formats that know only lists: a call, some registers
// compared under masks, an answer.
//
//   Graph graph;
//   const auto resolved = Resolve(graph, syscalls, Leaves::kActions);
//   const auto entries = EntriesOf(graph, *resolved, syscalls, "OCI profile");
//
// Entries come from the decision graph, so they are what the filter does, at true widths; those of
// one call never overlap, and their order means nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compile/graph.h"
#include "compile/resolve.h"
#include "policy/policy.h"

namespace bailey::compile {

// (args[slot] & mask) == value, over the 64 bits of the register.
struct Match {
  unsigned slot = 0;
  std::uint64_t mask = 0;
  std::uint64_t value = 0;
  bool operator==(const Match&) const = default;
};

struct Entry {
  std::vector<Match> matches;  // at most one a register; none: whatever the arguments are
  std::uint32_t action = 0;    // as a filter returns it
  bool operator==(const Entry&) const = default;
};

struct CallEntries {
  std::vector<Entry> entries;  // where the answer is not the default
  bool operator==(const CallEntries&) const = default;
};

// By call name. Errors (kUnsupported, with the location of a rule) where lists by name cannot say
// it: a number that no table names, decisions that differ between architectures, a multitude of
// entries. `format` is what errors call the target.
base::Result<std::map<std::string, CallEntries>> EntriesOf(const Graph& graph,
                                                           const Resolved& resolved,
                                                           const policy::Syscalls& syscalls,
                                                           std::string_view format);

// "write OCI profile: the rule for ioctl (deny of x): <cause>", at the place of the first rule that
// names the call; "the default for ioctl" where none does.
base::Error CannotSay(const policy::Syscalls& syscalls, std::string_view format,
                      std::string_view call, std::string_view cause);

// What is written must be small enough to be read again: names the call that takes most of it.
base::Status CheckSize(const policy::Syscalls& syscalls,
                       const std::map<std::string, CallEntries>& calls, std::string_view format,
                       std::string_view text);

}  // namespace bailey::compile
