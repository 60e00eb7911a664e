// Filters as files: struct sock_filter records in the byte order of the machine that runs them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "bpf/program.h"

namespace bailey::cli {

std::string FilterBytes(const bpf::Program& program, bool big_endian);
base::Result<bpf::Program> ReadFilter(std::string_view bytes, bool big_endian);

}  // namespace bailey::cli
