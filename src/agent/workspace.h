// Which files of a directory have changed between two looks at it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace bailey::agent {

class Workspace {
 public:
  // Below `path`, but for the file `except` and what is in a directory called ".git"; of more than
  // `most` files some are left out (IsWhole).
  static base::Result<Workspace> Look(const std::string& path, const std::string& except,
                                      std::size_t most = 200'000);
  bool IsWhole() const { return is_whole_; }

  // "made src/a.c", "changed b", "removed c", in the order of their names.
  static std::vector<std::string> Differences(const Workspace& before, const Workspace& after);

 private:
  struct File {
    std::uint64_t inode = 0, size = 0;
    std::int64_t seconds = 0, nanoseconds = 0;
    std::uint32_t mode = 0;
    bool operator==(const File&) const = default;
  };
  std::map<std::string, File> files_;
  bool is_whole_ = true;
};

}  // namespace bailey::agent
