// The child that becomes the program: everything between fork and execution, in order.
#pragma once

#include "guest/command.h"
#include "guest/trees.h"

namespace bailey::guest {

struct ChildPlan {
  std::size_t stage = 0;
  // What fails is said there, and that it waits: a pipe, or a socket, where the command comes from.
  int report = -1;
  int streams[3] = {-1, -1, -1};
  // With them it needs nothing more than its words: it waits when all else is done, for a byte of
  // its standard input. Otherwise before anything that depends on the command, which comes with its
  // trees.
  const Trees* trees = nullptr;
};

// What the group of a stage's program is, and its files.
class Path PathOfGroup(std::size_t stage, std::string_view file);
int WriteText(const char* path, std::string_view text);

// `command` is in memory that both share.
[[noreturn]] void RunChild(const Command& command, const ChildPlan& plan);

}  // namespace bailey::guest
