// A profile as the policy that a program needs, and what a policy would have denied of it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "learn/fold.h"
#include "learn/profile.h"
#include "policy/policy.h"

namespace bailey::learn {

struct LearnedOptions {
  std::string name;
  std::string hot;        // the file of frequencies, relative to the policy; empty: none
  std::string workspace;  // written as "."
  bool host_network = false;
  std::vector<std::string> pass;  // variables of the environment
  std::vector<std::string> keep;  // guarantees that were proved of the result
  std::vector<std::string> hide;  // whatever else is shown
};

// TOML that extends `os`. Calls with a telling argument are allowed for the values that were seen;
// clone, for everything but new namespaces where it made none; calls that give files a mode,
// without the bits that set ids where none had them; unix sockets, where one was bound or found.
std::string PolicyText(const Profile& profile, const Grants& grants, const LearnedOptions& options);

// Names whose addresses were asked for, and that were never connected to: in the policy they are
// comments. A name that is answered is a way out, to whoever serves it, so none is granted unseen.
std::vector<std::string> OnlyLookedUp(const Profile& profile);

// The frequencies in the form that [syscalls] hot reads (docs/schemas/hot.schema.json).
std::string HotText(const Profile& profile);

// What a policy would have answered to a call of the profile, where that is no allow.
struct WouldDeny {
  std::string call;    // "socket(family=AF_VSOCK)"
  std::string answer;  // "EPERM"
  std::string reason;  // which rule
  std::uint64_t count = 0;
  bool operator==(const WouldDeny&) const = default;
};
std::vector<WouldDeny> Check(const policy::Policy& policy, const Profile& profile);

// Of the destinations of the profile those that the policy's network refuses, and why.
struct WouldRefuse {
  std::string entry, why;
  bool operator==(const WouldRefuse&) const = default;
};
std::vector<WouldRefuse> CheckNetwork(const policy::Network& network, const Profile& profile);

}  // namespace bailey::learn
