// A sandbox whose walls its caller chooses one by one: whatever is not chosen is shared with the
// caller. Behind it is no policy; one may be laid on top (Restrictions).
//
//   ChosenPlan plan{.program = "ls", .argv = {"ls"}};
//   plan.namespaces = os::kMountNamespace | os::kPidNamespace;
//   plan.root = {{ShowPath{.source = "/", .target = "/"}}};
//   const auto outcome = RunChosen(plan, {});
//
// The root is laid out step by step in a tree that is empty at first. A step makes what it needs to
// stand on, each time looked up inside the new root: a symlink in it leads nowhere else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "os/process.h"
#include "sandbox/plan.h"

namespace bailey::sandbox {

// A path of the host with everything mounted below it.
struct ShowPath {
  std::string source, target;
  bool write = false;
  bool devices = false;  // device nodes below it can be opened
  bool directory = true;
  // st_dev and st_ino of what is to be shown, where a descriptor said it.
  std::optional<std::pair<std::uint64_t, std::uint64_t>> must_be;
  bool operator==(const ShowPath&) const = default;
};
// What a descriptor has to be read, as a file that is mounted.
struct ShowData {
  int descriptor = -1;
  std::string target;
  unsigned mode = 0600;
  bool write = false;
  bool operator==(const ShowData&) const = default;
};
// The same as a file that is simply there.
struct CopyFile {
  int descriptor = -1;
  std::string target;
  unsigned mode = 0666;
  bool operator==(const CopyFile&) const = default;
};
struct HaveDirectory {
  std::string target;
  unsigned mode = 0755;  // where it is new
  bool operator==(const HaveDirectory&) const = default;
};
// One that is there already with the same text is as good.
struct HaveSymlink {
  std::string target, text;
  bool operator==(const HaveSymlink&) const = default;
};
struct FreshTmpfs {
  std::string target;
  std::string mode = "0755";
  std::string size;  // bytes; empty: the kernel's own bound
  bool operator==(const FreshTmpfs&) const = default;
};
// Of the sandbox's pid namespace; of the caller's where that is shared.
struct ShowProc {
  std::string target;
  bool operator==(const ShowProc&) const = default;
};
// A tmpfs with the six harmless devices, terminals of its own, and links to /proc.
struct FreshDevices {
  std::string target;
  std::string console;  // a terminal of the host, shown as "console"; empty: none
  bool operator==(const FreshDevices&) const = default;
};
struct FreshQueues {  // POSIX message queues
  std::string target;
  bool operator==(const FreshQueues&) const = default;
};
// The mount at this place alone becomes read-only.
struct MakeReadOnly {
  std::string target;
  bool operator==(const MakeReadOnly&) const = default;
};
struct SetMode {
  std::string target;
  unsigned mode = 0;
  bool operator==(const SetMode&) const = default;
};

using Layout =
    std::variant<ShowPath, ShowData, CopyFile, HaveDirectory, HaveSymlink, FreshTmpfs, ShowProc,
                 FreshDevices, FreshQueues, MakeReadOnly, SetMode, OverlayMount>;
struct ChosenStep {
  Layout layout;
  unsigned parent_mode = 0755;  // of directories that have to be made above the target
  bool operator==(const ChosenStep&) const = default;
};
std::string ToString(const ChosenStep& step);
const std::string& Target(const ChosenStep& step);

// A policy's layers, on top.
struct Restrictions {
  LandlockPlan landlock;
  LimitPlan limits;
  std::optional<std::chrono::milliseconds> wall;
  bool operator==(const Restrictions&) const = default;
};

// Descriptors of the caller's; -1: none.
struct ChosenDescriptors {
  int sync = -1;               // held open as long as the sandbox lives
  int block = -1;              // the program waits until there is something to read
  int user_block = -1;         // the same, before ids are used; somebody else maps them
  int info = -1, status = -1;  // JSON is written to them
  int filter = -1;             // a seccomp filter, read when the program is about to start
  int user_namespace = -1, second_user_namespace = -1, pid_namespace = -1;
  std::vector<int> used;  // all that the steps read from: the program does not get them
  bool operator==(const ChosenDescriptors&) const = default;
};

struct ChosenIdentity {
  std::uint32_t uid = 0, gid = 0;  // of the caller
  std::uint32_t inside_uid = 0, inside_gid = 0;
  // Meanwhile ids are mapped to 0, as terminals need; a second user namespace maps them back.
  bool root_first = false;
  bool forbid_user_namespaces = false;  // no further ones can be made inside
  bool check_forbidden = false;         // and that is tried
  bool operator==(const ChosenIdentity&) const = default;
};

struct ChosenPlan {
  std::string program;  // looked for as execvp(3) does
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // "NAME=value", without PWD
  std::optional<std::string> workdir;    // must be there
  std::vector<std::string> workdirs;     // else the first of these that is
  std::optional<std::string> hostname;
  std::uint32_t namespaces = 0;  // os::Namespace bits of the new ones
  ChosenIdentity identity;
  std::vector<ChosenStep> root;
  ChosenDescriptors descriptors;
  std::vector<std::vector<std::uint8_t>> filters;  // struct sock_filter records, oldest first
  std::vector<std::string> lock_files;             // inside
  std::uint64_t capabilities = 0;
  // Capabilities are set, rather than left to be what they are.
  bool set_capabilities = true;
  bool new_session = false;
  bool die_with_parent = false;
  bool as_pid1 = false;
  std::optional<Restrictions> restrictions;
  bool operator==(const ChosenPlan&) const = default;

  bool HasUserNamespace() const { return namespaces & os::kUserNamespace; }
  bool HasSecondUserNamespace() const;
  // Whether a task of ours stays beside the program, to reap and to hold what is to be held.
  bool HasReaper() const;
};

// Many lines, for people.
std::string ToString(const ChosenPlan& plan);

}  // namespace bailey::sandbox
