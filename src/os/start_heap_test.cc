#include "os/start_heap.h"

#include <gmock/gmock.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <set>
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

Block MakeBlock(std::mt19937& random, std::size_t limit) {
  const std::size_t size = random() % limit;
  const auto mark = static_cast<unsigned char>(random());
  Block block = {std::unique_ptr<unsigned char[]>(new unsigned char[size]), size, mark};
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.bytes.get()) % 16, 0u);
  std::memset(block.bytes.get(), mark, size);
  return block;
}

// The first of the tests: there is room.
TEST_F(StartHeap, WhatAChildSharesIsNotTakenAgain) {
  std::mt19937 random(11);
  std::vector<Block> before;
  for (int i = 0; i < 100; ++i) before.push_back(MakeBlock(random, 600));
  RenewStartHeap(64 << 10);
  std::set<const unsigned char*> given_back;
  for (int i = 0; i < 50; ++i) {
    given_back.insert(before.back().bytes.get());
    before.pop_back();
  }
  std::vector<Block> after;
  for (int i = 0; i < 200; ++i) {
    after.push_back(MakeBlock(random, 600));
    EXPECT_FALSE(given_back.contains(after.back().bytes.get()));
  }
  for (const Block& block : before) EXPECT_TRUE(IsWhole(block)) << block.size;
  for (const Block& block : after) EXPECT_TRUE(IsWhole(block)) << block.size;
}

// Far more than the room holds, of every size below and above the largest small one and the largest
// of all.
TEST_F(StartHeap, BlocksAreAlignedAndTheirOwn) {
  std::mt19937 random(7);
  std::vector<Block> blocks;
  for (int round = 0; round < 20000; ++round) {
    if (!blocks.empty() && random() % 2 == 0) {
      const std::size_t at = random() % blocks.size();
      ASSERT_TRUE(IsWhole(blocks[at])) << blocks[at].size;
      std::swap(blocks[at], blocks.back());
      blocks.pop_back();
      continue;
    }
    blocks.push_back(MakeBlock(random, random() % 16 ? 600 : 200'000));
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
