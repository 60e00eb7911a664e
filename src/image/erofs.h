// erofs, which Debian 12's mkfs.erofs(1) makes of a directory alone.
#pragma once

#include <string>

#include "base/result.h"
#include "image/store.h"

namespace bailey::image {

// Everything belongs to root. `what`: begins an error's text.
base::Status PackDirectoryAsErofs(const std::string& directory, const std::string& what,
                                  const std::string& path);
// A tar that is open, with its owners and modes. It is unpacked beside the image, where owners are
// noted (fakeroot) and devices are never made, whoever calls; all of that is gone afterwards.
base::Status PackTarAsErofs(int tar, const std::string& what, const NewImage& image);

}  // namespace bailey::image
