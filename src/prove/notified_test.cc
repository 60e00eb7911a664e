#include "prove/notified.h"

#include <gtest/gtest.h>

#include <random>

#include "abi/notification.h"
#include "bpf/interpreter.h"
#include "compile/compile.h"
#include "policy/load.h"
#include "prove/keep.h"
#include "prove/random_policy.h"
#include "prove/validate.h"

namespace bailey::prove {
namespace {

using abi::Arch;
using policy::AuditLog;

constexpr std::uint32_t kNotify = 0x7fc00000;

policy::Policy Load(std::string_view text) {
  auto policy = policy::Parse(text, "x.toml", {.home = "/home/me", .current_directory = "/work"});
  EXPECT_TRUE(policy) << base::ToString(policy.error());
  return *std::move(policy);
}

// What is attached and what is proved differ only where the supervisor is heard of; and what is
// proved is the policy.
TEST(Notified, IsThePolicyWhereTheSupervisorAnswers) {
  const std::uint64_t first_seed = std::random_device()();
  std::size_t notified = 0;
  for (std::uint64_t seed = first_seed; seed < first_seed + 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const policy::Syscalls syscalls = RandomSyscalls(random, {Arch::kX86_64, Arch::kI386});
    const policy::Audit audit = {.log = AuditLog::kDenied, .files = random() % 2 == 0};
    const auto filter = compile::CompileNotified(syscalls, audit);
    ASSERT_TRUE(filter) << filter.error().text;
    const auto plain = WithoutNotice(*filter);
    ASSERT_TRUE(plain);
    const auto same = Validate(syscalls, *plain);
    ASSERT_TRUE(same) << same.error().text;
    for (int i = 0; i < 500; ++i) {
      bpf::SeccompData data = {.nr = static_cast<std::uint32_t>(random() % 480),
                               .arch = abi::Info(i % 2 ? Arch::kI386 : Arch::kX86_64).token};
      for (auto& argument : data.args) argument = random() % 4 ? random() % 64 : random();
      const std::uint32_t returned = bpf::Interpret(*filter, data, false).value;
      ASSERT_EQ(abi::PlainAnswer(returned), bpf::Interpret(*plain, data, false).value);
      notified += (returned & 0xffff0000) == kNotify;
    }
  }
  EXPECT_GT(notified, 1000u);
}

// A filter whose supervisor would answer something else than the policy says is found out, by the
// proof that is made before every start.
TEST(Notified, AWrongAnswerIsFoundOut) {
  const policy::Policy policy = Load(R"(bailey = 1
[syscalls]
allow = ["@default"]
deny = [{ syscall = "ptrace", errno = "EPERM" }, { syscall = "mount", errno = "EACCES" }]
[audit]
log = "denied"
files = true
)");
  const auto filter = compile::CompileNotified(policy.syscalls, policy.audit);
  ASSERT_TRUE(filter);
  std::size_t notices = 0;
  for (std::size_t i = 0; i < filter->Size(); ++i) {
    const bpf::Instruction is = filter->Instructions()[i];
    if (is.code != bpf::kReturn || (is.k & 0xffff0000) != kNotify) continue;
    ++notices;
    for (const std::uint32_t wrong : {kNotify | 5u, kNotify | abi::kGoesOn, kNotify, 0x7fff0000u}) {
      if (abi::PlainAnswer(wrong) == abi::PlainAnswer(is.k)) continue;
      std::vector<bpf::Instruction> code(filter->Instructions().begin(),
                                         filter->Instructions().end());
      code[i].k = wrong;
      const auto plain = WithoutNotice(*bpf::Validate(std::move(code)));
      ASSERT_TRUE(plain);
      EXPECT_FALSE(ValidateAndKeep(policy, *plain)) << i << " " << std::hex << wrong;
    }
  }
  EXPECT_GE(notices, 3u);
}

// Nothing is promised of what the supervisor lets go on: it is open in the proof.
TEST(Notified, NoGuaranteeRestsOnWhatGoesOn) {
  const policy::Policy policy = Load(R"(bailey = 1
[syscalls]
allow = ["@default", "mount"]
[audit]
log = "denied"
files = true
[guarantees]
keep = ["no-mount"]
)");
  const auto filter = compile::CompileNotified(policy.syscalls, policy.audit);
  ASSERT_TRUE(filter);
  const auto plain = WithoutNotice(*filter);
  ASSERT_TRUE(plain);
  const auto kept = ValidateAndKeep(policy, *plain);
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().text.substr(0, 30), "keep guarantee no-mount: x86_6");
}

// What sends on sockets is heard of, and the filter is still the policy's.
TEST(Notified, SendsThatGoOnAreAllowedInTheProof) {
  const policy::Policy policy = Load(R"(bailey = 1
[syscalls]
allow = ["@default", "@network-io"]
architectures = ["native", "compat"]
[audit]
log = "denied"
network = true
)");
  const auto filter = compile::CompileNotified(policy.syscalls, policy.audit);
  ASSERT_TRUE(filter);
  const bpf::SeccompData sendto = {.nr = 44, .arch = abi::Info(Arch::kX86_64).token};
  const bpf::SeccompData write = {.nr = 1, .arch = abi::Info(Arch::kX86_64).token};
  EXPECT_EQ(bpf::Interpret(*filter, sendto, false).value, kNotify | abi::kGoesOn);
  EXPECT_EQ(bpf::Interpret(*filter, write, false).value, 0x7fff0000u);
  const auto plain = WithoutNotice(*filter);
  ASSERT_TRUE(plain);
  EXPECT_TRUE(ValidateAndKeep(policy, *plain));
}

// A notify that a policy asks for by name has nobody who answers it: it proves nothing.
TEST(Notified, ANotifyByNameStaysOne) {
  const policy::Policy policy = Load(R"(bailey = 1
[syscalls]
allow = ["@default"]
deny = [{ syscall = "bpf", action = "notify", data = 1 }]
[audit]
log = "denied"
)");
  const auto filter = compile::CompileNotified(policy.syscalls, policy.audit);
  ASSERT_TRUE(filter);
  const auto plain = WithoutNotice(*filter);
  ASSERT_TRUE(plain);
  ASSERT_TRUE(Validate(policy.syscalls, *plain));
  const bpf::SeccompData bpf = {.nr = 321, .arch = abi::Info(Arch::kX86_64).token};
  EXPECT_EQ(bpf::Interpret(*plain, bpf, false).value, kNotify);
}

TEST(Notified, ThePlainFilterHasNoNotice) {
  const policy::Policy policy = Load("bailey = 1\nextends = [\"agent\"]\n");
  const auto filter = compile::Compile(policy.syscalls);
  ASSERT_TRUE(filter);
  for (const bpf::Instruction& one : filter->Instructions())
    EXPECT_FALSE(one.code == bpf::kReturn && (one.k & 0xffff0000) == kNotify);
}

}  // namespace
}  // namespace bailey::prove
