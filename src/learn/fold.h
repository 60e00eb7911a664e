// Many paths as few grants: a directory in which much was used stands for all of it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "learn/profile.h"

namespace bailey::learn {

// Whether a directory holds everybody's files: "/", what lies right below it, "/home/NAME",
// "/var/NAME". None is granted whole.
bool IsBroad(std::string_view path);

struct Grants {
  std::vector<std::string> read, write;  // sorted; none is below another of its list
  std::vector<std::string> named;        // read, as what the program owns
  bool operator==(const Grants&) const = default;
};

// What a policy must show for `profile`, beside what `is_shown` says is there already. A directory
// is shown where four or more of what is in it were used, or where it is changed; but never one
// that is broad. A directory that the command line named is shown whole, where anything in it was
// used. What lies below `workspace` is that, for writing where anything in it was changed.
Grants Fold(const Profile& profile, const std::string& workspace,
            const std::function<bool(const std::string& path, bool write)>& is_shown);

}  // namespace bailey::learn
