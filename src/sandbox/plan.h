// Everything that will be done to start a program behind a policy's wall, as a plain value.
//
//   auto plan = sandbox::BuildPlan(policy, caller, {.argv = {"/bin/ls", "-l"}});
//   if (!plan) return plan.error();
//   fmt::print("{}", sandbox::ToString(*plan));      // bailey run --dry-run
//   auto outcome = sandbox::Launch(*plan, [&] { return FiltersOf(policy); });
//
// The seccomp filters are not part of it: they are made while the namespaces are. A plan comes from
// BuildPlan only. Weakening it needs the name of the layer that is given up.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "network/plan.h"
#include "os/identity.h"
#include "policy/policy.h"
#include "sandbox/limits.h"
#include "sandbox/root.h"

namespace bailey::sandbox {

struct Identity {
  std::uint32_t inside_uid = 0, inside_gid = 0;    // as the program sees itself
  std::uint32_t outside_uid = 0, outside_gid = 0;  // as the host sees it
  // The caller may map ids it does not have, drop its groups and id-map mounts.
  bool privileged = false;
  std::vector<std::uint32_t> kept_groups;  // supplementary groups that a user cannot drop
  bool operator==(const Identity&) const = default;
};

struct PathRule {
  std::string path;  // inside the sandbox; for a standard descriptor, "fd:1"
  int standard_fd = -1;
  std::uint64_t rights = 0;
  bool operator==(const PathRule&) const = default;
};

struct LandlockPlan {
  int abi = 0;  // 0: not applied
  std::uint64_t handled = 0;
  std::uint64_t scopes = 0;
  std::vector<PathRule> rules;
  bool operator==(const LandlockPlan&) const = default;
};

struct Plan {
  std::vector<std::string> argv;
  std::vector<std::string> executables;  // tried in turn, as execvp(3) would
  std::vector<std::string> environment;  // "NAME=value"
  std::string workdir;
  std::string hostname = "bailey";
  std::uint32_t namespaces = 0;  // os::Namespace bits of PID 1
  Identity identity;
  RootPlan root;
  std::string kept;  // the directory where changes are kept (kept.h); empty: none are
  LandlockPlan landlock;
  LimitPlan limits;
  std::optional<std::uint64_t> output;  // bytes
  std::uint64_t capabilities = 0;       // kept by the program, in its own user namespace
  std::vector<std::string> capability_names;
  bool new_session = true;
  bool terminal = false;  // of its own, in place of the caller's
  // Standard descriptors that are sockets of a network: the program gets pipes in their place.
  std::vector<int> sockets;
  // Of the caller, and the program's under the same numbers; in rising order, above 2.
  std::vector<int> descriptors;
  std::optional<std::chrono::milliseconds> wall;
  // What a signal to the supervisor does to the program: it gets the same one, or is killed with
  // all of its sandbox.
  bool signals_kill = false;
  std::optional<network::Plan> network;  // in mode "allow"
  std::string resolver;                  // the program that resolves names for its gateway
  std::vector<std::string> notes;        // what a person should know; goes into the report
  bool operator==(const Plan&) const = default;
};

// How many descriptors beside the standard ones a program can be given.
inline constexpr std::size_t kMostDescriptors = 96;

struct PlanOptions {
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // the caller's, "NAME=value"
  std::string current_directory;
  std::set<Layer> without;
  std::string kept;              // as of Plan
  std::string resolver;          // where libexec/bailey/bailey-resolve is
  std::vector<int> descriptors;  // as of Plan
  std::vector<int> reopened;     // of these, files that can be opened again to be read
};

// False where they were given up by name: the program runs on the host's mounts and among its
// processes, behind Landlock and the filter alone.
bool HasNamespaces(const Plan& plan);

base::Result<Plan> BuildPlan(const policy::Policy& policy, const os::Caller& caller,
                             const PlanOptions& options);

// As execvp(3) looks for a program: a name with a slash is taken as it is.
std::vector<std::string> PlanExecutables(const std::string& name,
                                         const std::vector<std::string>& environment);
// What the program gets of its caller's variables ("NAME=value"), and what the policy sets.
std::vector<std::string> PlanEnvironment(const policy::Environment& policy,
                                         const std::vector<std::string>& caller);
// A directory that is held open leads out of the root: openat(fd, "..") climbs the host's tree.
base::Status CheckStandardDescriptors(std::span<const int, 3> descriptors);

// Many lines, for people: `bailey run --dry-run`.
std::string ToString(const Plan& plan);

}  // namespace bailey::sandbox
