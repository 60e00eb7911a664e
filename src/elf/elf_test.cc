#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "abi/syscalls.h"
#include "elf/code.h"
#include "elf/reach.h"

namespace bailey::elf {
namespace {

using Bytes = std::vector<std::uint8_t>;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

void Put(Bytes& bytes, std::size_t at, std::uint64_t number, unsigned size) {
  for (unsigned i = 0; i < size; ++i)
    bytes.at(at + i) = static_cast<std::uint8_t>(number >> (8 * i));
}

constexpr std::uint64_t kBase = 0x400000, kCode = 0x400, kData = 0x800;

// An executable at kBase, loaded whole: its code at kCode, data at kData.
Bytes Executable(const Bytes& code, const Bytes& data = {}) {
  Bytes file(0x1000);
  const std::uint8_t head[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
  std::copy(std::begin(head), std::end(head), file.begin());
  Put(file, 16, 2, 2);              // ET_EXEC
  Put(file, 18, 62, 2);             // EM_X86_64
  Put(file, 24, kBase + kCode, 8);  // entry
  Put(file, 32, 64, 8);             // program headers
  Put(file, 56, 2, 2);
  const auto segment = [&](std::size_t at, std::uint64_t offset, std::uint64_t size, bool is_code) {
    Put(file, at, 1, 4);  // PT_LOAD
    Put(file, at + 4, is_code ? 5 : 4, 4);
    Put(file, at + 8, offset, 8);
    Put(file, at + 16, kBase + offset, 8);
    Put(file, at + 32, size, 8);
  };
  segment(64, kCode, code.size(), true);
  segment(120, kData, 0x800, false);
  std::ranges::copy(code, file.begin() + kCode);
  std::ranges::copy(data, file.begin() + kData);
  return file;
}

Bound BoundOf(const Bytes& code, const Bytes& data = {}) {
  auto image = Image::Parse("program", Executable(code, data));
  EXPECT_TRUE(image) << image.error().text;
  Object object(*std::move(image));
  return FindCalls({&object});
}

// Without those that the kernel makes of itself.
std::vector<std::string> CallsOf(const Bound& bound) {
  std::vector<std::string> calls;
  for (const auto& [call, where] : bound.calls)
    if (where != "the kernel's own page")
      calls.push_back(std::string(abi::Info(call.first).name) + ":" +
                      std::string(abi::Name(call.first, call.second)));
  return calls;
}

TEST(FindCalls, FollowsTheNumber) {
  const struct {
    const char* sentence;
    Bytes code;
    std::vector<std::string> want;
  } kCases[] = {
      {"mov $39,%eax; syscall; ret", {0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3}, {"x86_64:getpid"}},
      {"xor %eax,%eax; syscall; ret", {0x31, 0xc0, 0x0f, 0x05, 0xc3}, {"x86_64:read"}},
      {"mov $39,%edx; mov %edx,%eax; syscall; ret",
       {0xba, 39, 0, 0, 0, 0x89, 0xd0, 0x0f, 0x05, 0xc3},
       {"x86_64:getpid"}},
      {"xor %eax,%eax; mov $39,%al; syscall; ret",
       {0x31, 0xc0, 0xb0, 39, 0x0f, 0x05, 0xc3},
       {"x86_64:getpid"}},
      {"push $39; pop %rax; syscall; ret", {0x6a, 39, 0x58, 0x0f, 0x05, 0xc3}, {"x86_64:getpid"}},
      {"mov $20,%eax; int $0x80; ret", {0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3}, {"i386:getpid"}},
      {"of two ways both: mov $39,%eax; je 1f; mov $57,%eax; 1: syscall; ret",
       {0xb8, 39, 0, 0, 0, 0x74, 5, 0xb8, 57, 0, 0, 0, 0x0f, 0x05, 0xc3},
       {"x86_64:getpid", "x86_64:fork"}},
      {"x32's bit: mov $0x40000027,%eax; syscall; ret",
       {0xb8, 39, 0, 0, 0x40, 0x0f, 0x05, 0xc3},
       {"x32:getpid"}},
      {"what is jumped over is not there: jmp 1f; syscall; 1: ret",
       {0xeb, 2, 0x0f, 0x05, 0xc3},
       {}},
  };
  for (const auto& one : kCases) {
    const Bound bound = BoundOf(one.code);
    EXPECT_EQ(CallsOf(bound), one.want) << one.sentence;
    EXPECT_THAT(bound.open, IsEmpty()) << one.sentence;
  }
}

TEST(FindCalls, GoesToWhereTheNumberComesFrom) {
  // mov $39,%edi; call 1f; mov $57,%edi; call 1f; ret; 1: mov %edi,%eax; syscall; ret
  const Bound bound = BoundOf({0xbf, 39, 0,    0, 0, 0xe8, 11, 0,    0,    0,    0xbf, 57,   0,
                               0,    0,  0xe8, 1, 0, 0,    0,  0xc3, 0x89, 0xf8, 0x0f, 0x05, 0xc3});
  EXPECT_THAT(CallsOf(bound), ElementsAre("x86_64:getpid", "x86_64:fork"));
  EXPECT_THAT(bound.open, IsEmpty());
}

TEST(FindCalls, SaysWhereItDoesNotKnow) {
  // add $1,%eax; syscall; ret
  const Bound made = BoundOf({0x83, 0xc0, 1, 0x0f, 0x05, 0xc3});
  EXPECT_THAT(made.open, ElementsAre(Opening{"program at 0x400403",
                                             "its number is made at program at 0x400400"}));
  // mov (%rdi),%eax; syscall; ret
  const Bound loaded = BoundOf({0x8b, 0x07, 0x0f, 0x05, 0xc3});
  EXPECT_THAT(loaded.open.at(0).why, HasSubstr("read from memory"));
  // mov 8(%rsp),%eax; syscall; ret
  const Bound argument = BoundOf({0x8b, 0x44, 0x24, 8, 0x0f, 0x05, 0xc3});
  EXPECT_THAT(argument.open.at(0).why, HasSubstr("made at"));
  // call *%rcx; syscall: what is called may leave anything
  const Bound called = BoundOf({0xff, 0xd1, 0x0f, 0x05, 0xc3});
  EXPECT_EQ(called.open.size(), 1u);
}

TEST(FindCalls, FollowsAddressesInCodeAndData) {
  // mov $0x400408,%ecx; call *%rcx; ret; mov $39,%eax; syscall; ret
  EXPECT_THAT(CallsOf(BoundOf(
                  {0xb9, 8, 4, 0x40, 0, 0xff, 0xd1, 0xc3, 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3})),
              ElementsAre("x86_64:getpid"));
  // ret; mov $39,%eax; syscall; ret; and its address in a word of data
  EXPECT_THAT(
      CallsOf(BoundOf({0xc3, 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3}, {1, 4, 0x40, 0, 0, 0, 0, 0})),
      ElementsAre("x86_64:getpid"));
  EXPECT_THAT(CallsOf(BoundOf({0xc3, 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3})), IsEmpty());
}

TEST(FindCalls, FollowsTablesOfJumps) {
  // jmp *0x400800(,%rdi,8); 1: mov $39,%eax; syscall; ret; 2: mov $57,%eax; syscall; ret
  const Bytes code = {0xff, 0x24, 0xfd, 0,    8,  0x40, 0, 0xb8, 39,   0,    0,   0,
                      0x0f, 0x05, 0xc3, 0xb8, 57, 0,    0, 0,    0x0f, 0x05, 0xc3};
  const Bytes table = {7, 4, 0x40, 0, 0, 0, 0, 0, 15, 4, 0x40, 0, 0, 0, 0, 0};
  const Bound bound = BoundOf(code, table);
  EXPECT_THAT(CallsOf(bound), ElementsAre("x86_64:getpid", "x86_64:fork"));
  EXPECT_THAT(bound.open, IsEmpty());
}

TEST(Image, IsNotMadeOfWhatIsNone) {
  const auto fault = [](Bytes file) {
    const auto image = Image::Parse("x", std::move(file));
    return image ? "" : image.error().text;
  };
  EXPECT_EQ(fault({}), "read ELF file x: it is none");
  EXPECT_EQ(fault(Bytes(100)), "read ELF file x: it is none");
  Bytes file = Executable({0xc3});
  EXPECT_EQ(fault(file), "");
  Put(file, 18, 183, 2);
  EXPECT_EQ(fault(file), "read ELF file x: it is of another machine than x86");
  file = Executable({0xc3});
  Put(file, 32, 0xfff0, 8);
  EXPECT_EQ(fault(file), "read ELF file x: its segments are outside of it");
  file = Executable({0xc3});
  Put(file, 64 + 32, 0x2000, 8);
  EXPECT_EQ(fault(file), "read ELF file x: a segment is outside of it");
}

// Whatever is cut off of this program, or changed in it, is read to an end.
TEST(Image, SurvivesDamage) {
  std::ifstream self("/proc/self/exe", std::ios::binary);
  Bytes whole((std::istreambuf_iterator<char>(self)), {});
  ASSERT_GT(whole.size(), 4096u);
  ASSERT_TRUE(Image::Parse("self", whole));
  std::uint64_t seed = 1;
  for (int round = 0; round < 200; ++round) {
    Bytes file(whole.begin(),
               whole.begin() + std::min<std::ptrdiff_t>(64 << 10, std::ssize(whole)));
    if (round % 4 == 0) file.resize(file.size() >> (round / 16));
    for (int i = 0; i < round; ++i) {
      seed = seed * 6364136223846793005 + 1442695040888963407;
      file.at((seed >> 33) % std::min<std::size_t>(file.size(), round % 2 ? 1024 : file.size())) =
          static_cast<std::uint8_t>(seed >> 24);
    }
    auto image = Image::Parse("damaged", std::move(file));
    if (!image) continue;
    Object object(*std::move(image));
    (void)FindCalls({&object});
  }
}

}  // namespace
}  // namespace bailey::elf
