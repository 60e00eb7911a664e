// The first file system of a machine: a cpio archive that the kernel unpacks into memory
// (Documentation/driver-api/early-userspace), with the first process and the kernel's modules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bailey::image {

struct ArchiveFile {
  std::string name;  // without a slash in front
  std::string_view bytes;
};
// The same files give the same bytes. Directories come with what is in them.
std::string MakeInitramfs(const std::vector<ArchiveFile>& files);

struct Module {
  std::string name;   // as the kernel has it: "virtio_blk"
  std::string bytes;  // of the file
};
// The modules that a module's .modinfo says it needs.
std::vector<std::string> ModuleNeeds(std::string_view bytes);
// Each after those that it needs. What is needed and not there is built into the kernel.
base::Result<std::vector<Module>> OrderModules(std::vector<Module> modules);

}  // namespace bailey::image
