// The sandbox's root as a list of steps, decided before anything is mounted.
//
//   auto root = sandbox::PlanRoot(policy.filesystem, policy.limits, identity);
//   for (const Step& step : root->steps) std::puts(ToString(step).c_str());
//       tmpfs / size=1MiB
//       directory /usr
//       bind /usr read-only
//       symlink /bin -> usr/bin
//
// Steps are in the order in which they must be done: parents before children, masks last. A path of
// the policy that is reached through symlinks is bound where it really is, and each symlink on the
// way is made again, so that programs find it under both names.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "policy/policy.h"

namespace bailey::sandbox {

struct MakeDirectory {
  std::string path;
  bool operator==(const MakeDirectory&) const = default;
};

// An empty file for something to be mounted on.
struct MakeFile {
  std::string path;
  bool operator==(const MakeFile&) const = default;
};

struct MakeSymlink {
  std::string path, text;
  bool operator==(const MakeSymlink&) const = default;
};

struct BindMount {
  std::string source, target;
  bool write = false;
  bool directory = true;
  bool device = false;  // a character device: reads, writes and ioctls pass
  bool socket = false;
  std::string kept;          // a directory for what is changed; empty: the source itself is changed
  bool map_owner = false;    // id-mapped: the source's owner is the payload (privileged callers)
  bool may_stay = false;     // as it is, where its file system cannot be id-mapped
  std::uint64_t st_dev = 0;  // what the source was when the plan was made; checked when bound
  std::uint64_t st_ino = 0;
  std::uint32_t owner = 0, group = 0;
  bool operator==(const BindMount&) const = default;
};

struct TmpfsMount {
  std::string target;
  std::uint64_t size = 0;  // bytes
  std::uint64_t inodes = 0;
  std::string mode = "0755";
  bool seal = false;  // made read-only when the root is complete
  bool operator==(const TmpfsMount&) const = default;
};

struct ProcMount {
  std::string target;
  bool operator==(const ProcMount&) const = default;
};

struct DevptsMount {
  std::string target;
  bool operator==(const DevptsMount&) const = default;
};

// A directory of a bind mounted on itself: it cannot be renamed or removed.
struct Pin {
  std::string target;
  bool make = false;  // where it is missing: in an overlay, whose names are nobody else's
  bool operator==(const Pin&) const = default;
};

// Directories of the host laid over each other, `lower` from the topmost down. What is changed goes
// to `upper`, never to those below it; the kernel wants `work`, empty and on the same file system,
// beside it. Without `upper` nothing can be changed. No directory may lie within another.
struct OverlayMount {
  std::vector<std::string> lower;
  std::string upper, work;
  std::string target;
  bool in_memory = false;  // upper and work are made for this sandbox, and gone with it
  bool operator==(const OverlayMount&) const = default;
};

// Covers something that a bind shows with an empty, unreadable file or directory; or with a file of
// this text, to be read.
struct Mask {
  std::string target;
  bool directory = false;
  bool make = false;  // as of Pin
  std::string text = {};
  bool operator==(const Mask&) const = default;
};

using Step = std::variant<MakeDirectory, MakeFile, MakeSymlink, BindMount, TmpfsMount, ProcMount,
                          DevptsMount, Pin, OverlayMount, Mask>;
std::string ToString(const Step& step);
// Where the step takes effect inside the sandbox.
const std::string& Target(const Step& step);

// A name of the host that is hidden inside: made where it does not exist (stubs.h), and held.
struct Stub {
  std::string path;
  bool directory = false;
  auto operator<=>(const Stub&) const = default;
};

struct RootPlan {
  std::vector<Step> steps;
  std::vector<Stub> stubs;         // parents before what is in them
  std::vector<std::string> notes;  // what a person should know: patterns that matched nothing...
  bool operator==(const RootPlan&) const = default;
};

struct RootOptions {
  bool privileged = false;  // sources are cloned with privilege, and may be id-mapped
  std::uint64_t tmpfs_size = 64ull << 20;
  std::string kept = {};  // where changes of writable directories are kept; empty: made for good
  std::string resolver_file = {};  // what /etc/resolv.conf is to be; empty: the host's
};

// Looks at the host's files (lstat, readlink), changes nothing.
base::Result<RootPlan> PlanRoot(const policy::Filesystem& filesystem, const RootOptions& options);

}  // namespace bailey::sandbox
