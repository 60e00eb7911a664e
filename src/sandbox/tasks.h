// The two tasks inside: PID 1, which builds the namespaces' contents and then only reaps, and the
// payload, which puts every layer on itself and becomes the program. Both run on a copy of the
// supervisor's memory between fork and exec: nothing in them allocates.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "base/unique_fd.h"
#include "bpf/instruction.h"
#include "network/inside.h"
#include "os/errno.h"
#include "os/memory.h"
#include "os/process.h"
#include "sandbox/message.h"
#include "sandbox/plan.h"
#include "sandbox/streams.h"

namespace bailey::sandbox {

struct Failure {
  Stage stage = Stage::kNone;
  std::uint32_t index = 0;
  int error = 0;
};

// Memory that the tasks share with the supervisor: it makes the filters while they make the root.
struct FilterSlot {
  static constexpr std::size_t kMostFilters = 64;
  // kernel/seccomp.c, MAX_INSNS_PER_PATH: of all filters of a task, and translated they are longer.
  static constexpr std::size_t kMostInstructions = 32768;
  std::uint32_t count = 0;
  bool listens = false;  // the supervisor hears of calls that the newest hands to it
  std::array<std::uint32_t, kMostFilters> sizes;                                   // bytes
  std::array<std::uint8_t, kMostInstructions * sizeof(bpf::Instruction)> records;  // in a row
};

// Memory by which a prepared sandbox gets its program: the supervisor writes, and the payload,
// whose copy of the mapping has the same address, executes what the pointers lead to.
struct CommandSlot {
  static constexpr std::size_t kRoom = std::size_t{1} << 20;
  char* const* argv;
  char* const* environment;        // null-terminated
  const char* const* executables;  // null-terminated
  const char* workdir;             // null: where it is
  alignas(8) std::array<char, kRoom> room;
};

// Prepared before the first fork: C strings, room for descriptors, PID 1's own filter.
struct Prepared {
  const Plan* plan = nullptr;
  std::vector<char*> argv, environment;  // null-terminated
  std::vector<const char*> executables;  // null-terminated
  std::vector<base::UniqueFd> sources;   // by root step: cloned trees, when cloned with privilege
  std::vector<std::array<char, 24>> sizes, inodes;  // by root step: tmpfs options as text
  std::vector<std::uint8_t> reaper_filter;
  os::SharedMemory filter_memory;
  base::UniqueFd root;     // made inside: the new one
  base::UniqueFd ruleset;  // made inside, when the plan has Landlock
  FilterSlot& Filter() const { return *static_cast<FilterSlot*>(filter_memory.Address()); }
  // Only of a sandbox that is prepared for a program which is not known yet.
  os::SharedMemory command_memory;
  CommandSlot* Command() const { return static_cast<CommandSlot*>(command_memory.Address()); }

  std::optional<network::InsideSetup> network;  // when the plan has one
  int handoff = -1;                             // to its gateway

  std::optional<Streams> streams;
  base::UniqueFd socket;  // the end that PID 1 and the payload share
};

// PID 1 starts with these and enters the plan's others, which the payload makes meanwhile.
inline constexpr std::uint32_t kRootNamespaces =
    os::kUserNamespace | os::kMountNamespace | os::kPidNamespace;
std::uint32_t PayloadNamespaces(const Plan& plan);

[[noreturn]] void RunPid1(Prepared& prepared);
// In place of PID 1 where there are no namespaces: makes the Landlock rules, starts the payload and
// then only reaps it.
[[noreturn]] void RunKeeper(Prepared& prepared);
// `link`: the payload's end of the socket to PID 1. It says that its namespaces are made, hears
// when the root is entered, says that its user namespace is made, and is answered, when its ids are
// mapped, with the Landlock ruleset. Without namespaces there is no link (-1), and the ruleset is
// made already.
[[noreturn]] void RunPayload(Prepared& prepared, int link);

// Clones the source of a bind and checks that it is what the plan was made for (ESTALE otherwise).
os::SysResult<base::UniqueFd> CloneSource(const BindMount& bind);
// The overlay over what `lower` is (a tree, or the source itself) that keeps a bind's changes below
// `kept`, the directory of its layers.
os::SysResult<base::UniqueFd> OverlaySource(int lower, int kept, bool in_user_namespace);
// Builds the planned root beside the old one, at Prepared::root.
os::SysStatus BuildRoot(Prepared& prepared, Failure& failure);
os::SysStatus EnterRoot(const Prepared& prepared);
// After the last mount: makes what is to be read-only read-only.
os::SysStatus SealRoot(const Prepared& prepared);

}  // namespace bailey::sandbox
