// The file systems that a command sees, made in this process's own tree, and put into the
// program's in a mount namespace of its own.
#pragma once

#include <array>

#include "guest/command.h"

namespace bailey::guest {

// Where the root's drive is mounted, once in a machine's life.
inline constexpr const char* kRootDrive = "/root";

struct Trees {
  // Detached copies, by mount; the root's is not used.
  std::array<int, Command::kMostMounts> copies;
};

// Every command's first mount, the drive "root" with an overlay above it, before there is a
// command.
int MakeRootTree();
// Mounts the other drives, and overlays above those that may change, at /trees/N; the changes of
// mount N are at /layers/upper-N. 0, or an errno; `failed` is the mount's number then.
int MakeTrees(const Command& command, Trees& trees, std::size_t& failed);
// The reverse of both. The root's drive stays mounted: what was read of it need not be read again.
int UnmakeTrees(const Command& command, Trees& trees);
// In the program's mount namespace: makes the first tree the root, with its own /dev and /proc.
int EnterRoot();
// After it: the others in their places, and all of it read-only that is not to change. 0, or an
// errno.
int EnterTrees(const Command& command, const Trees& trees, std::size_t& failed);
void PathOfTree(std::size_t number, class Path& path);

}  // namespace bailey::guest
