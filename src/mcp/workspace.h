// A directory whose files are read and written for somebody who is not trusted with others.
//
//   auto workspace = Workspace::Open("/home/u/project", rules);
//   auto text = workspace->Read("src/main.c");        // "read src/main.c: <cause>"
//
// Paths are relative to it, or absolute and below it. Every one is looked up by the kernel within
// the directory (openat2): neither ".." nor a symlink leads out. What a policy hides is not there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bailey::mcp {

struct WorkspaceRules {
  std::vector<std::string> hide;   // absolute paths, or patterns with *, ** and ?
  std::vector<std::string> write;  // absolute: what may be changed
};

struct Entry {
  std::string name;
  std::string kind;  // "file", "directory", "link", "other"
  std::uint64_t size = 0;
};

class Workspace {
 public:
  static constexpr std::size_t kMostBytes = 4 << 20;  // of a file

  static base::Result<Workspace> Open(const std::string& directory, WorkspaceRules rules);

  base::Result<std::string> Read(const std::string& path) const;
  // The whole file, made where it is missing, replaced at once where it is there.
  base::Status Write(const std::string& path, std::string_view text) const;
  // `old_text` must stand in it once, or as often as it likes with `all`; how often.
  base::Result<std::size_t> Edit(const std::string& path, std::string_view old_text,
                                 std::string_view new_text, bool all) const;
  base::Result<std::vector<Entry>> List(const std::string& path) const;

  const std::string& Directory() const { return directory_; }

 private:
  Workspace(std::string directory, base::UniqueFd descriptor, WorkspaceRules rules)
      : directory_(std::move(directory)),
        descriptor_(std::move(descriptor)),
        rules_(std::move(rules)) {}
  base::Result<base::UniqueFd> OpenAt(const std::string& path, const std::string& verb,
                                      int flags) const;
  std::string Relative(const std::string& path) const;
  bool IsHidden(std::string_view path) const;

  std::string directory_;
  base::UniqueFd descriptor_;
  WorkspaceRules rules_;
};

// Whether a path, or a directory above it, is one of these or matches one.
bool IsHiddenBy(const std::vector<std::string>& hide, std::string_view path);

}  // namespace bailey::mcp
