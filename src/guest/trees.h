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

// All that a command's trees are made of lies below its stage: several commands can be prepared
// for.
inline constexpr std::size_t kStages = 3;

// Every command's first mount, the drive "root" with an overlay above it, before there is a
// command.
int MakeRootTree(std::size_t stage);
// Mounts the other drives, and overlays above those that may change, as tree N. 0, or an errno;
// `failed` is the mount's number then.
int MakeTrees(const Command& command, std::size_t stage, Trees& trees, std::size_t& failed);
// The reverse of both. The root's drive stays mounted: what was read of it need not be read again.
int UnmakeTrees(const Command& command, std::size_t stage, Trees& trees);
// In the program's mount namespace: makes the first tree the root, with its own /dev and /proc.
int EnterRoot(std::size_t stage);
// After it: the others in their places, and all of it read-only that is not to change. 0, or an
// errno.
int EnterTrees(const Command& command, const Trees& trees, std::size_t& failed);
// Where the first tree of a stage is, while there is one.
void PathOfRootTree(std::size_t stage, class Path& path);
// Where the changes of mount N are.
void PathOfChanges(std::size_t stage, std::size_t number, class Path& path);

}  // namespace bailey::guest
