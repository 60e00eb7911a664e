// A small kernel for machines, of Debian's source and our own configuration.
#pragma once

#include <string>

#include "base/result.h"

namespace bailey::image {

struct KernelSource {
  std::string archive;    // empty: the newest of /usr/src/linux-source-*.tar.xz
  std::string directory;  // where the kernel goes (kernel.h says how it is laid out)
  unsigned jobs = 1;
};
// tinyconfig and what a machine needs, checked to be all there. kUnsupported where a tool or the
// source is missing.
base::Result<std::string> ConfigureKernel(const KernelSource& source);
// Takes ten minutes of two processors. Nothing is in `directory` until all is; returns the release.
base::Result<std::string> BuildKernel(const KernelSource& source);

// Options of a configuration that another one, made of it, does not have as they are said.
std::string MissingOptions(std::string_view wanted, std::string_view made);
// Those of a machine's kernel.
std::string_view GuestKernelOptions();

}  // namespace bailey::image
