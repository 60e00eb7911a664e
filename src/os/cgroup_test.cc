#include "os/cgroup.h"

#include <gtest/gtest.h>

namespace bailey::os {
namespace {

TEST(Cgroup, FindsThePlaceInEachHierarchy) {
  const auto places = ParseCgroups(
      "4:memory:/api/ab:c\n"
      "2:cpu,cpuacct:/\n"
      "8:pids:/unmounted\n"
      "1:name=systemd:/\n"
      "0::/user.slice/one.scope\n",
      "30 20 0:10 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "31 20 0:11 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
      "32 20 0:12 /user.slice /sys/fs/cgroup/unified rw shared:1 - cgroup2 cgroup2 rw\n"
      "33 20 0:13 / /proc rw - proc proc rw\n");
  const std::vector<CgroupPlace> want = {
      {1, {"memory"}, "/sys/fs/cgroup/memory", "/sys/fs/cgroup/memory/api/ab:c"},
      {1, {"cpu", "cpuacct"}, "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu"},
      {2, {}, "/sys/fs/cgroup/unified", "/sys/fs/cgroup/unified/one.scope"}};
  EXPECT_EQ(places, want);
}

TEST(Cgroup, LinesOfAnotherFormAreNone) {
  EXPECT_TRUE(ParseCgroups("nonsense\n4:memory\n\n", "x\n1 2 3 4 5 6 -\n").empty());
}

}  // namespace
}  // namespace bailey::os
