// [syscalls] stack: filters of bytes below a policy's own.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "policy/load.h"

namespace bailey::policy {
namespace {

class Stacked : public testing::Test {
 protected:
  Stacked() {
    directory_ = testing::TempDir() + "stack-" +
                 std::to_string(testing::UnitTest::GetInstance()->random_seed()) +
                 testing::UnitTest::GetInstance()->current_test_info()->name() + "/";
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_ + "below");
  }
  ~Stacked() override { std::filesystem::remove_all(directory_); }

  // A filter that returns one value, in the byte order of s390x or of x86_64.
  void WriteReturn(const std::string& name, std::uint32_t value, bool big_endian = false) const {
    const auto program = bpf::Validate({{bpf::kReturn, 0, 0, value}});
    std::ofstream file(directory_ + name);
    for (const std::uint8_t byte : bpf::BytesAs(*program, big_endian))
      file.put(static_cast<char>(byte));
  }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ + name) << text;
    return directory_ + name;
  }
  static base::Result<Policy> Read(const std::string& path) {
    return Load(path, {.home = "/home/u", .current_directory = "/proj"});
  }

  std::string directory_;
};

TEST_F(Stacked, LowerLayersAreOlder) {
  WriteReturn("below/a.bpf", 0x7fff0000);
  WriteReturn("b.bpf", 0x50001);
  WriteReturn("c.bpf", 0);
  Write("below/base.toml", "bailey = 1\n[syscalls]\nstack = [\"a.bpf\"]\n");
  const auto policy = Read(Write("p.toml",
                                 "bailey = 1\nextends = [\"below/base.toml\"]\n[syscalls]\n"
                                 "stack = [\"./b.bpf\", \"" +
                                     directory_ + "c.bpf\"]\n"));
  ASSERT_TRUE(policy) << base::ToString(policy.error());
  const auto& stack = policy->syscalls.stack;
  ASSERT_EQ(stack.size(), 3u);
  EXPECT_EQ(stack[0].path, directory_ + "below/a.bpf") << "beside the file that names it";
  EXPECT_EQ(stack[1].path, directory_ + "b.bpf");
  EXPECT_EQ(stack[2].path, directory_ + "c.bpf");
  EXPECT_EQ(stack[1].program.Instructions()[0].k, 0x50001u);
  EXPECT_EQ(base::ToString(stack[1].location), directory_ + "p.toml:4:10");
}

TEST_F(Stacked, BytesAreInTheOrderOfTheMachine) {
  WriteReturn("big.bpf", 0x50001, true);
  const auto policy = Read(Write("p.toml",
                                 "bailey = 1\n[syscalls]\narchitectures = [\"s390x\"]\n"
                                 "stack = [\"big.bpf\"]\n"));
  ASSERT_TRUE(policy) << base::ToString(policy.error());
  EXPECT_EQ(policy->syscalls.stack[0].program.Instructions()[0].k, 0x50001u);
}

TEST_F(Stacked, FaultsHaveTheirPlace) {
  WriteReturn("one.bpf", 0);
  Write("short.bpf", "1234567");
  Write("no-return.bpf", std::string(8, '\0'));
  Write("long.bpf", std::string((1 << 20) + 8, '\0'));
  std::string many = "\"one.bpf\"";
  for (int i = 0; i < 63; ++i) many += ", \"one.bpf\"";
  const struct {
    std::string list, want;
  } rows[] = {
      {"\"none.bpf\"", "read filter \"" + directory_ + "none.bpf\": No such file or directory"},
      {"\"short.bpf\"", "\"" + directory_ +
                            "short.bpf\": read filter: 7 bytes are not a whole "
                            "number of instructions of 8 bytes"},
      {"\"no-return.bpf\"",
       "\"" + directory_ +
           "no-return.bpf\": check filter: pc 0: the last instruction is not a return"},
      {"\"long.bpf\"",
       "read filter \"" + directory_ + "long.bpf\": it is larger than 1048576 bytes"},
      {many, "there are more than 63 filters"},
  };
  for (const auto& row : rows) {
    const auto policy =
        Read(Write("p.toml", "bailey = 1\n[syscalls]\nstack = [" + row.list + "]\n"));
    ASSERT_FALSE(policy) << row.want;
    EXPECT_EQ(policy.error().text, "read [syscalls] stack: " + row.want);
    EXPECT_EQ(policy.error().location.line, 3u);
  }
}

}  // namespace
}  // namespace bailey::policy
