// How something is confined, whoever did it: read from a running process, from a command line of
// bubblewrap, from an OCI configuration, from a policy of ours. The finders look at this value
// only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "review/record.h"

namespace bailey::review {

enum class Namespace : std::uint8_t { kUser, kMount, kPid, kNetwork, kIpc, kUts, kCgroup, kTime };
inline constexpr std::size_t kNamespaces = 8;

// What is not said by the source of the facts is unknown, and no finder takes that for a yes or no.
enum class Known : std::uint8_t { kNo, kYes, kUnknown };

struct Mount {
  std::string from;  // on the host; empty for a file system of its own
  std::string to;    // inside
  std::string type;  // "bind", "proc", "tmpfs", "devtmpfs", ...; "mask": hides what is below;
                     // "device": one node
  bool writable = false;
  bool nosuid = false, nodev = false, noexec = false;
  bool recursive = true;  // what is mounted below `from` on the host comes along
  Place place;            // the argument or line that asks for it
};

struct Descriptor {
  int number = 0;
  std::string target;  // "/var/run/docker.sock", "socket:[12]", "directory /root"
  bool writable = false;
};

struct Confinement {
  std::array<Known, kNamespaces> own_namespace{};  // of its own, not the host's
  Known no_new_privs = Known::kUnknown;
  Known landlock = Known::kUnknown;
  Known seccomp = Known::kUnknown;
  Known new_session = Known::kUnknown;        // no controlling terminal of the caller's
  Known runs_as_root = Known::kUnknown;       // id 0 of the host
  std::optional<std::uint64_t> capabilities;  // that it holds or can gain; bit n is capability n
  std::vector<Mount> mounts;
  std::vector<Descriptor> descriptors;
  std::vector<std::string> environment;  // names only: values may be secrets
  std::string directory;                 // that it starts in, as it is asked for
  Place place;                           // where what is missing should have been said

  // Where the single parts are said; without a file: at `place`.
  Place capabilities_place, user_place, no_new_privs_place, seccomp_place, environment_place,
      directory_place;

  // What only some subjects say.
  Known inherits_environment = Known::kUnknown;  // every variable of whoever starts it
  Known new_user_namespaces = Known::kUnknown;   // may make more of them, as far as no filter says
  Known shared_propagation = Known::kUnknown;    // mounts made inside appear outside
  Known any_device = Known::kUnknown;            // every device node that it can make opens
  Known security_module = Known::kUnknown;       // an AppArmor or SELinux profile
  Known memory_limit = Known::kUnknown;
  Known process_limit = Known::kUnknown;
  // Which host paths of WaysOut() (review/ways_out.h) were found inside; none: nobody looked.
  std::optional<std::vector<std::string>> present;
  // What could not be read and why, a sentence each: the trial says it, and rules on the rest.
  std::vector<std::string> not_read;
  // Where a live probe can go in. At most one of them is set.
  std::optional<int> process;
  std::vector<std::string> bubblewrap;
};

}  // namespace bailey::review
