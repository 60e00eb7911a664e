#include "prove/keep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compile/compile.h"
#include "policy/load.h"

namespace bailey::prove {
namespace {

base::Status KeepOf(std::string_view text) {
  const auto policy = policy::Parse(text, "t.toml", {"/home/someone", "/proj", abi::Arch::kX86_64});
  if (!policy) throw std::runtime_error(base::ToString(policy.error()));
  const auto program = compile::Compile(policy->syscalls);
  if (!program) throw std::runtime_error(program.error().text);
  return Keep(*policy, *program);
}

TEST(Keep, PresetsKeepWhatTheyPromise) {
  for (const policy::Preset& preset : policy::Presets()) {
    const auto policy = policy::Load(preset.name, {"/home/someone", "/proj"});
    ASSERT_TRUE(policy);
    const auto program = compile::Compile(policy->syscalls);
    ASSERT_TRUE(program);
    const auto kept = Keep(*policy, *program);
    EXPECT_TRUE(kept) << preset.name << ": " << base::ToString(kept.error());
    const bool promises = preset.name == "untrusted" || preset.name == "agent";
    EXPECT_TRUE(!promises || policy->guarantees.size() >= 10) << preset.name;
  }
}

struct Broken {
  const char* sentence;
  const char* text;
  base::ErrorCode code;
  const char* want;
};

TEST(Keep, ABrokenPromiseHasItsPlaceAndACall) {
  const Broken rows[] = {
      {"granted what the preset promises not to",
       "bailey = 1\nextends = [\"untrusted\"]\n[syscalls]\nallow = [\"bpf\"]\n"
       "[guarantees]\nkeep = [\"no-bpf\"]\n",
       base::ErrorCode::kViolation,
       "keep guarantee no-bpf: x86_64: bpf(cmd=0, uattr=0, size=0) -> allow"},
      {"a name that is none", "bailey = 1\n[guarantees]\nkeep = [\"no-bfp\"]\n",
       base::ErrorCode::kInvalidInput,
       "t.toml:3:9: find guarantee \"no-bfp\": there is none, did you mean \"no-bpf\"?"},
      {"what no filter can promise", "bailey = 1\n[guarantees]\nkeep = [\"no-uprobe\"]\n",
       base::ErrorCode::kUnsupported,
       "t.toml:3:9: keep guarantee no-uprobe: undecided: the kernel passes x86_64 335 (uretprobe) "
       "whatever a filter says"},
  };
  for (const Broken& row : rows) {
    const auto kept = KeepOf(row.text);
    ASSERT_FALSE(kept) << row.sentence;
    EXPECT_EQ(kept.error().code, row.code) << row.sentence;
    EXPECT_THAT(base::ToString(kept.error()), testing::HasSubstr(row.want)) << row.sentence;
  }
}

// What the policy's own filter opens, one below it may close.
TEST(Keep, AStackIsJudgedWhole) {
  auto policy = policy::Parse(
      "bailey = 1\n[syscalls]\nallow = [\"bpf\"]\n[guarantees]\nkeep = [\"no-bpf\"]\n", "t.toml",
      {.home = "/home/u", .current_directory = "/proj"});
  ASSERT_TRUE(policy) << base::ToString(policy.error());
  const auto own = compile::Compile(policy->syscalls);
  ASSERT_TRUE(own);
  EXPECT_FALSE(ValidateAndKeep(*policy, *own));
  const auto denies_all = bpf::Validate({{bpf::kReturn, 0, 0, 0x50001}});
  policy->syscalls.stack.push_back({"old.bpf", {}, *denies_all});
  EXPECT_TRUE(Keep(*policy, *own));
  EXPECT_TRUE(ValidateAndKeep(*policy, *own));
}

TEST(Keep, APromiseIsGivenUpByName) {
  const std::string start =
      "bailey = 1\nextends = [\"untrusted\"]\n[syscalls]\nallow = [\"bpf\"]\n";
  EXPECT_FALSE(KeepOf(start));
  const auto kept = KeepOf(start + "[guarantees]\ngive-up = [\"no-bpf\"]\n");
  EXPECT_TRUE(kept) << base::ToString(kept.error());
  // No other is given up with it.
  EXPECT_FALSE(
      KeepOf("bailey = 1\nextends = [\"untrusted\"]\n[syscalls]\nallow = [\"bpf\", "
             "\"@io-uring\"]\n[guarantees]\ngive-up = [\"no-bpf\"]\n"));
}

}  // namespace
}  // namespace bailey::prove
