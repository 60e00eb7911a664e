#include "cli/filter_bytes.h"

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace bailey::cli {
namespace {

// Turns the bytes of code and k around where the machine's order is not ours.
void Swap(std::span<std::uint8_t> bytes, bool big_endian) {
  if (big_endian == (std::endian::native == std::endian::big)) return;
  constexpr std::size_t kRecord = sizeof(bpf::Instruction);
  for (std::size_t i = 0; i + kRecord <= bytes.size(); i += kRecord) {
    std::swap(bytes[i], bytes[i + 1]);
    std::swap(bytes[i + 4], bytes[i + 7]);
    std::swap(bytes[i + 5], bytes[i + 6]);
  }
}

}  // namespace

std::string FilterBytes(const bpf::Program& program, bool big_endian) {
  std::vector<std::uint8_t> bytes = program.Bytes();
  Swap(bytes, big_endian);
  return {bytes.begin(), bytes.end()};
}

base::Result<bpf::Program> ReadFilter(std::string_view bytes, bool big_endian) {
  std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
  Swap(copy, big_endian);
  return bpf::Read(copy);
}

}  // namespace bailey::cli
