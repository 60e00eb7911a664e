// Paths of the host as they really are: every symlink on the way found and remembered.
#pragma once

#include <sys/stat.h>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bailey::sandbox {

struct HostPath {
  std::string real;                          // absolute, no symlink in it
  std::map<std::string, std::string> links;  // absolute path of a symlink (its parent real) -> text
  struct stat status = {};                   // of `real`
};

// What was looked at is remembered: a policy's paths share their parents.
class HostPaths {
 public:
  // Walks `path` (absolute) component by component. Errors are "show <path>: <cause>".
  base::Result<HostPath> Resolve(std::string_view path);
  // All in which a name was looked up.
  std::set<std::string> Directories() const;

 private:
  struct Entry {
    int error = 0;  // errno
    struct stat status = {};
    std::string link;  // the text of a symlink
  };
  const Entry& Look(const std::string& path);

  std::map<std::string, Entry, std::less<>> entries_;
};

// "/a/b" is within "/a" and "/"; "/ab" is not within "/a". A path is within itself.
bool IsWithin(std::string_view path, std::string_view ancestor);
std::string_view Parent(std::string_view path);
std::string Join(std::string_view directory, std::string_view name);

}  // namespace bailey::sandbox
