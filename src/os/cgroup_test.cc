#include "os/cgroup.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "os/process.h"

namespace bailey::os {
namespace {

// A group as one who was killed leaves it, below where this process is; none where none can be.
class Stale {
 public:
  static std::optional<Stale> Make() {
    const auto places = OwnCgroups();
    if (!places) return std::nullopt;
    for (const CgroupPlace& place : *places) {
      if (!CanMakeGroups(place.path).value_or(false)) continue;
      const auto maker = Fork(0);
      if (!maker) return std::nullopt;
      if (maker->pid == 0) Exit(0);
      if (!WaitFor(maker->pid)) return std::nullopt;
      const std::string name = "bailey-" + std::to_string(maker->pid) + "-0";
      auto group = Cgroup::Make(place.path, name);
      if (!group) continue;
      return Stale{place.path, place.path + "/" + name, *std::move(group)};
    }
    return std::nullopt;
  }
  // Somebody who is in it until then, and then goes by itself.
  std::optional<Child> Enter(useconds_t microseconds) const {
    auto child = Fork(0);
    if (!child) return std::nullopt;
    if (child->pid == 0) {
      (void)::usleep(microseconds);
      Exit(0);
    }
    if (!group.Add(child->pid)) return std::nullopt;
    return *std::move(child);
  }
  bool IsIn(const SysResult<std::vector<std::string>>& removed) const {
    return removed && std::ranges::count(*removed, path) == 1;
  }

  std::string parent, path;
  Cgroup group;
};

TEST(Cgroup, AStartWaitsForNobodyInAGroupThatIsLeft) {
  const auto stale = Stale::Make();
  if (!stale) GTEST_SKIP() << "SKIP: no control group can be made here";
  const auto inside = stale->Enter(60'000'000);
  ASSERT_TRUE(inside);
  EXPECT_FALSE(stale->IsIn(RemoveStaleCgroups(stale->parent)));
  EXPECT_TRUE(std::filesystem::exists(stale->path));
  // Nobody was killed.
  EXPECT_FALSE(HasEnded(inside->pidfd.Get()));
  ASSERT_TRUE(SendSignal(inside->pidfd.Get(), SIGKILL));
  ASSERT_TRUE(WaitFor(inside->pid));
  EXPECT_TRUE(stale->IsIn(RemoveStaleCgroups(stale->parent)));
}

TEST(Cgroup, ACollectionWaitsForWhoIsOnTheWayOut) {
  const auto stale = Stale::Make();
  if (!stale) GTEST_SKIP() << "SKIP: no control group can be made here";
  const auto inside = stale->Enter(100'000);
  ASSERT_TRUE(inside);
  EXPECT_TRUE(stale->IsIn(RemoveAllStaleCgroups()));
  EXPECT_FALSE(std::filesystem::exists(stale->path));
  ASSERT_TRUE(WaitFor(inside->pid));
}

TEST(Cgroup, AMakerThatNobodyHasWaitedForIsGone) {
  const auto places = OwnCgroups();
  ASSERT_TRUE(places);
  const auto place = std::ranges::find_if(
      *places, [](const CgroupPlace& one) { return CanMakeGroups(one.path).value_or(false); });
  if (place == places->end()) GTEST_SKIP() << "SKIP: no control group can be made here";
  const auto maker = Fork(0);
  ASSERT_TRUE(maker);
  if (maker->pid == 0) {
    (void)::pause();
    Exit(0);
  }
  const std::string name = "bailey-" + std::to_string(maker->pid) + "-0";
  const auto group = Cgroup::Make(place->path, name);
  ASSERT_TRUE(group);
  const std::string path = place->path + "/" + name;
  const auto alive = RemoveStaleCgroups(place->path);
  ASSERT_TRUE(alive);
  EXPECT_EQ(std::ranges::count(*alive, path), 0);
  ASSERT_TRUE(SendSignal(maker->pidfd.Get(), SIGKILL));
  siginfo_t ended = {};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(maker->pid), &ended, WEXITED | WNOWAIT), 0);
  const auto removed = RemoveStaleCgroups(place->path);
  ASSERT_TRUE(removed);
  EXPECT_EQ(std::ranges::count(*removed, path), 1);
  ASSERT_TRUE(WaitFor(maker->pid));
}

TEST(Cgroup, ACollectionEndsWhereSomebodyStays) {
  const auto stale = Stale::Make();
  if (!stale) GTEST_SKIP() << "SKIP: no control group can be made here";
  const auto inside = stale->Enter(60'000'000);
  ASSERT_TRUE(inside);
  EXPECT_FALSE(stale->IsIn(RemoveAllStaleCgroups()));
  EXPECT_FALSE(HasEnded(inside->pidfd.Get()));
  ASSERT_TRUE(SendSignal(inside->pidfd.Get(), SIGKILL));
  ASSERT_TRUE(WaitFor(inside->pid));
}

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
