#include "bpf/instruction.h"

namespace bailey::bpf {

std::uint32_t Word(const SeccompData& data, std::uint32_t offset, bool big_endian) {
  if (offset == kOffsetNr) return data.nr;
  if (offset == kOffsetArch) return data.arch;
  const std::uint64_t whole =
      offset < kOffsetArgs ? data.instruction_pointer : data.args[(offset - kOffsetArgs) / 8];
  const bool high = (offset % 8 == 4) != big_endian;
  return static_cast<std::uint32_t>(high ? whole >> 32 : whole);
}

}  // namespace bailey::bpf
