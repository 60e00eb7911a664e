#include "bailey/filter.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "abi/arch.h"
#include "bpf/program.h"

namespace bailey {
namespace {

using testing::HasSubstr;

TEST(Filter, IsWhatTheKernelTakes) {
  const auto filter = CompilePolicy("untrusted");
  ASSERT_TRUE(filter) << filter.error();
  EXPECT_EQ(filter->Bytes().size(), filter->InstructionCount() * 8);
  const auto program = bpf::Read(filter->Bytes());
  ASSERT_TRUE(program) << base::ToString(program.error());
  EXPECT_EQ(program->Size(), filter->InstructionCount());
  EXPECT_THAT(filter->Warnings(), testing::IsEmpty());
}

TEST(Filter, OfTheOtherByteOrderIsTheSameTurned) {
  const auto little = CompilePolicyText("bailey = 1", {.architectures = {"ppc64le"}});
  const auto big = CompilePolicyText("bailey = 1", {.architectures = {"ppc64"}});
  ASSERT_TRUE(little && big);
  ASSERT_EQ(little->Bytes().size(), big->Bytes().size());
  const std::uint8_t load_arch_little[] = {0x20, 0, 0, 0, 4, 0, 0, 0};
  const std::uint8_t load_arch_big[] = {0, 0x20, 0, 0, 0, 0, 0, 4};
  EXPECT_THAT(little->Bytes().first(8), testing::ElementsAreArray(load_arch_little));
  EXPECT_THAT(big->Bytes().first(8), testing::ElementsAreArray(load_arch_big));
}

TEST(Filter, MemfdIsSealed) {
  const auto filter = CompilePolicyText("bailey = 1");
  ASSERT_TRUE(filter) << filter.error();
  auto memfd = filter->SealedMemfd();
  ASSERT_TRUE(memfd) << memfd.error();
  std::string bytes(filter->Bytes().size() + 1, '\0');
  EXPECT_EQ(read(memfd->Number(), bytes.data(), bytes.size()),
            static_cast<ssize_t>(filter->Bytes().size()));
  EXPECT_EQ(fcntl(memfd->Number(), F_GET_SEALS),
            F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  EXPECT_EQ(fcntl(memfd->Number(), F_GETFD), FD_CLOEXEC);

  const int number = memfd->Number();
  Descriptor moved = std::move(*memfd);
  EXPECT_EQ(moved.Number(), number);
  EXPECT_EQ(memfd->Number(), -1);
  moved = Descriptor(-1);
  EXPECT_EQ(fcntl(number, F_GETFD), -1) << "it is closed";
}

TEST(Filter, SaysWhatIsWrong) {
  EXPECT_EQ(
      CompilePolicyText("bailey = 1\n[syscalls]\nallow = [\"raed\"]", {.file = "p.toml"}).error(),
      "p.toml:3:10: read [syscalls] allow: no architecture has a system call \"raed\", did "
      "you mean \"read\"?\nallow = [\"raed\"]\n         ^");
  EXPECT_THAT(CompilePolicy("untrustd").error(),
              HasSubstr("unknown preset \"untrustd\", did you mean \"untrusted\"?"));
  EXPECT_EQ(CompileContainerProfile("{}", {}, {.file = "p.json"}).error(),
            "read profile p.json: it has no \"defaultAction\"");
  EXPECT_EQ(CompileContainerProfile("{}", {}, {.architectures = {"vax"}}).error(),
            "read architecture vax: it is unknown");
}

TEST(Filter, AStackIsNeverOneFilter) {
  const std::string directory = testing::TempDir() + "bailey-filter-stack/";
  std::filesystem::create_directories(directory);
  const auto old = CompilePolicyText("bailey = 1\n[syscalls]\ndeny = [\"ptrace\"]\n");
  ASSERT_TRUE(old) << old.error();
  std::ofstream(directory + "old.bpf")
      .write(reinterpret_cast<const char*>(old->Bytes().data()),
             static_cast<std::streamsize>(old->Bytes().size()));
  std::ofstream(directory + "p.toml") << "bailey = 1\n[syscalls]\nstack = [\"old.bpf\"]\n";
  EXPECT_EQ(CompilePolicy(directory + "p.toml").error(),
            directory + "p.toml:3:10: compile policy: it stacks " + directory +
                "old.bpf below its own filter, and one filter is asked for");
  const auto stack = CompilePolicyStack(directory + "p.toml");
  ASSERT_TRUE(stack) << stack.error();
  ASSERT_EQ(stack->size(), 2u);
  EXPECT_TRUE(std::ranges::equal((*stack)[0].Bytes(), old->Bytes()));
  std::filesystem::remove_all(directory);
}

TEST(Filter, Warns) {
  const auto filter = CompilePolicy("flatpak", {.architectures = {"x86_64", "i386"}});
  ASSERT_TRUE(filter) << filter.error();
  EXPECT_THAT(filter->Warnings(),
              testing::ElementsAre(HasSubstr("the conditions on socket are void on i386")));
}

}  // namespace
}  // namespace bailey
