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
  std::string type;  // "bind", "proc", "tmpfs", "devtmpfs", ...
  bool writable = false;
  bool nosuid = false, nodev = false, noexec = false;
  Place place;  // the argument or line that asks for it
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
  Place place;                           // where what is missing should have been said
};

}  // namespace bailey::review
