#include "scope/enter.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "os/cgroup.h"
#include "os/file.h"
#include "scope/manager.h"

namespace bailey::scope {
namespace {

constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::milliseconds kPause{5};
constexpr char kLeaf[] = "supervisor";

using Places = std::vector<os::CgroupPlace>;

base::Error Cannot(std::string_view what, os::Errno error) {
  return base::SystemError(fmt::format("enter a scope: {}", what), error.value);
}

// Where this process is once systemd has moved it: in every hierarchy that systemd uses.
base::Result<Places> WaitFor(const std::string& scope) {
  const auto is_there = [&](const os::CgroupPlace& place) {
    return place.path.ends_with("/" + scope);
  };
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    auto places = os::OwnCgroups();
    if (!places) return Cannot("find the control groups", places.error());
    if (std::ranges::any_of(*places, is_there)) {
      std::erase_if(*places, [&](const auto& place) { return !is_there(place); });
      return *std::move(places);
    }
    if (std::chrono::steady_clock::now() > end)
      return base::Unsupported(
          fmt::format("enter a scope: {} has no process of ours after 5 s", scope));
    std::this_thread::sleep_for(kPause);
  }
}

// In version 2 a group with processes of its own cannot hand controllers to groups below it (the
// "no internal processes" rule): this process moves down, and then the scope hands on what it has.
base::Status MakeRoom(const os::CgroupPlace& place) {
  if (place.version == 1) return {};
  const std::string leaf = place.path + "/" + kLeaf;
  if (const auto made = os::MakeDirectory(AT_FDCWD, leaf.c_str(), 0755); !made)
    return Cannot("make a group", made.error());
  const std::string processes = leaf + "/cgroup.procs";
  if (const auto moved = os::WriteFile(AT_FDCWD, processes.c_str(), fmt::format("{}", ::getpid()));
      !moved)
    return Cannot("move into a group", moved.error());
  for (const std::string& controller : place.controllers) {
    // One that cannot be handed on is missed where it is asked for.
    (void)os::EnableControllers(place.path, "+" + controller);
  }
  return {};
}

}  // namespace

base::Status EnterScope() {
  const std::string name = fmt::format("bailey-{}.scope", ::getpid());
  if (auto started = StartScope(name, ::getpid()); !started) return started;
  const auto places = WaitFor(name);
  if (!places) return places.error();
  for (const os::CgroupPlace& place : *places)
    if (auto made = MakeRoom(place); !made) return made;
  return {};
}

}  // namespace bailey::scope
