#include "sandbox/id_map.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "os/file.h"
#include "os/mount.h"

namespace bailey::sandbox {
namespace {

// (uid_t)-1 means "no id" to the kernel.
constexpr std::uint32_t kIdsEnd = 0xffffffff;

using Owner = std::pair<std::uint32_t, std::uint32_t>;

base::Error CannotMap(const BindMount& bind, int number) {
  base::Error error = base::SystemError(fmt::format("map the owner of {}", bind.source), number);
  if (number == EINVAL) error.text += " (its file system does not support id-mapped mounts)";
  return error;
}

// The owner of a source and the payload's id take each other's place. In a tree that is the
// launcher's own, so that every id of the caller's has one there: an overlay makes files of its own
// as whoever has mounted it.
std::vector<os::IdRange> SwapMap(std::uint32_t owner, std::uint32_t payload) {
  std::vector<os::IdRange> map = OwnerMap(owner, payload);
  if (owner != payload) map.push_back({payload, owner, 1});
  return map;
}

base::Result<base::UniqueFd> KeepChanges(const Identity& identity, const BindMount& bind,
                                         int lower) {
  const auto cannot = [&bind](os::Errno error) {
    base::Error said =
        base::SystemError(fmt::format("keep changes of {}", bind.source), error.value);
    // fs/namespace.c, clone_private_mount: a layer had to be attached before Linux 6.15.
    if (error.value == EINVAL) said.text += " (as root this needs Linux 6.15)";
    return said;
  };
  const auto tree = os::CloneTree(AT_FDCWD, bind.kept.c_str());
  if (!tree) return cannot(tree.error());
  const auto map = os::MakeUserNamespace(SwapMap(bind.owner, identity.outside_uid),
                                         SwapMap(bind.group, identity.outside_gid));
  if (!map) return cannot(map.error());
  if (const auto set = os::SetIdMap(tree->Get(), map->Get(), true); !set)
    return cannot(set.error());
  auto overlay = OverlaySource(lower, tree->Get(), false);
  if (!overlay) return cannot(overlay.error());
  return *std::move(overlay);
}

}  // namespace

std::vector<os::IdRange> OwnerMap(std::uint32_t owner, std::uint32_t payload) {
  if (owner == payload) return {{0, 0, kIdsEnd}};
  const auto [low, high] = std::minmax(owner, payload);
  std::vector<os::IdRange> map;
  const auto keep = [&map](std::uint32_t first, std::uint32_t end) {
    if (first < end) map.push_back({first, first, end - first});
  };
  keep(0, low);
  keep(low + 1, high);
  keep(high + 1, kIdsEnd);
  map.push_back({owner, payload, 1});
  return map;
}

base::Status ClonePrivileged(const Plan& plan, std::vector<base::UniqueFd>& sources) {
  std::map<Owner, base::UniqueFd> namespaces;
  for (std::size_t i = 0; i < plan.root.steps.size(); ++i) {
    const auto* bind = std::get_if<BindMount>(&plan.root.steps[i]);
    if (!bind) continue;
    auto tree = CloneSource(*bind);
    if (!tree) {
      base::Error error = base::SystemError("build root: " + ToString(*bind), tree.error().value);
      // Root may mount; that it may not here is the host's setting.
      if (tree.error().value == EPERM) error.text += "; `bailey doctor` says what this host allows";
      return error;
    }
    if (bind->map_owner) {
      base::UniqueFd& name_space = namespaces[{bind->owner, bind->group}];
      if (!name_space.IsOpen()) {
        auto made = os::MakeUserNamespace(OwnerMap(bind->owner, plan.identity.outside_uid),
                                          OwnerMap(bind->group, plan.identity.outside_gid));
        if (!made) return CannotMap(*bind, made.error().value);
        name_space = std::move(*made);
      }
      const auto set = os::SetIdMap(tree->Get(), name_space.Get(), true);
      if (!set && !(bind->may_stay && set.error().value == EINVAL))
        return CannotMap(*bind, set.error().value);
    }
    if (!bind->kept.empty()) {
      auto kept = KeepChanges(plan.identity, *bind, tree->Get());
      if (!kept) return kept.error();
      sources[i] = std::move(*kept);
      continue;
    }
    sources[i] = std::move(*tree);
  }
  return {};
}

base::Status GivePipes(const Identity& identity, std::span<const int> descriptors) {
  if (!identity.privileged) return {};
  for (const int fd : descriptors) {
    if (!os::IsAnonymousPipe(fd)) continue;
    if (const auto given = os::ChangeOwner(fd, identity.outside_uid); !given)
      return base::SystemError(fmt::format("give descriptor {} to the program", fd),
                               given.error().value);
  }
  return {};
}

}  // namespace bailey::sandbox
