#include "sandbox/file_witness.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace bailey::sandbox {
namespace {

using abi::PathUse;

const RootPlan kRoot = {
    .steps = {
        TmpfsMount{.target = "/", .seal = true},
        MakeDirectory{"/usr"},
        BindMount{.source = "/usr", .target = "/usr"},
        MakeSymlink{"/bin", "usr/bin"},
        MakeDirectory{"/home"},
        MakeDirectory{"/home/me"},
        MakeDirectory{"/home/me/yard"},
        BindMount{.source = "/home/me/yard", .target = "/home/me/yard", .write = true},
        Mask{"/home/me/yard/.env"},
        MakeDirectory{"/tmp"},
        TmpfsMount{.target = "/tmp"},
        MakeDirectory{"/proc"},
        ProcMount{"/proc"},
        MakeSymlink{"/dev/stdout", "/proc/self/fd/1"},
        MakeFile{"/dev/null"},
        BindMount{.source = "/dev/null", .target = "/dev/null", .directory = false, .device = true},
    }};

TEST(FileWitness, JudgesByThePlan) {
  const struct {
    const char* path;
    PathUse use;
    Withholding want;
  } kCases[] = {
      {"/usr/lib/x", PathUse::kRead, Withholding::kNot},
      {"/usr/lib/x", PathUse::kWrite, Withholding::kReadOnly},
      {"/bin/sh", PathUse::kExecute, Withholding::kNot},
      {"/bin/sh", PathUse::kWrite, Withholding::kReadOnly},
      {"/etc/shadow", PathUse::kRead, Withholding::kNotShown},
      {"/home", PathUse::kLook, Withholding::kNot},
      {"/home/you", PathUse::kLook, Withholding::kNotShown},
      {"/home/me/.ssh/id", PathUse::kRead, Withholding::kNotShown},
      {"/home/me/yard/out", PathUse::kWrite, Withholding::kNot},
      {"/home/me/yard/.env", PathUse::kRead, Withholding::kHidden},
      {"/home/me/yardshop", PathUse::kRead, Withholding::kNotShown},
      {"/tmp/x", PathUse::kWrite, Withholding::kNot},
      {"/proc/1/status", PathUse::kRead, Withholding::kNot},
      {"/proc/sys/net/ipv4/ip_forward", PathUse::kRead, Withholding::kNot},
      {"/proc/sys/net/ipv4/ip_forward", PathUse::kWrite, Withholding::kReadOnly},
      {"/proc/sysrq-trigger", PathUse::kWrite, Withholding::kReadOnly},
      {"/proc/self/oom_score_adj", PathUse::kWrite, Withholding::kReadOnly},
      {"/proc/self/task/7/comm", PathUse::kWrite, Withholding::kReadOnly},
      {"/proc/fd/1", PathUse::kWrite, Withholding::kReadOnly},
      {"/proc/self/fd/1", PathUse::kWrite, Withholding::kNot},
      {"/proc/7/task/9/root/tmp/x", PathUse::kWrite, Withholding::kNot},
      {"/proc/self/cwd/x", PathUse::kWrite, Withholding::kNot},
      {"/dev/stdout", PathUse::kWrite, Withholding::kNot},
      {"/dev/null", PathUse::kWrite, Withholding::kNot},
      {"/dev/sda", PathUse::kRead, Withholding::kNotShown},
      {"/", PathUse::kLook, Withholding::kNot},
      {"/new", PathUse::kWrite, Withholding::kNotShown},
  };
  for (const auto& one : kCases)
    EXPECT_EQ(Judge(kRoot, one.path, one.use), one.want) << one.path << " " << int(one.use);
}

TEST(FileWitness, LinksThatGoInCirclesComeToAnEnd) {
  const RootPlan circle = {.steps = {TmpfsMount{.target = "/", .seal = true},
                                     MakeSymlink{"/a", "b"}, MakeSymlink{"/b", "a"}}};
  EXPECT_EQ(Judge(circle, "/a/x", PathUse::kRead), Withholding::kNotShown);
}

TEST(FileWitness, NormalPaths) {
  EXPECT_EQ(NormalPath("/a", "x/../b/./c"), "/a/b/c");
  EXPECT_EQ(NormalPath("/a", "/x//y/"), "/x/y");
  EXPECT_EQ(NormalPath("/a", "../../.."), "/");
}

TEST(FileWitness, NotesWhatIsThereAndWithheld) {
  FileWitness witness(kRoot);
  const std::uint32_t token = abi::Info(abi::Arch::kX86_64).token;
  const auto holds = [](const char* path) {
    return [path](std::uint64_t, std::size_t) { return std::optional(std::string(path) + '\0'); };
  };
  const bpf::SeccompData read = {.nr = 257, .arch = token, .args = {0xffffff9c, 0x1000, O_RDONLY}};
  const bpf::SeccompData write = {
      .nr = 257, .arch = token, .args = {0xffffff9c, 0x1000, O_WRONLY | O_CREAT}};
  const auto event = witness.Look(read, 1, holds("/etc/passwd"));
  ASSERT_TRUE(event);
  EXPECT_EQ(event->detail,
            audit::Detail(audit::FileAccess{"openat", "/etc/passwd", "read", "not shown"}));
  EXPECT_EQ(event->decision, audit::Decision::kDenied);
  EXPECT_TRUE(witness.Look(read, 1, holds("/etc/passwd")));
  EXPECT_TRUE(witness.Look(write, 1, holds("/usr/new-file")));
  const auto sysctl = witness.Look(write, 1, holds("/proc/sys/net/ipv4/ip_forward"));
  ASSERT_TRUE(sysctl);
  EXPECT_EQ(sysctl->detail, audit::Detail(audit::FileAccess{
                                "openat", "/proc/sys/net/ipv4/ip_forward", "write", "read-only"}));
  EXPECT_EQ(sysctl->rule->origin, "[filesystem]: /proc is always read-only");
  EXPECT_FALSE(witness.Look(read, 1, holds("/no/such/file")));
  EXPECT_FALSE(witness.Look(read, 1, holds("/usr/lib")));
  EXPECT_FALSE(witness.Look({.nr = 39, .arch = token}, 1, holds("/etc/passwd")));
  EXPECT_EQ(witness.Total(), 4u);
  const auto withheld = witness.Withheld();
  ASSERT_EQ(withheld.size(), 3u);
  EXPECT_EQ(withheld[0], (WithheldFile{"/etc/passwd", "read", "not shown", 2}));
}

TEST(FileWitness, InAMachineWhatTheImageHasIsShown) {
  FileWitness witness(kRoot);
  const std::uint32_t token = abi::Info(abi::Arch::kX86_64).token;
  const bpf::SeccompData read = {.nr = 257, .arch = token, .args = {0xffffff9c, 0x1000, O_RDONLY}};
  const bpf::SeccompData write = {.nr = 257, .arch = token, .args = {0xffffff9c, 0x1000, O_WRONLY}};
  const struct {
    const bpf::SeccompData& call;
    const char* path;
    bool is_there;
    const char* want;  // the access and the reason
  } kCases[] = {
      {read, "/etc/passwd", false, "read not shown"},
      {read, "/etc/../etc//passwd", false, "read not shown"},
      {read, "/etc/passwd", true, ""},
      {write, "/etc/passwd", true, "write read-only"},
      {write, "/etc/passwd", false, "write not shown"},
      {write, "/usr/new-file", false, "write read-only"},
      {write, "/home/me/yard/out", true, ""},
      {write, "/tmp/x", false, ""},
      {write, "/proc/sys/net/ipv4/ip_forward", true, "write read-only"},
      {write, "/proc/self/fd/1", true, ""},
      {read, "/no/such/file", false, ""},
      {read, "etc/passwd", false, ""},
      {read, "", false, ""},
  };
  for (const auto& one : kCases) {
    const auto event = witness.LookInMachine(one.call, [&](const abi::PathArgument& argument) {
      EXPECT_EQ(argument.path, 1);
      return std::optional(FileWitness::Named{one.path, one.is_there});
    });
    const auto* const file = event ? std::get_if<audit::FileAccess>(&event->detail) : nullptr;
    EXPECT_EQ(file == nullptr ? "" : file->access + " " + file->reason, one.want) << one.path;
  }
  EXPECT_FALSE(witness.LookInMachine(
      read, [](const abi::PathArgument&) { return std::optional<FileWitness::Named>(); }));
  EXPECT_EQ(witness.Total(), 6u);
}

}  // namespace
}  // namespace bailey::sandbox
