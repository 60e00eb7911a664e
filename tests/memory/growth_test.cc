// Memory that hostile input takes grows with its length, not faster: each reader is given inputs of
// n and of 4n bytes of the same make, and what it holds at most, and allocates in all, is compared.
// Four times as much is linear and sixteen times is quadratic; vectors that double in between make
// up to seven of the four.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/program.h"
#include "policy/condition.h"
#include "policy/hot.h"
#include "policy/import_firecracker.h"
#include "policy/import_oci.h"
#include "policy/import_systemd.h"
#include "policy/load.h"

namespace {

struct Count {
  std::size_t held = 0, most = 0, all = 0;
};
Count count;

void* Allocate(std::size_t size) {
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  const std::size_t usable = malloc_usable_size(memory);
  count.held += usable;
  count.all += usable;
  count.most = std::max(count.most, count.held);
  return memory;
}

void Free(void* memory) {
  if (memory != nullptr) count.held -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return Allocate(size); }
void* operator new[](std::size_t size) { return Allocate(size); }
void operator delete(void* memory) noexcept { Free(memory); }
void operator delete[](void* memory) noexcept { Free(memory); }
void operator delete(void* memory, std::size_t) noexcept { Free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { Free(memory); }

namespace bailey {
namespace {

using Use = std::function<void(std::string_view)>;
using Make = std::function<std::string(std::size_t)>;

// `begin`, then `part` again and again up to about `size` bytes, then `end`.
std::string Fill(std::size_t size, std::string_view begin, std::string_view part,
                 std::string_view end) {
  std::string text(begin);
  while (text.size() + end.size() < size) text += part;
  return text.append(end);
}

struct Used {
  std::size_t most, all;
};

Used Measure(const Use& use, const std::string& text) {
  count.most = count.held;
  const Count before = count;
  use(text);
  return {count.most - before.held, count.all - before.all};
}

bool GrowsLinearly(const Use& use, const Make& make, std::size_t size) {
  constexpr std::size_t kSlack = 64 << 10;  // what any input takes
  const std::string small = make(size);
  const std::string large = make(4 * size);
  use(small);  // what is made once and kept
  const Used a = Measure(use, small);
  const Used b = Measure(use, large);
  return b.most <= 7 * a.most + kSlack && b.all <= 7 * a.all + kSlack;
}

TEST(Growth, TheMeasureSeesAQuadraticReader) {
  const Make text = [](std::size_t size) { return std::string(size, 'x'); };
  const Use holds = [](std::string_view read) {
    std::vector<std::string> copies(read.size() / 32, std::string(read));
  };
  const Use allocates = [](std::string_view read) {
    for (std::size_t i = 0; i < read.size() / 32; ++i) const std::string copy(read);
  };
  const Use linear = [](std::string_view read) {
    std::vector<std::string> parts;
    for (const char c : read) parts.emplace_back(40, c);
  };
  EXPECT_FALSE(GrowsLinearly(holds, text, 8192));
  EXPECT_FALSE(GrowsLinearly(allocates, text, 8192));
  EXPECT_TRUE(GrowsLinearly(linear, text, 8192));
}

struct Shape {
  std::string_view sentence, begin, part, end;
};

void ExpectLinear(std::string_view reader, const Use& use, const std::vector<Shape>& shapes,
                  std::size_t size = 32 << 10) {
  for (const Shape& shape : shapes) {
    const Make make = [&](std::size_t bytes) {
      return Fill(bytes, shape.begin, shape.part, shape.end);
    };
    EXPECT_TRUE(GrowsLinearly(use, make, size)) << reader << ": " << shape.sentence;
    const Used used = Measure(use, make(4 * size));
    std::cout << reader << ", " << shape.sentence << ": " << used.most / (4 * size)
              << " bytes a byte at most, " << used.all / (4 * size) << " in all\n";
  }
}

TEST(Growth, PolicyText) {
  const Use use = [](std::string_view text) {
    (void)policy::Parse(text, "t.toml", {.home = "/home/u", .current_directory = "/proj"});
  };
  constexpr std::string_view kCalls = "bailey = 1\n[syscalls]\n";
  const std::string allow = std::string(kCalls) + "allow = [";
  const std::string deny = std::string(kCalls) + "deny = [";
  const std::string condition = deny + "{ syscall = \"ioctl\", when = \"cmd == 1";
  const std::string files = "bailey = 1\n[filesystem]\nread = [";
  ExpectLinear("policy text", use,
               {
                   {"calls", allow, "\"read\", ", "]"},
                   {"groups", allow, "\"@default\", ", "]"},
                   {"conditions", deny, "{ syscall = \"ioctl\", when = \"cmd == 1\" }, ", "]"},
                   {"raw numbers", deny, "{ nr = 5, arch = \"x86_64\", errno = 7 }, ", "]"},
                   {"one condition", condition, " or cmd == 1", "\" }]"},
                   {"one set", deny + "{ syscall = \"ioctl\", when = \"cmd in {1", ", 2", "}\" }]"},
                   {"paths", files, "\"/usr\", ", "]"},
                   {"one path", files + "\"", "/usr", "\"]"},
                   {"fault at the end", allow, "\"read\", ", "\"raed\"]"},
                   {"a long line, with a fault", allow + "\"raed\", ", "\"read\", ", "]"},
                   {"comments", "bailey = 1\n", "# nothing\n", ""},
                   {"unknown keys", "bailey = 1\n", "a.b.c.d = 1\n", ""},
                   {"tables", "bailey = 1\n", "[[a]]\n", ""},
                   {"open brackets", "a = ", "[", ""},
                   {"characters beyond ASCII", "bailey = 1\nname = \"", "\xc3\xa9", "\""},
                   {"escapes", "bailey = 1\nname = \"", "\\u00e9", "\""},
               });
}

TEST(Growth, ConditionText) {
  const Use use = [](std::string_view text) {
    const auto condition = policy::ParseCondition(text);
    if (condition) (void)policy::ToString(*condition);
  };
  ExpectLinear("condition", use,
               {
                   {"or", "a == 1", " or a == 1", ""},
                   {"and", "a == 1", " and a == 1", ""},
                   {"a set", "a in {1", ", 1", "}"},
                   {"a value of many terms", "a == 1", " | X", ""},
                   {"open parentheses", "", "(", "a == 1"},
                   {"not", "", "not ", "a == 1"},
                   {"a long name", "", "a", ""},
                   {"a fault at the end", "a == 1", " or a == 1", " or"},
               });
}

TEST(Growth, ContainerProfile) {
  const Use use = [](std::string_view text) { (void)policy::ImportOci(text, "t.json"); };
  constexpr std::string_view kRules =
      R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"})";
  const std::string named =
      std::string(kRules) + R"(, {"action": "SCMP_ACT_ALLOW", "names": ["read")";
  const std::string tested =
      std::string(kRules) + R"(, {"names": ["write"], "action": "SCMP_ACT_ALLOW", "args": [
        {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"})";
  ExpectLinear(
      "container profile", use,
      {
          {"rules", kRules,
           R"(, {"names": ["socket"], "action": "SCMP_ACT_KILL", "args": [{"index": 0, "value": 5, "op": "SCMP_CMP_EQ"}]})",
           "]}"},
          {"rules that decide", kRules, R"(, {"names": ["write"], "action": "SCMP_ACT_KILL"})",
           "]}"},
          {"names", named, R"(, "openat")", "]}]}"},
          {"arguments", tested, R"(, {"index": 1, "value": 1, "op": "SCMP_CMP_NE"})", "]}]}"},
          {"architectures",
           R"({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86")",
           R"(, "SCMP_ARCH_X86")", "]}"},
          {"unknown members", R"({"defaultAction": "SCMP_ACT_ALLOW")", R"(, "a": 1)", "}"},
          {"open brackets", "", "[", ""},
          {"a long string", "{\"defaultAction\": \"", "x", "\"}"},
      });
}

TEST(Growth, FirecrackerFilters) {
  const Use use = [](std::string_view text) {
    (void)policy::ImportFirecracker(text, "t.json", abi::Arch::kX86_64);
  };
  constexpr std::string_view kThread =
      R"({"vmm": {"default_action": "trap", "filter_action": "allow", "filter": [{"syscall": "read"})";
  const std::string tested = std::string(kThread) + R"(, {"syscall": "write", "args": [
        {"index": 0, "type": "dword", "op": "eq", "val": 1})";
  ExpectLinear(
      "Firecracker's filters", use,
      {
          {"rules", kThread, R"(, {"syscall": "write"})", "]}}"},
          {"arguments", tested,
           R"(, {"index": 1, "type": "qword", "op": {"masked_eq": 3}, "val": 1})", "]}]}}"},
          {"open brackets", "", "{\"a\":", ""},
          {"a fault at the end", kThread, R"(, {"syscall": "write"})", ", 1]}}"},
      });
  const Make threads = [](std::size_t size) {
    std::string text = "{";
    for (int i = 0; text.size() < size; ++i) {
      text += (i == 0 ? "" : ", ") + std::string("\"t") + std::to_string(i) +
              R"(": {"default_action": "trap", "filter_action": "allow", "filter": []})";
    }
    return text + "}";
  };
  EXPECT_TRUE(GrowsLinearly(use, threads, 32 << 10)) << "threads";
}

TEST(Growth, SystemdUnit) {
  const Use use = [](std::string_view text) { (void)policy::ImportSystemd(text, "t.service"); };
  ExpectLinear("systemd unit", use,
               {
                   {"lines", "[Service]\n", "SystemCallFilter=read\n", ""},
                   {"groups", "SystemCallFilter=", "@system-service ", ""},
                   {"one continued line", "SystemCallFilter=", "read \\\n", ""},
                   {"answers", "SystemCallFilter=~read", " write:EACCES", ""},
                   {"architectures", "SystemCallFilter=read\nSystemCallArchitectures=", "x86 ", ""},
                   {"a long word", "SystemCallFilter=", "x", ""},
                   {"other lines", "[Service]\n", "Environment=A=B\n", ""},
               });
}

TEST(Growth, Frequencies) {
  const Use use = [](std::string_view text) { (void)policy::ParseHot(text, "t.json"); };
  ExpectLinear("frequencies", use,
               {
                   {"one call again", R"({"version": 1, "calls": {"x86_64": {"read": 1)",
                    R"(, "read": 1)", "}}}"},
                   {"open brackets", "", "[", ""},
               });
}

TEST(Growth, FilterBytes) {
  const Use use = [](std::string_view text) {
    (void)bpf::Read({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  using namespace std::string_view_literals;
  constexpr std::string_view kReturn = "\x06\0\0\0\0\0\xff\x7f"sv;
  ExpectLinear("filter", use,
               {
                   {"returns", "", kReturn, kReturn},
                   {"tests", "", "\x15\0\0\0\1\0\0\0"sv, kReturn},
                   {"memory", "", "\2\0\0\0\1\0\0\0\x60\0\0\0\1\0\0\0"sv, kReturn},
                   {"no instructions", "", "\xff\xff\xff\xff\xff\xff\xff\xff"sv, ""},
               },
               8 << 10);
  ExpectLinear("filter that is too long", use, {{"returns", "", kReturn, kReturn}}, 256 << 10);
}

}  // namespace
}  // namespace bailey
