// This user's images: $XDG_DATA_HOME/bailey/images, ~/.local/share/bailey/images, or
// /var/lib/bailey/images for root, nobody else's to look into (mode 0700).
//
//   NAME/root.squashfs   the file system; or root.erofs
//   NAME/sha256          its hash, which is checked before each use
//
// An image appears under its name whole or not at all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bailey::image {

// Lower-case letters, digits and dashes, the first of them no dash, at most 63: the only names that
// ever become part of a path. `what`: "image" or "id", for the error.
base::Status CheckName(std::string_view what, std::string_view name);

enum class Format : std::uint8_t { kSquashfs, kErofs };

struct Image {
  Format format = Format::kSquashfs;
  std::string name, hash;
  std::uint64_t bytes = 0;
  base::UniqueFd file;  // to be read; only of OpenImage
};

base::Result<std::vector<Image>> ListImages();
// As it was recorded: its bytes are not looked at. kInvalidInput when there is none.
base::Result<Image> FindImage(const std::string& name);
// kInvalidInput when there is none; kViolation when it is not what was built.
base::Result<Image> OpenImage(const std::string& name);
base::Status RemoveImage(const std::string& name);

// An image on its way into the store; one that is not finished is gone again.
class NewImage {
 public:
  static base::Result<NewImage> Begin(const std::string& name, Format format = Format::kSquashfs);
  NewImage(NewImage&&) = default;
  NewImage& operator=(NewImage&&) = delete;
  ~NewImage();
  // Where its file system is to be written to.
  std::string Path() const;
  Format GetFormat() const { return format_; }
  // A file without a name, where the image is going to be.
  base::Result<base::UniqueFd> Scratch() const;
  // Where it is going to be, and what its file system is called there.
  int Directory() const { return directory_.Get(); }
  const char* FileName() const;
  // An empty directory there, gone with what it holds when the draft is, or when it is dropped.
  base::Status MakeScratch(const char* name) const;
  base::Status DropScratch(const char* name) const;
  // Takes the place of another of this name.
  base::Result<Image> Finish();

 private:
  NewImage() = default;
  base::UniqueFd place_, directory_;
  std::string name_, draft_;
  Format format_ = Format::kSquashfs;
};

}  // namespace bailey::image
