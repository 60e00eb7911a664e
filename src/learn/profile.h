// What a program was seen to do: the calls it made, with the argument values by which they differ,
// the paths it named, and the sockets it aimed at; of one run or of several together.
//
//   learn::Profile profile = *learn::ParseProfile(text, "git.profile.json");
//   learn::Merge(profile, another_run);
//   fmt::print("{}", learn::ToJson(profile));        // docs/schemas/profile.schema.json
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "abi/arch.h"
#include "abi/paths.h"
#include "base/result.h"

namespace bailey::learn {

struct CallUse {
  std::uint64_t count = 0;
  // Of the telling argument (audit/decode.h), cut to what the kernel reads; empty where the call
  // has none.
  std::set<std::uint64_t> values;
  bool has_more_values = false;  // than were told apart
  bool sets_ids = false;         // made or changed a file with S_ISUID or S_ISGID
  bool operator==(const CallUse&) const = default;
};

// How a path was used; the strongest is a directory made, removed or changed in. A directory of
// which it was only asked what it is, is none of these.
struct PathUse {
  bool read = false;
  bool write = false;
  bool execute = false;
  bool change_entries = false;  // made, removed or renamed: its directory is written
  std::uint64_t count = 0;
  bool operator==(const PathUse&) const = default;
};

struct Profile {
  std::uint64_t runs = 0;
  std::map<std::pair<abi::Arch, std::string>, CallUse> calls;  // by name
  std::map<std::string, PathUse> paths;                        // absolute, of what was there
  std::set<std::string> sockets;                               // unix sockets connected to, by path
  // Whether a unix socket was bound, or connected to one that was there: by path, or abstract.
  bool unix_sockets = false;
  std::set<std::string> addresses;  // "192.0.2.1:443": connected to
  // Entries as [network] allow has them, of what was connected to through the gateway, and names
  // that were only asked for.
  std::set<std::string> destinations, names;
  std::set<std::string> named;  // directories outside the workspace that the command line names
  bool operator==(const Profile&) const = default;
};

// Adds what another profile has.
void Merge(Profile& into, const Profile& from);

std::string ToJson(const Profile& profile);
// Errors say what is wrong; `file` is what they call it.
base::Result<Profile> ParseProfile(std::string_view text, std::string_view file);

}  // namespace bailey::learn
