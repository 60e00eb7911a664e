// What a policy means for a program in a machine of its own, decided before anything is started.
//
// The image takes the place of what the preset `os` shows: all of it can be read. What a policy
// grants beyond that is carried in, as drives; what it lets the program write there comes back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "microvm/session.h"
#include "network/plan.h"
#include "policy/policy.h"
#include "sandbox/plan.h"

namespace bailey::microvm {

// A path of the host that goes along, on a drive of its own.
struct CarriedPath {
  std::string source, target;
  bool write = false, directory = true;
  std::vector<std::string> excluded;  // of the host: what is hidden below it
  std::size_t mount = 0;              // its number in the command's mounts
  std::string kept;  // of a path that is written: the directory of what changes (sandbox/kept.h)
  std::uint32_t owner = 0, group = 0;
  bool operator==(const CarriedPath&) const = default;
};

struct MachinePlan {
  GuestCommand command;  // but for filters, and grants that depend on the guest's kernel
  std::vector<CarriedPath> carried;
  std::vector<std::string> hidden;       // inside: names whose changes do not come back
  std::optional<network::Plan> network;  // none: the machine has no interface
  std::string resolver;                  // of the host, for the gateway
  std::uint64_t memory_mib = 0;
  Bounds bounds;
  std::vector<std::string> notes;
  bool operator==(const MachinePlan& other) const = default;
};

// `policy` without what the guest keeps itself (GuestLimits); `plan` is what a sandbox of it would
// be. kUnsupported for what a machine cannot do yet.
base::Result<MachinePlan> PlanMachine(const policy::Policy& policy, const sandbox::Plan& plan,
                                      const sandbox::RootPlan& system);
// The policy as a sandbox's plan is to be made of it: memory is the machine's affair.
policy::Policy WithoutGuestLimits(policy::Policy policy);
// What the preset `os` alone would show.
base::Result<sandbox::RootPlan> SystemRoot(const sandbox::Plan& plan);
// Says it with the rights that the guest's kernel knows: a right that it cannot refuse is kept by a
// read-only mount.
void GrantAccess(const sandbox::RootPlan& root, int abi, MachinePlan& plan);

// Many lines, for people.
std::string ToString(const MachinePlan& plan);

}  // namespace bailey::microvm
