#include "microvm/ready.h"

#include <gtest/gtest.h>

namespace bailey::microvm {
namespace {

TEST(Ready, PoolsThatDoForAProgram) {
  const std::string same = PoolName("contents", {1024, 2}, "mine");
  const std::string other = PoolName("contents", {1024, 2}, "other");
  const std::string smaller = PoolName("contents", {512, 2}, "other");
  const std::string larger = PoolName("contents", {4096, 20}, "mine");
  const std::vector<std::string> names = {
      larger,  other, "no pool", same,
      smaller, "",    "a-b-c-d", PoolName("changed", {1024, 2}, "mine")};
  struct Row {
    const char* sentence;
    Shape needed;
    std::vector<std::string> want;
  };
  const Row rows[] = {
      {"the policy's own first, then the smallest", {512, 1}, {same, larger, smaller, other}},
      {"one has too little memory", {1024, 2}, {same, larger, other}},
      {"two have too few drives", {512, 3}, {larger}},
      {"all are too small", {8192, 0}, {}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.sentence);
    EXPECT_EQ(FindFitting(names, "contents", row.needed, "mine"), row.want);
  }
}

}  // namespace
}  // namespace bailey::microvm
