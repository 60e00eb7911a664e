// An OCI image layout's documents (index.json and the manifests that it leads to) as values: what
// they say is checked, and everything else in them passed over. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bailey::image {

// A blob, by what it must be: SHA-256 and size.
struct Blob {
  std::string digest;  // 64 hexadecimal digits, lower-case: fit for a name of a file
  std::uint64_t size = 0;
  bool operator==(const Blob&) const = default;
};

struct Listed {
  Blob blob;
  bool is_index = false;                  // else a manifest
  std::string tag, system, architecture;  // empty where it does not say
  bool operator==(const Listed&) const = default;
};

struct Manifest {
  Blob config;
  std::vector<Blob> layers;  // the lowest first; each a tar, plain or packed with gzip or zstd
  bool operator==(const Manifest&) const = default;
};

inline constexpr std::size_t kMostDocument = std::size_t{4} << 20;
inline constexpr std::size_t kMostLayers = 512;

// The text of oci-layout.
base::Status CheckLayout(std::string_view text);
base::Result<std::vector<Listed>> ParseIndex(std::string_view text);
base::Result<Manifest> ParseManifest(std::string_view text);
// The one for this machine ("amd64"), of this tag where one is named. kInvalidInput where there is
// none, or more than one.
base::Result<Listed> Choose(const std::vector<Listed>& listed, const std::string& tag,
                            std::string_view architecture);

}  // namespace bailey::image
