#include "verify/word.h"

#include <gtest/gtest.h>

#include "bpf/interpreter.h"

namespace bailey::verify {
namespace {

TEST(Word, IsWhatALoadSees) {
  bpf::SeccompData data;
  for (unsigned i = 0; i < kWords; ++i) Set(data, static_cast<Word>(i), 0x1000 + i);
  for (const bool big_endian : {false, true}) {
    for (std::uint32_t offset = 0; offset < bpf::kDataSize; offset += 4) {
      EXPECT_EQ(Get(data, LoadedWord(offset, big_endian)), bpf::Word(data, offset, big_endian))
          << offset;
    }
  }
  EXPECT_EQ(LoadedWord(bpf::OffsetLow(3, false), false), ArgLow(3));
  EXPECT_EQ(LoadedWord(bpf::OffsetHigh(3, true), true), ArgHigh(3));
  EXPECT_EQ(data.nr, Get(data, Word::kNr));
}

}  // namespace
}  // namespace bailey::verify
