#include "abi/sends.h"

#include <gtest/gtest.h>

#include "abi/arguments.h"
#include "abi/syscalls.h"

namespace bailey::abi {
namespace {

// What is sent is where the kernel's signatures have a pointer, behind the socket's descriptor.
TEST(Sends, AgreeWithTheSignatures) {
  int looked_at = 0;
  for (const std::string_view call : AllNames()) {
    const auto form = SendFormOf(call);
    if (!form) continue;
    for (const Arch arch : {Arch::kX86_64, Arch::kI386, Arch::kAarch64, Arch::kArm}) {
      if (!Number(arch, call) || !HasSignature(arch, call)) continue;
      const ArgumentList arguments = Arguments(arch, call);
      ++looked_at;
      ASSERT_GE(arguments.size(), 2u) << call;
      EXPECT_EQ(arguments[0].type, ArgumentType::kI32) << call;
      EXPECT_EQ(arguments[1].type, ArgumentType::kPointer) << call;
    }
  }
  EXPECT_GE(looked_at, 10);
}

TEST(Sends, AreThoseOfSocketsAlone) {
  for (const char* const call : {"send", "sendto", "sendmsg", "sendmmsg", "socketcall"})
    EXPECT_TRUE(SendFormOf(call)) << call;
  for (const char* const call : {"", "write", "writev", "sendfile", "recvmsg", "connect", "zzz"})
    EXPECT_FALSE(SendFormOf(call)) << call;
}

TEST(Sends, PointersOfAnArchitecture) {
  EXPECT_EQ(PointerBytes(Arch::kX86_64), 8u);
  EXPECT_EQ(PointerBytes(Arch::kX32), 4u);
  EXPECT_EQ(PointerBytes(Arch::kI386), 4u);
}

}  // namespace
}  // namespace bailey::abi
