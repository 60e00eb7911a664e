#include "sandbox/readback.h"

#include <gtest/gtest.h>

namespace bailey::sandbox {
namespace {

Plan SmallPlan() {
  Plan plan;
  plan.identity.outside_uid = 65533;
  plan.identity.outside_gid = 65533;
  plan.identity.privileged = true;
  plan.root.steps = {TmpfsMount{"/", 1, 1, "0755", true},
                     BindMount{.source = "/usr", .target = "/usr"}, ProcMount{"/proc"}};
  return plan;
}

std::map<std::string, std::string> GoodStatus() {
  return ParseStatus(
      "Name:\tx\nUid:\t65533\t65533\t65533\t65533\nGid:\t65533\t65533\t65533\t65533\nGroups:\t \n"
      "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
      "CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n"
      "Seccomp_filters:\t1\n");
}

std::vector<MountLine> GoodMounts() {
  return {{"/", "ro,nosuid,nodev,relatime", "tmpfs"},
          {"/usr", "ro,nosuid,nodev,relatime", "ext4"},
          {"/usr/share", "ro,nosuid,nodev", "xfs"},
          {"/proc", "ro,nosuid,nodev,noexec", "proc"}};
}

TEST(ReadBack, AcceptsWhatWasPlanned) {
  const auto status = CompareStatus(SmallPlan(), 1, GoodStatus());
  ASSERT_TRUE(status) << status.error().text;
  const auto mounts = CompareMounts(WantMounts(SmallPlan().root), GoodMounts());
  ASSERT_TRUE(mounts) << mounts.error().text;
  EXPECT_EQ(mounts->detail, "4 as planned");
}

TEST(ReadBack, NamesTheLineOfStatusThatDiffers) {
  struct Row {
    const char* key;
    const char* found;
    const char* want;
  };
  for (const Row& row : std::to_array<Row>(
           {{"Seccomp", "0", "read back Seccomp: planned 2, found 0"},
            {"Seccomp_filters", "2", "read back Seccomp_filters: planned 1, found 2"},
            {"NoNewPrivs", "0", "read back NoNewPrivs: planned 1, found 0"},
            {"CapEff", "0000000000000001",
             "read back CapEff: planned 0000000000000000, found 0000000000000001"},
            {"Groups", "4 24", "read back Groups: planned , found 4 24"}})) {
    auto status = GoodStatus();
    status[row.key] = row.found;
    const auto got = CompareStatus(SmallPlan(), 1, status);
    ASSERT_FALSE(got) << row.key;
    EXPECT_EQ(got.error().text, row.want);
    EXPECT_EQ(got.error().code, base::ErrorCode::kViolation);
  }
}

TEST(ReadBack, NamesTheMountThatDiffers) {
  struct Row {
    std::size_t index;
    MountLine line;
    const char* want;
  };
  const auto rows = std::to_array<Row>(
      {{1,
        {"/usr", "rw,nosuid,nodev", "ext4"},
        "read back mount /usr: planned ro, found rw,nosuid,nodev"},
       {2,
        {"/usr/share", "rw,nosuid,nodev", "xfs"},
        "read back mount /usr/share: planned ro, found rw,nosuid,nodev"},
       {1, {"/usr", "ro,nodev", "ext4"}, "read back mount /usr: planned nosuid, found ro,nodev"},
       {3,
        {"/proc", "ro,nosuid,nodev", "tmpfs"},
        "read back mount /proc: planned proc, found tmpfs"},
       {2,
        {"/host", "ro,nosuid,nodev", "ext4"},
        "read back mounts: planned nothing at /host, found ext4"},
       {1,
        {"/usr/lib", "ro,nosuid,nodev", "ext4"},
        "read back mount /usr: planned a mount, found none"}});
  for (const Row& row : rows) {
    auto mounts = GoodMounts();
    mounts[row.index] = row.line;
    const auto got = CompareMounts(WantMounts(SmallPlan().root), mounts);
    ASSERT_FALSE(got) << row.want;
    EXPECT_EQ(got.error().text, row.want);
  }
}

TEST(ParseMountinfo, UndoesTheEscapesOfProc) {
  const auto mounts = ParseMountinfo(
      "36 35 98:0 /mnt1 /a\\040b ro,nosuid shared:1 - ext3 /dev/root rw\nnonsense\n");
  ASSERT_EQ(mounts.size(), 1u);
  EXPECT_EQ(mounts[0], (MountLine{"/a b", "ro,nosuid", "ext3", 36}));
}

}  // namespace
}  // namespace bailey::sandbox
