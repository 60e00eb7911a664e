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

struct WantedMount {
  std::string target;
  std::string type;  // empty: that of the source
  bool read_only = false;
  bool device = false;
  bool recursive = false;  // others may be mounted below
};
using WantedMounts = std::map<std::string, WantedMount, std::less<>>;  // by target
WantedMounts WantMounts(const RootPlan& root);
base::Result<Enforced> CompareMounts(const WantedMounts& wanted,
                                     const std::vector<MountLine>& mounts);

// What the rest is compared with, made while the sandbox is: it waits for none of this then.
struct Expected {
  WantedMounts mounts;
  std::vector<std::string> namespaces;  // the supervisor's own, in the order of readback.cc
  std::size_t filters = 0;              // that the supervisor is under
};
base::Result<Expected> Expect(const Plan& plan);

// What does not change any more when PID 1 has finished the root: mounts as the payload sees them,
// and namespaces.
struct RootFound {
  std::vector<Enforced> enforced;
  std::vector<std::uint64_t> mounts;  // their ids
};
base::Result<RootFound> ReadBackRoot(const Plan& plan, const Expected& expected, int payload);
// What PID 1 is left with.
base::Status ReadBackPid1(int pid1);
// What the payload has put on itself when it is ready to execute. All layers together.
// `instructions`: of each filter that was attached.
base::Result<std::vector<Enforced>> ReadBackLayers(const Plan& plan, const Expected& expected,
                                                   std::span<const std::size_t> instructions,
                                                   int payload, RootFound root);

}  // namespace bailey::sandbox
