// What the kernel says is in force, read before the program's first instruction, and compared with
// the plan. Nothing in it believes what the launcher did.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox/plan.h"

namespace bailey::sandbox {

// /proc/PID/status as key and value, surrounding blanks taken off.
std::map<std::string, std::string> ParseStatus(std::string_view text);

// One line of /proc/PID/mountinfo (proc(5)), with \040 and the like undone.
struct MountLine {
  std::string point;
  std::string options;  // of the mount: "ro,nosuid,nodev,relatime"
  std::string type;
  std::uint64_t id = 0;
  bool operator==(const MountLine&) const = default;
};
std::vector<MountLine> ParseMountinfo(std::string_view text);

// A layer that was found in force, and how: {"seccomp", "filter mode, 1 filter"}.
struct Enforced {
  std::string layer, detail;
  bool operator==(const Enforced&) const = default;
};

// Differences are kViolation errors: "read back <what>: planned ..., found ...".
// `filters`: how many the program is to be under, those of the caller among them.
base::Result<std::vector<Enforced>> CompareStatus(const Plan& plan, std::size_t filters,
                                                  const std::map<std::string, std::string>& status);
base::Result<Enforced> CompareMounts(const Plan& plan, const std::vector<MountLine>& mounts);

// What does not change any more when PID 1 has sealed the root: mounts as the payload sees them,
// namespaces, and what PID 1 itself is left with.
struct RootFound {
  std::vector<Enforced> enforced;
  std::vector<std::uint64_t> mounts;  // their ids
};
base::Result<RootFound> ReadBackRoot(const Plan& plan, int payload, int pid1);
// And what the payload has put on itself when it is ready to execute. All layers together.
// `instructions`: of each filter that was attached.
base::Result<std::vector<Enforced>> ReadBackLayers(const Plan& plan,
                                                   std::span<const std::size_t> instructions,
                                                   int payload, RootFound root);

}  // namespace bailey::sandbox
