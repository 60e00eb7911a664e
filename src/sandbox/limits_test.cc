#include "sandbox/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>

namespace bailey::sandbox {
namespace {

using testing::ElementsAre;

// A directory that looks like a hierarchy to a planner: it writes nothing.
class Limits : public testing::Test {
 protected:
  Limits() {
    std::filesystem::remove_all(top_);
    for (const char* group : {"", "/slice", "/slice/scope"}) {
      std::filesystem::create_directories(top_ + group);
      std::ofstream(top_ + group + "/cgroup.procs");
      std::ofstream(top_ + group + "/cgroup.subtree_control");
    }
  }
  ~Limits() override { std::filesystem::remove_all(top_); }

  os::CgroupPlace Place(int version) const {
    return {version, {"cpu", "memory", "pids"}, top_, top_ + "/slice/scope"};
  }

  const std::string top_ = testing::TempDir() + "/bailey-limits";
};

TEST_F(Limits, OfMemoryIsAGroupBelowThisOneInVersion1) {
  const auto plan = PlanLimits({.memory = 4096}, {Place(1)}, {});
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->groups, ElementsAre(Group{1,
                                              top_ + "/slice/scope",
                                              "",
                                              true,
                                              {{"memory.limit_in_bytes", "4096"},
                                               {"memory.memsw.limit_in_bytes", "4096", true}}}));
  EXPECT_TRUE(plan->notes.empty());
}

TEST_F(Limits, AreInTheNearestGroupThatHandsItsControllersDownInVersion2) {
  std::ofstream(top_ + "/slice/cgroup.subtree_control") << "cpu memory pids\n";
  const auto plan =
      PlanLimits({.processes = 7, .memory = 4096, .cpu_thousandths = 1500}, {Place(2)}, {});
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->groups, ElementsAre(Group{2,
                                              top_ + "/slice",
                                              "",
                                              true,
                                              {{"memory.max", "4096"},
                                               {"memory.swap.max", "0", true},
                                               {"memory.oom.group", "1", true},
                                               {"cpu.max", "150000 100000"},
                                               {"pids.max", "7"}}}));
}

TEST_F(Limits, AreEnabledAtTheTopWhereNobodyDoes) {
  const auto plan = PlanLimits({.memory = 4096, .cpu_thousandths = 500}, {Place(2)}, {});
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->groups.size(), 1u);
  EXPECT_EQ(plan->groups[0].parent, top_);
  EXPECT_EQ(plan->groups[0].enable, "+memory +cpu");
}

TEST_F(Limits, OfMemoryIsAResourceLimitWhereThereIsNoGroupAndSaidSo) {
  const auto plan = PlanLimits({.memory = 4096}, {}, {});
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->resources,
              ElementsAre(Limit{RLIMIT_CORE, "core", 0}, Limit{RLIMIT_DATA, "memory", 4096}));
  EXPECT_THAT(plan->notes,
              ElementsAre("memory: no control group can be made here, so 4096 bytes is a limit of "
                          "each process's data (RLIMIT_DATA), not of all together"));
}

TEST_F(Limits, OfTimeIsAnErrorWhereThereIsNoGroupUnlessGivenUp) {
  const auto refused = PlanLimits({.cpu_thousandths = 500}, {}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::ErrorCode::kUnsupported);
  EXPECT_EQ(refused.error().text,
            "limit cpu: no control group with the cpu controller can be made here (see `bailey "
            "doctor`; `--without cpu-limit` gives it up by name)");
  const auto waived = PlanLimits({.cpu_thousandths = 500}, {}, {Layer::kCpuLimit});
  ASSERT_TRUE(waived);
  EXPECT_THAT(waived->notes, ElementsAre("cpu limit: given up by name"));
}

TEST_F(Limits, OfInputAndOutputAreOfEachBlockDevice) {
  std::ofstream(top_ + "/slice/cgroup.subtree_control") << "io\n";
  os::CgroupPlace place = Place(2);
  place.controllers = {"io"};
  const auto plan = PlanLimits({.io = 1000}, {place}, {}, {"254:0", "8:16"});
  ASSERT_TRUE(plan) << plan.error().text;
  EXPECT_THAT(plan->groups, ElementsAre(Group{2,
                                              top_ + "/slice",
                                              "",
                                              false,
                                              {{"io.max", "254:0 rbps=1000 wbps=1000"},
                                               {"io.max", "8:16 rbps=1000 wbps=1000"}}}));
  place.version = 1;
  place.controllers = {"blkio"};
  const auto old = PlanLimits({.io = 1000}, {place}, {}, {"254:0"});
  ASSERT_TRUE(old) << old.error().text;
  EXPECT_THAT(old->groups[0].knobs,
              ElementsAre(Knob{"blkio.throttle.read_bps_device", "254:0 1000"},
                          Knob{"blkio.throttle.write_bps_device", "254:0 1000"}));
  EXPECT_EQ(
      PlanLimits({.io = 1000}, {}, {}, {"254:0"}).error().text,
      "limit io: no control group with the io controller can be made here (`--without io-limit` "
      "gives it up by name)");
  EXPECT_EQ(PlanLimits({.io = 1000}, {place}, {}).error().text,
            "limit io: no file system that is shown lies on one block device (`--without io-limit` "
            "gives it up by name)");
}

}  // namespace
}  // namespace bailey::sandbox
