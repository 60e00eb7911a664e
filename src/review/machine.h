// What a configuration of a virtual machine says: Firecracker's JSON (firecracker --config-file),
// with the jailer's and the logger's part of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "review/record.h"

namespace bailey::review {

struct Drive {
  std::string id;
  std::string path;
  bool read_only = false;
  bool is_root = false;
  bool has_rate_limiter = false;
  Place place;
};

struct NetworkInterface {
  std::string id;
  std::string host_device;
  bool has_rate_limiter = false;
  Place place;
};

// A file that the machine writes or listens on: log, metrics, serial, vsock, API socket.
struct MachineFile {
  std::string what;
  std::string path;
  Place place;
};

struct Machine {
  std::string boot_arguments;
  Place boot_place;
  std::vector<Drive> drives;
  std::vector<NetworkInterface> interfaces;
  std::vector<MachineFile> files;
  std::optional<bool> seccomp;  // false: turned off by name
  bool has_metadata_service = false;
  bool metadata_version_2 = false;
  bool smt = false;
  // Where the single parts are said.
  Place place, metadata_place, smt_place;
  // How it is started, where that is known: firecracker's or the jailer's arguments.
  bool has_arguments = false;
  bool is_jailed = false;
  std::optional<std::string> id;
};

}  // namespace bailey::review
