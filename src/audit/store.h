// Where `bailey audit` finds what sandboxes had to say: a directory in which every sandbox leaves a
// file of JSON Lines, to be taken into a database by whoever asks next.
//
//   <state>/audit/spool/<sandbox>.jsonl     (and .jsonl.1: at most 2 MiB a sandbox)
//
// <state> is $XDG_STATE_HOME/bailey, else /var/lib/bailey for root and ~/.local/state/bailey for
// others. All files together stay below a bound: whoever comes next removes the oldest.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/sink.h"

namespace bailey::audit {

struct StoreOwner {
  bool is_root = false;
  std::string home, state_home;  // $HOME, $XDG_STATE_HOME; absolute or empty
};
// kUnsupported where none of them says where.
base::Result<std::string> StoreDirectory(const StoreOwner& owner);

struct SpoolLimits {
  std::uint64_t bytes_of_one = 1 << 20;  // of each of a sandbox's two files
  std::uint64_t bytes = 64 << 20;
  std::size_t files = 1000;
};
// The sink "store". Nothing is made before the first event.
std::unique_ptr<Sink> MakeStoreSink(std::string directory, std::string sandbox,
                                    const SpoolLimits& limits);

// Makes a directory and those above it that are missing, for the owner alone. An error names the
// first that is a link, somebody else's, or writable for others.
base::Status MakePrivateDirectory(const std::string& path);

struct Spooled {
  std::string path;
  std::uint64_t size = 0;
  std::int64_t changed = 0;  // nanoseconds since 1970
};
// What is in the spool, the oldest first.
std::vector<Spooled> SpooledIn(const std::string& directory);

}  // namespace bailey::audit
