// The mounts of a process, from the text of its mountinfo beside that of the host.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "review/confinement.h"

namespace bailey::review {

// One line of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
struct MountRecord {
  int id = 0;
  std::string device;  // "254:0"
  std::string root;    // of the mount, within its file system
  std::string point;
  std::string options, type, superblock_options;
  int line = 0;
};
std::vector<MountRecord> ParseMountRecords(std::string_view text);

// Each mount with where its files are on the host, as far as the host mounts the same file system:
// without, it is a file system of the process's own.
std::vector<Mount> MountsOf(const std::vector<MountRecord>& own,
                            const std::vector<MountRecord>& host, const std::string& file);

}  // namespace bailey::review
