// File systems for machines: images from what a user has, and what is carried into one machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "image/store.h"

namespace bailey::image {

// The same input gives the same bytes: of a directory names, contents and modes count, and
// everything belongs to root; a tar's owners and times are its own.
base::Result<Image> BuildFromDirectory(const std::string& name, const std::string& directory,
                                       Format format = Format::kSquashfs);
base::Result<Image> BuildFromTar(const std::string& name, const std::string& tar,
                                 Format format = Format::kSquashfs);

// A minimal Debian of this suite ("bookworm"), which mmdebstrap downloads.
base::Result<Image> BuildFromSuite(const std::string& name, const std::string& suite,
                                   Format format = Format::kSquashfs);
// A tar that is open, from where it is, as the image's file system. `what`: begins an error's text.
base::Status PackTar(int tar, const std::string& what, const NewImage& image);

struct Carried {
  std::string path;                   // a directory, or a file
  std::vector<std::string> excluded;  // paths below it
  std::uint32_t uid = 0, gid = 0;     // whom everything belongs to in the machine
};
// A squashfs in memory, not packed: it is read once. To be read only.
base::Result<base::UniqueFd> Carry(const Carried& carried);
// The same, into a file in memory that somebody has open already; how long it is then.
base::Result<std::uint64_t> CarryInto(const Carried& carried, int file);

}  // namespace bailey::image
