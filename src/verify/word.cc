#include "verify/word.h"

namespace bailey::verify {
namespace {

// The 64-bit field that holds an argument's or the instruction pointer's word.
template <class Data>
auto& Field(Data& data, Word word) {
  if (word >= Word::kIpHigh) return data.instruction_pointer;
  return data.args[(static_cast<unsigned>(word) - static_cast<unsigned>(Word::kArg0High)) / 2];
}

bool IsHigh(Word word) { return static_cast<unsigned>(word) % 2 == 0; }

}  // namespace

Word LoadedWord(std::uint32_t offset, bool big_endian) {
  if (offset == bpf::kOffsetNr) return Word::kNr;
  if (offset == bpf::kOffsetArch) return Word::kArch;
  const bool high = (offset % 8 == 4) != big_endian;
  if (offset < bpf::kOffsetArgs) return high ? Word::kIpHigh : Word::kIpLow;
  const unsigned slot = (offset - bpf::kOffsetArgs) / 8;
  return high ? ArgHigh(slot) : ArgLow(slot);
}

std::uint32_t Get(const bpf::SeccompData& data, Word word) {
  if (word == Word::kArch) return data.arch;
  if (word == Word::kNr) return data.nr;
  return static_cast<std::uint32_t>(Field(data, word) >> (IsHigh(word) ? 32 : 0));
}

void Set(bpf::SeccompData& data, Word word, std::uint32_t value) {
  if (word == Word::kArch) {
    data.arch = value;
  } else if (word == Word::kNr) {
    data.nr = value;
  } else {
    const unsigned shift = IsHigh(word) ? 32 : 0;
    std::uint64_t& field = Field(data, word);
    field = (field & ~(std::uint64_t{0xffffffff} << shift)) | (std::uint64_t{value} << shift);
  }
}

}  // namespace bailey::verify
