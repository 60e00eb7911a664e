// What keeps a policy's limits: control groups where this caller may make them, resource limits
// where not, and nothing less than that unsaid.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/cgroup.h"
#include "policy/policy.h"

namespace bailey::sandbox {

// What a caller may give up by name (`--without landlock`).
enum class Layer : std::uint8_t { kLandlock, kNamespaces, kMemoryLimit, kCpuLimit, kIoLimit };
std::optional<Layer> FindLayer(std::string_view name);
std::string_view ToString(Layer layer);

struct Limit {
  int resource = 0;  // RLIMIT_*
  std::string name;  // "pids"
  std::uint64_t value = 0;
  bool operator==(const Limit&) const = default;
};

struct Knob {
  std::string file, value;
  bool optional = false;  // a kernel without swap accounting has no file for it
  bool operator==(const Knob&) const = default;
};

// A group to make below `parent`, and what to write into its files.
struct Group {
  int version = 0;
  std::string parent;
  std::string enable;  // for `parent`'s cgroup.subtree_control; empty: nothing to enable
  bool has_memory = false;
  std::vector<Knob> knobs;
  bool operator==(const Group&) const = default;
};

struct LimitPlan {
  std::vector<Limit> resources;
  std::vector<Group> groups;
  std::vector<std::string> notes;
  bool operator==(const LimitPlan&) const = default;
};

// kUnsupported where a limit can be kept by neither. `devices`: block devices as "254:0", those of
// the file systems that the program sees.
base::Result<LimitPlan> PlanLimits(const policy::Limits& limits,
                                   const std::vector<os::CgroupPlace>& places,
                                   const std::set<Layer>& without,
                                   const std::set<std::string>& devices = {});

// Removes the groups of supervisors that were killed, and returns their paths.
base::Result<std::vector<std::string>> CollectGroups();

// The groups of one sandbox, while it lives.
class Groups {
 public:
  static base::Result<Groups> Make(const std::vector<Group>& plan);
  base::Status Add(pid_t process) const;
  // Whether the kernel killed something in them for want of memory.
  bool HadMemoryKill() const;

 private:
  struct Made {
    int version = 0;
    bool has_memory = false;
    os::Cgroup group;
  };
  std::vector<Made> made_;
};

}  // namespace bailey::sandbox
