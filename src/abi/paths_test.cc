#include "abi/paths.h"

#include <gtest/gtest.h>

#include "abi/arguments.h"
#include "abi/notification.h"
#include "abi/syscalls.h"

namespace bailey::abi {
namespace {

// Every row is a call that exists, and its slots are what the kernel's signatures say.
TEST(Paths, AgreeWithTheSignatures) {
  int looked_at = 0;
  for (const std::string_view call : AllNames()) {
    for (const PathArgument& path : PathsOf(call)) {
      for (const Arch arch : {Arch::kX86_64, Arch::kI386, Arch::kAarch64}) {
        if (!Number(arch, call) || !HasSignature(arch, call)) continue;
        const ArgumentList arguments = Arguments(arch, call);
        ++looked_at;
        ASSERT_GT(arguments.size(), path.path) << call;
        EXPECT_EQ(arguments[path.path].type, ArgumentType::kPointer) << call;
        if (path.directory >= 0) {
          EXPECT_EQ(arguments[static_cast<std::size_t>(path.directory)].type, ArgumentType::kI32)
              << call;
        }
        if (path.use == PathUse::kOpen) {
          EXPECT_EQ(arguments[path.flags].name, "flags") << call;
        }
      }
    }
  }
  EXPECT_GT(looked_at, 100);
}

TEST(Paths, OfCallsWithoutAny) {
  EXPECT_TRUE(PathsOf("read").empty());
  EXPECT_TRUE(PathsOf("").empty());
  EXPECT_EQ(PathsOf("renameat2").size(), 2u);
}

TEST(Notification, StandsForWhatTheSupervisorAnswers) {
  EXPECT_EQ(Notified(Action::Errno(1)), 0x7fc00001u);
  EXPECT_EQ(Notified(Action::Allow()), 0x7fc0ffffu);
  const struct {
    std::uint32_t returned, plain;
  } kCases[] = {
      {0x7fc00001, 0x00050001}, {0x7fc00fff, 0x00050fff}, {0x7fc0ffff, 0x7fff0000},  // goes on
      {0x7fc00000, 0x7fc00000},  // asked for by name
      {0x7fc01000, 0x7fc01000},  // no errno
      {0x00050001, 0x00050001}, {0x7fff0000, 0x7fff0000}, {0x80000000, 0x80000000},
      {0x7ff00001, 0x7ff00001},
  };
  for (const auto& one : kCases) EXPECT_EQ(PlainAnswer(one.returned), one.plain) << one.returned;
}

}  // namespace
}  // namespace bailey::abi
