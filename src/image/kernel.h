// A guest's kernel, as tools/install-dependencies unpacks it, and the initramfs that is made for
// it.
//
//   DIRECTORY/vmlinux       not packed: the machine's firmware starts it directly
//   DIRECTORY/release       "6.1.0-40-cloud-amd64"
//   DIRECTORY/modules/*.ko  what that kernel has not built in
//   DIRECTORY/vsock/*.ko    what it needs as well where the line to the host is vsock,
//   DIRECTORY/network/*.ko  where the machine has a network,
//   DIRECTORY/erofs/*.ko    and where its image is erofs
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bailey::image {

struct Kernel {
  std::string directory, release;
  base::UniqueFd vmlinux;    // to be read
  base::UniqueFd initramfs;  // a sealed memfd
};

// What a machine needs of its kernel beside what all do.
struct Extras {
  bool vsock = false, network = false, erofs = false;
  bool operator==(const Extras&) const = default;
};

// `directory`: empty for the one that is installed. `init`: the first process's executable.
// kUnsupported, with what to do about it, where no kernel is installed.
base::Result<Kernel> OpenKernel(const std::string& directory, const std::string& init,
                                const Extras& extras = {});
// Where the installed one is, or would be.
std::string InstalledKernel();

}  // namespace bailey::image
