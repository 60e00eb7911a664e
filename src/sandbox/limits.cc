#include "sandbox/limits.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

namespace bailey::sandbox {
namespace {

struct LayerName {
  Layer layer;
  std::string_view name;
};
constexpr std::array<LayerName, 5> kLayers = {{{Layer::kLandlock, "landlock"},
                                               {Layer::kNamespaces, "namespaces"},
                                               {Layer::kMemoryLimit, "memory-limit"},
                                               {Layer::kCpuLimit, "cpu-limit"},
                                               {Layer::kIoLimit, "io-limit"}}};

// The scheduler's period for a limit of CPU time, in µs (kernel/sched/fair.c, 100 ms by default).
constexpr std::uint64_t kPeriod = 100'000;

struct Parent {
  int version = 0;
  std::string path;
  std::string enable;
};

bool Has(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::count(words, word) > 0;
}

// In version 2 a group with processes of its own cannot hand controllers to groups below (the "no
// internal processes" rule), but for the root: the nearest ancestor that already does is taken.
os::SysResult<std::optional<Parent>> FindParent(const os::CgroupPlace& place,
                                                const std::string& controller) {
  if (!Has(place.controllers, controller)) return std::nullopt;
  if (place.version == 1) {
    const auto can = os::CanMakeGroups(place.path);
    if (!can) return std::unexpected(can.error());
    return *can ? std::optional(Parent{1, place.path, ""}) : std::nullopt;
  }
  for (std::string path = place.path;; path.resize(path.rfind('/'))) {
    const bool is_top = path.size() <= place.mount.size();
    const auto can = os::CanMakeGroups(path);
    if (!can) return std::unexpected(can.error());
    if (*can) {
      const auto handed_down = os::CgroupWords(path, "cgroup.subtree_control");
      if (!handed_down) return std::unexpected(handed_down.error());
      if (Has(*handed_down, controller)) return Parent{2, path, ""};
      if (is_top) return Parent{2, path, "+" + controller};
    }
    if (is_top) return std::nullopt;
  }
}

class Planner {
 public:
  Planner(const policy::Limits& limits, const std::vector<os::CgroupPlace>& places,
          const std::set<Layer>& without, const std::set<std::string>& devices)
      : limits_(limits), places_(places), without_(without), devices_(devices) {}

  base::Result<LimitPlan> Plan() {
    plan_.resources.push_back({RLIMIT_CORE, "core", 0});
    if (limits_.processes) plan_.resources.push_back({RLIMIT_NPROC, "pids", *limits_.processes});
    if (limits_.files) plan_.resources.push_back({RLIMIT_NOFILE, "files", *limits_.files});
    if (limits_.file_size)
      plan_.resources.push_back({RLIMIT_FSIZE, "file-size", *limits_.file_size});
    if (limits_.memory)
      if (const auto planned = PlanMemory(*limits_.memory); !planned) return planned.error();
    if (limits_.cpu_thousandths)
      if (const auto planned = PlanCpu(*limits_.cpu_thousandths); !planned) return planned.error();
    if (limits_.io)
      if (const auto planned = PlanIo(*limits_.io); !planned) return planned.error();
    // RLIMIT_NPROC holds as well; this one also stops what the id's other processes cannot see.
    if (limits_.processes && !plan_.groups.empty()) {
      const auto group = FindGroup("pids");
      if (!group) return group.error();
      if (*group) Add(**group, {{"pids.max", fmt::format("{}", *limits_.processes)}});
    }
    return std::move(plan_);
  }

 private:
  base::Status PlanMemory(std::uint64_t bytes) {
    if (without_.contains(Layer::kMemoryLimit)) {
      plan_.notes.push_back("memory limit: given up by name");
      return {};
    }
    const auto group = FindGroup("memory");
    if (!group) return group.error();
    if (*group) {
      LimitMemory(**group, fmt::format("{}", bytes));
      return {};
    }
    plan_.resources.push_back({RLIMIT_DATA, "memory", bytes});
    plan_.notes.push_back(
        fmt::format("memory: no control group can be made here, so {} bytes is a limit of each "
                    "process's data (RLIMIT_DATA), not of all together",
                    bytes));
    return {};
  }

  // Swap would only move the limit: memory and swap together get the same one.
  static void LimitMemory(Group& group, const std::string& bytes) {
    group.has_memory = true;
    if (group.version == 1) {
      Add(group, {{"memory.limit_in_bytes", bytes}, {"memory.memsw.limit_in_bytes", bytes, true}});
    } else {
      Add(group,
          {{"memory.max", bytes}, {"memory.swap.max", "0", true}, {"memory.oom.group", "1", true}});
    }
  }

  base::Status PlanCpu(std::uint64_t thousandths) {
    if (without_.contains(Layer::kCpuLimit)) {
      plan_.notes.push_back("cpu limit: given up by name");
      return {};
    }
    const auto group = FindGroup("cpu");
    if (!group) return group.error();
    if (!*group) {
      return base::Unsupported(
          "limit cpu: no control group with the cpu controller can be made here (see `bailey "
          "doctor`; `--without cpu-limit` gives it up by name)");
    }
    const std::string quota = fmt::format("{}", thousandths * kPeriod / 1000);
    const std::string period = fmt::format("{}", kPeriod);
    if ((*group)->version == 1)
      Add(**group, {{"cpu.cfs_period_us", period}, {"cpu.cfs_quota_us", quota}});
    else
      Add(**group, {{"cpu.max", quota + " " + period}});
    return {};
  }

  base::Status PlanIo(std::uint64_t bytes) {
    if (without_.contains(Layer::kIoLimit)) {
      plan_.notes.push_back("io limit: given up by name");
      return {};
    }
    constexpr std::string_view kGiveUp = "`--without io-limit` gives it up by name";
    if (devices_.empty()) {
      return base::Unsupported(fmt::format(
          "limit io: no file system that is shown lies on one block device ({})", kGiveUp));
    }
    // Version 1 has another name for it.
    auto group = FindGroup("io");
    if (group && !*group) group = FindGroup("blkio");
    if (!group) return group.error();
    if (!*group) {
      return base::Unsupported(fmt::format(
          "limit io: no control group with the io controller can be made here ({})", kGiveUp));
    }
    for (const std::string& device : devices_) {
      const std::string limit = fmt::format("{} {}", device, bytes);
      if ((*group)->version == 1) {
        Add(**group, {{"blkio.throttle.read_bps_device", limit},
                      {"blkio.throttle.write_bps_device", limit}});
      } else {
        Add(**group, {{"io.max", fmt::format("{0} rbps={1} wbps={1}", device, bytes)}});
      }
    }
    if ((*group)->version == 1) {
      plan_.notes.push_back(
          "io: control groups of version 1 limit reading and direct writing, not what the kernel "
          "writes out later");
    }
    return {};
  }

  // The planned group that has this controller, made if it is the first to need it; null where none
  // can be made.
  base::Result<Group*> FindGroup(const std::string& controller) {
    for (const os::CgroupPlace& place : places_) {
      const auto parent = FindParent(place, controller);
      if (!parent) {
        return base::SystemError(fmt::format("look for the {} control group", controller),
                                 parent.error().value);
      }
      if (*parent) return &GroupAt(**parent);
    }
    return nullptr;
  }

  Group& GroupAt(const Parent& parent) {
    for (Group& group : plan_.groups) {
      if (group.parent != parent.path) continue;
      if (!parent.enable.empty()) group.enable += (group.enable.empty() ? "" : " ") + parent.enable;
      return group;
    }
    return plan_.groups.emplace_back(Group{parent.version, parent.path, parent.enable, false, {}});
  }

  static void Add(Group& group, const std::vector<Knob>& knobs) {
    group.knobs.insert(group.knobs.end(), knobs.begin(), knobs.end());
  }

  const policy::Limits& limits_;
  const std::vector<os::CgroupPlace>& places_;
  const std::set<Layer>& without_;
  const std::set<std::string>& devices_;
  LimitPlan plan_;
};

base::Status Fill(const os::Cgroup& made, const Group& plan) {
  for (const Knob& knob : plan.knobs) {
    const auto written = made.Write(knob.file.c_str(), knob.value);
    if (!written && !(knob.optional && written.error().value == ENOENT)) {
      return base::SystemError(
          fmt::format("write {} to {} of a group below {}", knob.value, knob.file, plan.parent),
          written.error().value);
    }
  }
  return {};
}

}  // namespace

std::optional<Layer> FindLayer(std::string_view name) {
  for (const LayerName& entry : kLayers)
    if (entry.name == name) return entry.layer;
  return std::nullopt;
}

std::string_view ToString(Layer layer) {
  return std::ranges::find(kLayers, layer, &LayerName::layer)->name;
}

base::Result<LimitPlan> PlanLimits(const policy::Limits& limits,
                                   const std::vector<os::CgroupPlace>& places,
                                   const std::set<Layer>& without,
                                   const std::set<std::string>& devices) {
  return Planner(limits, places, without, devices).Plan();
}

base::Result<std::vector<std::string>> CollectGroups() {
  auto removed = os::RemoveAllStaleCgroups();
  if (!removed) return base::SystemError("find control groups", removed.error().value);
  return *std::move(removed);
}

base::Result<Groups> Groups::Make(const std::vector<Group>& plan) {
  Groups groups;
  for (const Group& one : plan) {
    if (const auto removed = os::RemoveStaleCgroups(one.parent); !removed)
      return base::SystemError("look for groups below " + one.parent, removed.error().value);
    if (const auto enabled = os::EnableControllers(one.parent, one.enable); !enabled)
      return base::SystemError("enable controllers of " + one.parent, enabled.error().value);
    // A supervisor makes one sandbox, so its own number names it.
    auto made = os::Cgroup::Make(one.parent, fmt::format("bailey-{}-0", ::getpid()));
    if (!made) return base::SystemError("make group below " + one.parent, made.error().value);
    groups.made_.push_back({one.version, one.has_memory, *std::move(made)});
    if (const auto filled = Fill(groups.made_.back().group, one); !filled) return filled.error();
  }
  return groups;
}

base::Status Groups::Add(pid_t process) const {
  for (const Made& made : made_)
    if (const auto added = made.group.Add(process); !added)
      return base::SystemError("move the sandbox into its control group", added.error().value);
  return {};
}

bool Groups::HadMemoryKill() const {
  return std::ranges::any_of(made_, [](const Made& made) {
    if (!made.has_memory) return false;
    const char* const file = made.version == 1 ? "memory.oom_control" : "memory.events";
    return made.group.Read(file, "oom_kill").value_or(0) > 0;
  });
}

}  // namespace bailey::sandbox
