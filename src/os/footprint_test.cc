#include "os/footprint.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "os/process.h"

namespace bailey::os {
namespace {

// Of this process, in KiB.
long Resident(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    long value = 0;
    if (word == name + ":" && status >> value) return value;
  }
  return -1;
}

TEST(Footprint, WhatWasFreedGoesBack) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer has a malloc of its own";
#endif
  // Of a size that malloc does not map by itself.
  std::vector<std::unique_ptr<std::vector<char>>> pieces;
  for (int i = 0; i < 512; ++i)
    pieces.push_back(std::make_unique<std::vector<char>>(32 << 10, 'x'));
  // The last one stays, and holds those before it.
  pieces.erase(pieces.begin(), pieces.end() - 1);
  const long before = Resident("RssAnon");
  ShrinkToWait();
  EXPECT_LT(Resident("RssAnon"), before - (8 << 10));
  EXPECT_EQ(pieces[0]->back(), 'x');
}

TEST(Footprint, SmallPagesAreInherited) {
  auto child = Fork(0);
  ASSERT_TRUE(child);
  if (child->pid == 0) {
    const bool forbidden = ForbidLargePages().has_value();
    auto grandchild = Fork(0);
    if (!forbidden || !grandchild) Exit(2);
    if (grandchild->pid == 0) Exit(::prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1 ? 0 : 1);
    const auto ended = WaitFor(grandchild->pid);
    Exit(ended && ended->wait_status == 0 ? 0 : 1);
  }
  const auto ended = WaitFor(child->pid);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->wait_status, 0);
}

}  // namespace
}  // namespace bailey::os
