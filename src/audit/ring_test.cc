#include "audit/ring.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "audit/token_bucket.h"

namespace bailey::audit {
namespace {

using namespace std::chrono_literals;

TEST(Ring, DropsTheOldestAndCounts) {
  Ring<int> ring(3);
  for (int i = 0; i < 5; ++i) ring.Push(i);
  EXPECT_EQ(ring.Dropped(), 2u);
  EXPECT_EQ(ring.Size(), 3u);
  EXPECT_EQ(ring.Pop(), 2);
  EXPECT_EQ(ring.Pop(), 3);
  EXPECT_EQ(ring.Pop(), 4);
  EXPECT_EQ(ring.Pop(), std::nullopt);
}

TEST(Ring, OfNothingHoldsOne) {
  Ring<int> ring(0);
  ring.Push(1);
  ring.Push(2);
  EXPECT_EQ(ring.Pop(), 2);
}

// Whatever is pushed and popped: what comes out is in order and none twice, and what went in is
// what came out, what is held, and what was dropped.
TEST(Ring, LosesNothingUncounted) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    const std::size_t capacity = 1 + random() % 9;
    Ring<std::uint64_t> ring(capacity);
    std::uint64_t pushed = 0, popped = 0, last = 0;
    for (int step = 0; step < 300; ++step) {
      if (random() % 3 != 0) {
        ring.Push(++pushed);
      } else if (const auto one = ring.Pop()) {
        ++popped;
        EXPECT_GT(*one, last);
        last = *one;
      }
      ASSERT_LE(ring.Size(), capacity);
      ASSERT_EQ(pushed, popped + ring.Size() + ring.Dropped());
    }
  }
}

TEST(TokenBucket, GivesTheBurstAndThenTheRate) {
  const TokenBucket::Time begin{};
  TokenBucket bucket(10, 3, begin);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.Take(begin)) << i;
  EXPECT_FALSE(bucket.Take(begin));
  EXPECT_FALSE(bucket.Take(begin + 99ms));
  EXPECT_TRUE(bucket.Take(begin + 101ms));
  EXPECT_FALSE(bucket.Take(begin + 101ms));
  // However long nothing is taken, the burst is all there is.
  int taken = 0;
  while (bucket.Take(begin + 1h)) ++taken;
  EXPECT_EQ(taken, 3);
}

TEST(TokenBucket, IsNotFilledByTimeThatGoesBackwards) {
  const TokenBucket::Time begin{1h};
  TokenBucket bucket(1, 1, begin);
  EXPECT_TRUE(bucket.Take(begin));
  EXPECT_FALSE(bucket.Take(begin - 30min));
  EXPECT_FALSE(bucket.Take(begin));
}

}  // namespace
}  // namespace bailey::audit
