#include "policy/hot.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "policy/load.h"

namespace bailey::policy {
namespace {

using abi::Arch;

TEST(Hot, CountsCallsOfEachArchitecture) {
  const auto hot = ParseHot(
      R"({"version": 1, "calls": {"x86_64": {"ioctl": 5210, "read": 0}, "i386": {"ioctl": 3}}})",
      "hot.json");
  ASSERT_TRUE(hot) << base::ToString(hot.error());
  EXPECT_EQ(*hot,
            (Hot{{Arch::kX86_64, {{"ioctl", 5210}, {"read", 0}}}, {Arch::kI386, {{"ioctl", 3}}}}));
}

struct Case {
  const char* sentence;
  const char* text;
  const char* want;
};
constexpr Case kFaults[] = {
    {"a number beyond all", R"({"version": 1, "calls": {"x86_64": {"ioctl": 4e999}}})",
     "hot.json: read frequencies: a number in it is larger than any"},
    {"a syntax error", "{\n  \"version\": 1,\n}", "hot.json:3:1: read frequencies: it is not JSON"},
    {"an array", "[]", "hot.json: read frequencies: it is not an object"},
    {"no version", R"({"calls": {}})", "hot.json: read frequencies: \"version\" is not 1"},
    {"a version to come", R"({"version": 2, "calls": {}})",
     "hot.json: read frequencies: \"version\" is not 1"},
    {"no calls", R"({"version": 1})", "hot.json: read frequencies: \"calls\" is not an object"},
    {"a member too many", R"({"version": 1, "calls": {}, "call": 1})",
     "hot.json: read frequencies: unknown member \"call\" (there are: version, calls)"},
    {"an unknown architecture", R"({"version": 1, "calls": {"x86-64": {}}})",
     "hot.json: read frequencies: calls: unknown architecture \"x86-64\", did you mean "
     "\"x86_64\"?"},
    {"an architecture by another name", R"({"version": 1, "calls": {"amd64": {}}})",
     "hot.json: read frequencies: calls: unknown architecture \"amd64\""},
    {"no object of an architecture", R"({"version": 1, "calls": {"x86_64": 3}})",
     "hot.json: read frequencies: calls.x86_64 is not an object"},
    {"an unknown call", R"({"version": 1, "calls": {"x86_64": {"opnat": 1}}})",
     "hot.json: read frequencies: calls.x86_64: \"opnat\" is no system call of x86_64, did you "
     "mean \"openat\"?"},
    {"a call of another architecture", R"({"version": 1, "calls": {"x86_64": {"socketcall": 1}}})",
     "hot.json: read frequencies: calls.x86_64: \"socketcall\" is no system call of x86_64, did "
     "you mean \"socketpair\"?"},
    {"a negative count", R"({"version": 1, "calls": {"x86_64": {"read": -1}}})",
     "hot.json: read frequencies: calls.x86_64.read is not a whole number from 0 on"},
    {"a fraction", R"({"version": 1, "calls": {"x86_64": {"read": 1.5}}})",
     "hot.json: read frequencies: calls.x86_64.read is not a whole number from 0 on"},
};

TEST(Hot, Faults) {
  for (const Case& c : kFaults) {
    const auto hot = ParseHot(c.text, "hot.json");
    ASSERT_FALSE(hot) << c.sentence;
    EXPECT_EQ(base::ToString(hot.error()), c.want) << c.sentence;
    EXPECT_EQ(hot.error().code, base::ErrorCode::kInvalidInput) << c.sentence;
  }
}

TEST(Hot, IsFoundBesideThePolicyThatNamesIt) {
  const std::string directory = testing::TempDir() + "/hot";
  ASSERT_EQ(std::system(("mkdir -p " + directory).c_str()), 0);
  std::ofstream(directory + "/hot.json") << R"({"version": 1, "calls": {"x86_64": {"ioctl": 7}}})";
  const Context context = {.home = "/", .current_directory = "/", .native = Arch::kX86_64};
  const auto policy =
      Parse("bailey = 1\n[syscalls]\nhot = \"hot.json\"\n", directory + "/p.toml", context);
  ASSERT_TRUE(policy) << base::ToString(policy.error());
  EXPECT_EQ(policy->syscalls.hot, (Hot{{Arch::kX86_64, {{"ioctl", 7}}}}));

  const auto missing =
      Parse("bailey = 1\n[syscalls]\nhot = \"no.json\"\n", "/nowhere/p.toml", context);
  ASSERT_FALSE(missing);
  EXPECT_EQ(base::ToString(missing.error()),
            "/nowhere/p.toml:3:7: read [syscalls] hot: read policy \"/nowhere/no.json\": No such "
            "file or directory\nhot = \"no.json\"\n      ^");
}

}  // namespace
}  // namespace bailey::policy
