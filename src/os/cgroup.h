// Control groups, version 1 and 2 (cgroups(7)): where this process is, and groups made below that.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

// This process's place in one hierarchy.
struct CgroupPlace {
  int version = 0;                       // 1 or 2
  std::vector<std::string> controllers;  // "memory"; of version 2: those that the place has
  std::string mount;                     // "/sys/fs/cgroup/memory"
  std::string path;                      // of the place, below `mount` included
  bool operator==(const CgroupPlace&) const = default;
};

// From the texts of /proc/self/cgroup and /proc/self/mountinfo. Hierarchies that are not mounted
// where this process sees them are left out. Of version 2 the controllers are not known from them.
std::vector<CgroupPlace> ParseCgroups(std::string_view cgroup, std::string_view mountinfo);
// This process's. Allocates.
SysResult<std::vector<CgroupPlace>> OwnCgroups();
// Whether this process may make groups in a directory and move processes into them. What cannot be
// found out is an error, never a no.
SysResult<bool> CanMakeGroups(const std::string& directory);
// The words of a file of a group: cgroup.subtree_control. None where there is no such file.
SysResult<std::vector<std::string>> CgroupWords(const std::string& directory, const char* file);

// Lets groups below `directory` have these ("+memory +cpu"); nothing to do for an empty text.
SysStatus EnableControllers(const std::string& directory, std::string_view controllers);

// A group of our own. Gone with its owner, whatever is still in it killed.
class Cgroup {
 public:
  // Below `parent`; EEXIST when there is one of this name.
  static SysResult<Cgroup> Make(const std::string& parent, const std::string& name);
  Cgroup(Cgroup&& other) noexcept;
  Cgroup& operator=(Cgroup&&) = delete;
  ~Cgroup();

  SysStatus Write(const char* file, std::string_view value) const;
  SysStatus Add(pid_t process) const;
  // The number after `key` in a file of "key number" lines; the file's own number for an empty key.
  SysResult<std::uint64_t> Read(const char* file, std::string_view key) const;

 private:
  Cgroup(std::string path, base::UniqueFd directory)
      : path_(std::move(path)), directory_(std::move(directory)) {}
  std::string path_;
  base::UniqueFd directory_;
};

// Removes the groups "bailey-PID-..." right below `parent` whose maker is gone and that are empty:
// what a killed supervisor leaves. Waits for nobody. Returns their paths.
SysResult<std::vector<std::string>> RemoveStaleCgroups(const std::string& parent);
// The same everywhere in the hierarchies that this process sees. Where somebody is still in one, as
// processes are that were killed a moment ago, it is waited for: a second, for all of them.
SysResult<std::vector<std::string>> RemoveAllStaleCgroups();

}  // namespace bailey::os
