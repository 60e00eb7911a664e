// What a confined program sees where: host paths through the mounts that show them.
//
//   for (const Sight& sight : SightsOf(confinement, "/run/docker.sock"))
//     Say(sight.inside, sight.mount->writable);
//
// Mounts cover each other in the order in which they are made: what is mounted later on a directory
// hides what was below it. Symlinks are not followed, but /var/run is taken for /run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "review/confinement.h"

namespace bailey::review {

struct Sight {
  const Mount* mount = nullptr;  // that shows it
  std::string inside;            // the path inside
};

// "/var/run/x" and "/run/x" are one: "/run/x". No "//", "." or trailing slash.
std::string PlainPath(std::string_view path);

// The mount that a path inside lies on; null: none.
const Mount* MountAt(const Confinement& confinement, std::string_view inside);

// Where the host's `path` can be seen; a "*" in it stands for any name, and is what a mount of one
// name has there. Files of /proc and /sys are the kernel's own, whoever
// mounted a file system of that type: such mounts count as binds of /proc and /sys.
std::vector<Sight> SightsOf(const Confinement& confinement, std::string_view path);

// "/home/ann", ...: the home directories that the mounts speak of, or the pattern "/home/*"; and
// "/root" unless it cannot be root's program.
std::vector<std::string> HomesOf(const Confinement& confinement);

// "the writable bind of /run on /run".
std::string ToString(const Mount& mount);

}  // namespace bailey::review
