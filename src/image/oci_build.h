// An image of an OCI layout on disk. A library of its own: it links libarchive, which nothing that
// starts machines should pay for.
#pragma once

#include <string>

#include "base/result.h"
#include "image/store.h"

namespace bailey::image {

struct OciSource {
  std::string directory;  // with oci-layout, index.json and blobs/sha256/
  std::string tag;        // empty: the only image there is for this machine
  Format format = Format::kSquashfs;
};
struct OciImage {
  Image image;
  std::uint64_t left_out = 0;  // devices
};
// Every document and layer is checked against its digest and size. Layers become one tree
// (layers.h), which goes to the file system as a tar: nothing of them is unpacked on this host.
base::Result<OciImage> BuildFromOci(const std::string& name, const OciSource& source);

}  // namespace bailey::image
