#include "cli/filter_bytes.h"

#include <cstdint>
#include <vector>

namespace bailey::cli {

std::string FilterBytes(const bpf::Program& program, bool big_endian) {
  const std::vector<std::uint8_t> bytes = bpf::BytesAs(program, big_endian);
  return {bytes.begin(), bytes.end()};
}

base::Result<bpf::Program> ReadFilter(std::string_view bytes, bool big_endian) {
  return bpf::ReadAs({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
                     big_endian);
}

}  // namespace bailey::cli
