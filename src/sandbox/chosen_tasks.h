// The tasks inside a chosen sandbox. The first is made with the namespaces and lays out the root.
// Where it stays to reap, it starts the one that becomes the program before that, so that what
// needs no root is done beside it; else it becomes the program itself. Nothing in them allocates.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "base/unique_fd.h"
#include "os/memory.h"
#include "sandbox/chosen_launch.h"
#include "sandbox/tasks.h"

namespace bailey::sandbox {

enum class ChosenWord : std::uint32_t {
  kGo,        // monitor to the first task: ids are mapped, information is written; and once more
              // when the policy's filters are made
  kHere,      // the first task to the monitor, where the socket is to say which process that is
  kStarting,  // the program is about to be executed
  kEnded,     // `number`: the program's status as a shell has it
  kFailed,
};

struct ChosenMessage {
  ChosenWord word = ChosenWord::kFailed;
  Part part = Part::kNone;
  std::uint32_t index = 0;
  std::int32_t number = 0;

  std::string_view Bytes() const { return {reinterpret_cast<const char*>(this), sizeof(*this)}; }
};

struct ChosenPrepared {
  explicit ChosenPrepared(const ChosenPlan& from) : plan(&from) {}

  const ChosenPlan* plan;
  std::vector<char*> argv, environment;  // null-terminated
  std::vector<char*> script;             // argv of a shell that runs the program as a script
  std::size_t pwd = 0;                   // the entry of `environment` that says where we are
  std::vector<std::string> pwds;         // one for each of the plan's work directories, and "/"
  std::vector<std::string> candidates;   // of the program
  std::vector<base::UniqueFd> early;     // by step: cloned before the new root covers the source
  os::SharedMemory own_filters, policy_filters;  // FilterSlots, where there are any
  base::UniqueFd proc;                           // /proc of the caller
  base::UniqueFd socket;                         // to the monitor
  base::UniqueFd root;                           // made inside
  base::UniqueFd ruleset;                        // made inside, where Landlock restricts
  std::uint32_t early_namespaces = 0;  // made with the first task; the others by the program's
  bool say_pid = false;                // kHere
  bool wait_for_go = false;
};

[[noreturn]] void RunFirstTask(ChosenPrepared& prepared);
// Ends this task, and says why to the monitor.
[[noreturn]] void Fail(const ChosenPrepared& prepared, Part part, int number,
                       std::uint32_t index = 0);

// Lays out the plan's root beside the old one, at ChosenPrepared::root.
struct LayoutFailure {
  Part part = Part::kNone;
  std::uint32_t index = 0;
};
os::SysStatus LayOutRoot(ChosenPrepared& prepared, LayoutFailure& failure);

}  // namespace bailey::sandbox
