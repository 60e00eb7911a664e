#include "os/start_heap.h"

#include <gmock/gmock.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace bailey::os {
namespace {

struct Block {
  std::unique_ptr<unsigned char[]> bytes;
  std::size_t size;
  unsigned char mark;
};

bool IsWhole(const Block& block) {
  for (std::size_t i = 0; i < block.size; ++i) {
    if (block.bytes[i] != block.mark) return false;
  }
  return true;
}

class StartHeap : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    BeginStartHeap();
    PopulateStartHeap();
  }
};

// Far more than the room holds, of every size below and above the largest that it serves.
TEST_F(StartHeap, BlocksAreAlignedAndTheirOwn) {
  std::mt19937 random(7);
  std::vector<Block> blocks;
  for (int round = 0; round < 20000; ++round) {
    if (!blocks.empty() && random() % 3 == 0) {
      const std::size_t at = random() % blocks.size();
      ASSERT_TRUE(IsWhole(blocks[at])) << blocks[at].size;
      std::swap(blocks[at], blocks.back());
      blocks.pop_back();
      continue;
    }
    const std::size_t size = random() % 300;
    const auto mark = static_cast<unsigned char>(random());
    Block block = {std::unique_ptr<unsigned char[]>(new unsigned char[size]), size, mark};
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block.bytes.get()) % 16, 0u);
    std::memset(block.bytes.get(), mark, size);
    blocks.push_back(std::move(block));
  }
  for (const Block& block : blocks) ASSERT_TRUE(IsWhole(block)) << block.size;
}

TEST_F(StartHeap, WhatIsGivenBackIsTakenAgain) {
  auto first = std::make_unique<std::uint64_t>(1);
  const auto address = reinterpret_cast<std::uintptr_t>(first.get());
  first.reset();
  const auto second = std::make_unique<std::uint64_t>(2);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(second.get()), address);
}

// Maps made here end there, and the other way round, at the same time.
TEST_F(StartHeap, OtherThreadsMayEndItsBlocks) {
  using Map = std::map<int, std::vector<int>>;
  const auto make = [](int seed) {
    Map map;
    for (int i = 0; i < 2000; ++i) map[i].assign(static_cast<std::size_t>(i % 40), seed + i);
    return map;
  };
  for (int round = 0; round < 20; ++round) {
    Map mine = make(round);
    Map theirs;
    std::thread thread([given = std::move(mine), &theirs, &make, round]() mutable {
      given.clear();
      theirs = make(-round);
    });
    const Map meanwhile = make(3 * round);
    thread.join();
    EXPECT_EQ(theirs, make(-round));
    EXPECT_EQ(meanwhile, make(3 * round));
  }
}

}  // namespace
}  // namespace bailey::os
