#include "audit/denials.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace bailey::audit {
namespace {

constexpr std::uint32_t kX86_64 = 0xc000003e;
constexpr std::uint32_t kEperm = 0x7fc00001;

TEST(Denials, TellsCallsApartByWhatTheyAskFor) {
  Denials denials;
  for (int i = 0; i < 3; ++i) ++denials.Of({.nr = 41, .arch = kX86_64, .args = {40}}, kEperm).count;
  ++denials.Of({.nr = 41, .arch = kX86_64, .args = {38}}, kEperm).count;
  // What the kernel does not read makes no difference; nor what is not telling.
  ++denials.Of({.nr = 41, .arch = kX86_64, .args = {0x100000026, 7}}, kEperm).count;
  ++denials.Of({.nr = 165, .arch = kX86_64, .args = {1}}, kEperm).count;
  ++denials.Of({.nr = 165, .arch = kX86_64, .args = {2}}, kEperm).count;
  const auto all = denials.All();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0]->example.args[0], 40u);
  EXPECT_EQ(all[0]->count, 3u);
  EXPECT_EQ(all[1]->count, 2u);
  EXPECT_EQ(all[2]->count, 2u);
  EXPECT_EQ(denials.Total(), 7u);
}

TEST(Denials, TakesBoundedRoomAndCountsAll) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  Denials denials;
  std::uint64_t calls = 0;
  for (int i = 0; i < 200000; ++i, ++calls) {
    ++denials
          .Of({.nr = static_cast<std::uint32_t>(random() % 3 ? 16 : random()),
               .arch = kX86_64,
               .args = {random(), random()}},
              kEperm)
          .count;
  }
  EXPECT_EQ(denials.Total(), calls);
  EXPECT_LT(denials.All().size(), 2000u);
}

TEST(Denials, TheRestOfACallIsOne) {
  Denials denials;
  for (std::uint64_t request = 0; request < 100; ++request)
    ++denials.Of({.nr = 16, .arch = kX86_64, .args = {0, request}}, kEperm).count;
  const auto all = denials.All();
  ASSERT_EQ(all.size(), 17u);
  EXPECT_TRUE(all[0]->is_rest);
  EXPECT_EQ(all[0]->count, 84u);
}

}  // namespace
}  // namespace bailey::audit
