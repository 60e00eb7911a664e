// What a sandbox has changed in directories whose changes were kept aside (kept.h): listed,
// applied, thrown away.
//
//   auto kept = sandbox::OpenKept("192f-77");
//   auto changes = sandbox::ListChanges(*kept);
//   if (const auto done = sandbox::ApplyChanges(*kept, *changes); !done) return done.error();
//   sandbox::DropKept(std::move(*kept));
//
// The upper layer was written by the program, and what it is applied to may change meanwhile: every
// name is looked up below an open directory, and no symlink is followed (openat2).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bailey::sandbox {

struct Change {
  enum class Kind : std::uint8_t { kAdded, kChanged, kDeleted };
  enum class Type : std::uint8_t { kFile, kDirectory, kSymlink, kOther };
  Kind kind = Kind::kAdded;
  Type type = Type::kFile;  // of what is there afterwards; for kDeleted, of what was
  std::size_t layer = 0;
  std::string path;  // below the layer's source
  // Somebody has changed what lies below since the sandbox started.
  bool conflict = false;
  bool operator==(const Change&) const = default;
};

struct KeptLayer {
  std::string source;             // the directory that was covered
  std::string upper;              // where its changes are
  std::int64_t since = 0;         // nanoseconds since 1970
  std::vector<std::string> held;  // names that are no changes while they are empty
  base::UniqueFd lower_fd, upper_fd;
};

struct KeptChanges {
  std::string path;
  std::vector<KeptLayer> layers;
  base::UniqueFd lock;
};

// The names of all that is kept, oldest first.
base::Result<std::vector<std::string>> ListKept();
// kInvalidInput when there is none of this name, or its sandbox still runs.
base::Result<KeptChanges> OpenKept(const std::string& name);
// Parents before what is in them. What the program wrote back as it was is not listed.
base::Result<std::vector<Change>> ListChanges(const KeptChanges& kept);
// Stops at the first that cannot be applied; those before it are. Conflicts are not looked at.
base::Status ApplyChanges(const KeptChanges& kept, const std::vector<Change>& changes);
base::Status DropKept(KeptChanges kept);

}  // namespace bailey::sandbox
