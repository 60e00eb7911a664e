// What Firecracker is started in: its own jailer, which takes whatever it is told for trusted, so
// that everything is checked here; a user of the machine's own; and a file system in memory with
// all that the machine reads and writes, which is nowhere else and goes with it.
//
//   /                     as the first process of the jail sees it: this host's
//   /tmp                  the file system, for the jailer to make a root of:
//   /tmp/EXECUTABLE/ID/root/{vmlinux,initramfs,drive0...,log,metrics,api,line}
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "microvm/firecracker_request.h"
#include "microvm/qemu.h"

namespace bailey::microvm {

inline constexpr const char* kFirecracker = "firecracker";
inline constexpr const char* kJailer = "jailer";
inline constexpr const char* kJailBase = "/tmp";
inline constexpr const char* kApiSocket = "api";
inline constexpr const char* kLineSocket = "line";

struct FirecrackerHost {
  std::string firecracker, jailer;  // without symlinks in them
  bool operator==(const FirecrackerHost&) const = default;
};
// `directory`: where both lie; empty for /usr/local/bin and /usr/bin. kUnsupported, with the plain
// reason, where this host cannot run Firecracker: the caller is not root, KVM cannot be used, one
// of them is not installed, or somebody else could have changed it.
base::Result<FirecrackerHost> FindFirecracker(const std::string& directory);
// The last of these alone.
base::Status CheckTrusted(const std::string& path);

struct JailPlan {
  FirecrackerHost host;
  std::string id;
  std::uint32_t user = 0;        // and group
  std::uint64_t most_bytes = 0;  // of a file that it writes
  bool operator==(const JailPlan&) const = default;
};
std::vector<std::string> JailerArguments(const JailPlan& plan);

// A user and group that no other machine of this host has, while this object lives.
class JailUser {
 public:
  static base::Result<JailUser> Claim();
  std::uint32_t Id() const { return id_; }

 private:
  std::uint32_t id_ = 0;
  base::UniqueFd lock_;
};

// The machine as Firecracker is told of it, with the names that its files have in the jail; only
// how its drives' serial numbers read is not known yet. `drives`: in their order.
FirecrackerPlan PlanFirecracker(std::uint64_t memory_mib, const std::vector<Drive>& drives,
                                bool network);

struct JailContents {
  std::uint64_t memory_mib = 0;
  int kernel = -1, initramfs = -1;  // copied from their beginnings
  // Copied likewise, but one that is written is empty, and as long as the memory.
  std::vector<Drive> drives;
  int network = -1;  // the namespace with its TAP (guest_network.h); -1: one of its own, with none
};

// The file system, which no mount namespace has yet.
class Jail {
 public:
  static base::Result<Jail> Make(const JailPlan& plan, const JailContents& contents);
  // With what is in it said as Firecracker needs it. kUnsupported where drives cannot be told
  // apart.
  const FirecrackerPlan& Machine() const { return machine_; }
  int Mount() const { return mount_.Get(); }
  int Root() const { return root_.Get(); }
  // The drive that is written, to be read when the machine has ended; not open where there is none.
  base::UniqueFd TakeWritten() { return std::move(written_); }
  // At most so many bytes of what it has said in its log.
  std::string ReadLog(std::size_t most) const;

 private:
  Jail() = default;
  base::Status Fill(const JailPlan& plan, const JailContents& contents);
  base::Result<base::UniqueFd> Put(const char* name, int from, std::uint32_t user);
  base::Status PutDrives(const JailPlan& plan, const JailContents& contents);

  base::UniqueFd mount_, root_, log_, metrics_, written_;
  FirecrackerPlan machine_;
};

}  // namespace bailey::microvm
