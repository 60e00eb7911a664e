#include "base/texts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

namespace bailey::base {
namespace {

constexpr std::string_view kList[] = {"", "close", "open", "openat"};
constexpr auto kPacked = Pack<kList>();

TEST(Texts, AreWhatWasPacked) {
  static_assert(kPacked.size() == 4);
  static_assert(kPacked[3] == "openat");
  EXPECT_TRUE(std::ranges::equal(Texts(kPacked), kList));
  EXPECT_EQ(Texts(kPacked)[1], "close");
  EXPECT_EQ(Texts(kPacked).ToVector(),
            std::vector<std::string_view>(std::begin(kList), std::end(kList)));
}

TEST(Texts, AreFoundByTheAlgorithms) {
  static_assert(std::random_access_iterator<Texts::Iterator>);
  const Texts texts = kPacked;
  EXPECT_EQ(std::ranges::lower_bound(texts, "open") - texts.begin(), 2);
  EXPECT_TRUE(std::ranges::binary_search(texts, "openat"));
  EXPECT_FALSE(std::ranges::binary_search(texts, "opena"));
  EXPECT_TRUE(std::ranges::is_sorted(texts));
  EXPECT_EQ(texts.end()[-1], "openat");
}

}  // namespace
}  // namespace bailey::base
