#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "abi/syscalls.h"
#include "compile/compile.h"
#include "compile/draw_svg.h"
#include "compile/draw_text.h"

namespace bailey::compile {
namespace {

using abi::Arch;
using testing::HasSubstr;
using testing::Not;

const policy::Answer kAllow = {abi::ActionKind::kAllow, "", 0};
const policy::Answer kEperm = {abi::ActionKind::kErrno, "EPERM", 0};

policy::Rule On(std::string call, policy::Answer answer, std::string_view condition = "") {
  policy::Rule rule;
  rule.syscall = std::move(call);
  rule.answer = std::move(answer);
  if (!condition.empty()) rule.condition = *policy::ParseCondition(condition);
  return rule;
}

policy::Syscalls Small(std::vector<Arch> archs = {Arch::kX86_64}) {
  policy::Syscalls syscalls;
  syscalls.architectures = std::move(archs);
  syscalls.default_action = kEperm;
  syscalls.rules = {On("read", kAllow),
                    On("write", kAllow),
                    On("ioctl", kEperm, "cmd in {TIOCSTI, TIOCLINUX}"),
                    On("ioctl", kAllow),
                    On("lseek", kAllow, "offset >= 0 and whence == 1"),
                    On("socket", kAllow, "family == AF_INET and type & 0xf in {1, 2}")};
  return syscalls;
}

PolicyOutline OutlineOf(const policy::Syscalls& syscalls) {
  auto outline = Outline(syscalls);
  EXPECT_TRUE(outline) << base::ToString(outline.error());
  return outline ? *std::move(outline) : PolicyOutline();
}

TEST(Outline, NamesArgumentsAndConstants) {
  const PolicyOutline outline = OutlineOf(Small());
  ASSERT_EQ(outline.architectures.size(), 1u);
  EXPECT_EQ(outline.foreign, "kill-process");
  const ArchOutline& arch = outline.architectures[0];
  EXPECT_EQ(arch.unknown, "ENOSYS");
  std::size_t calls = 0;
  std::vector<std::string> with_tests;
  for (const Group& group : arch.groups) {
    calls += group.calls.size();
    EXPECT_EQ(group.answer.empty(), !group.tests.empty());
    if (!group.tests.empty()) with_tests.push_back(group.calls.at(0));
  }
  EXPECT_EQ(calls, abi::Syscalls(Arch::kX86_64).size());
  EXPECT_THAT(with_tests, testing::ElementsAre("lseek", "ioctl", "socket"));
}

TEST(Draw, PseudoCodeOfTests) {
  const std::string text = PseudoCode(OutlineOf(Small()));
  EXPECT_THAT(text, HasSubstr("architecture x86_64 (0xc000003e):\n"));
  EXPECT_THAT(text, HasSubstr("  allow:\n    read write\n"));
  EXPECT_THAT(text, HasSubstr("  ioctl: by cmd\n"
                              "    TIOCSTI, TIOCLINUX: EPERM\n"
                              "    otherwise: allow\n"));
  EXPECT_THAT(text, HasSubstr("  socket: by family\n"
                              "    AF_INET: by type & 0xf\n"
                              "      1, 2: allow\n"
                              "      otherwise: EPERM\n"
                              "    otherwise: EPERM\n"));
  EXPECT_THAT(text, HasSubstr("upper half of offset"));
  EXPECT_THAT(text, testing::EndsWith("every other number: ENOSYS\n\n"
                                      "every other architecture: kill-process\n"));
}

TEST(Draw, CHeaderIsTheProgram) {
  const auto program = bpf::Validate({{0x06, 0, 0, 0x7fff0000}});
  ASSERT_TRUE(program);
  EXPECT_EQ(CHeader(*program, "a */ b\\\n?"),
            "/* a ./ b...: made by bailey; 1 instructions.\n"
            "   For struct sock_fprog: { sizeof bailey_filter / sizeof bailey_filter[0], (struct "
            "sock_filter*)bailey_filter } */\n"
            "#pragma once\n\n#include <linux/filter.h>\n\n"
            "static const struct sock_filter bailey_filter[] = {\n"
            "  { 0x06, 0, 0, 0x7fff0000 },\n"
            "};\n");
}

// Each "<name" that is not closed in itself has its "</name>", in order.
std::string Unbalanced(std::string_view xml) {
  std::vector<std::string> open;
  for (std::size_t at = xml.find('<'); at != xml.npos; at = xml.find('<', at + 1)) {
    const std::size_t end = xml.find('>', at);
    if (end == xml.npos) return "a tag without an end";
    const std::string_view tag = xml.substr(at + 1, end - at - 1);
    const std::string name(tag.substr(0, tag.find_first_of(" /", 1)));
    if (tag.starts_with('/')) {
      if (open.empty() || "/" + open.back() != tag) return std::string(tag);
      open.pop_back();
    } else if (!tag.ends_with('/')) {
      open.push_back(name);
    }
  }
  return open.empty() ? "" : open.back();
}

TEST(Draw, SvgIsWholeAndStandsAlone) {
  const std::string svg =
      Svg(OutlineOf(Small({Arch::kX86_64, Arch::kI386})), "a \"b\" <script>&\x01\xff");
  EXPECT_EQ(Unbalanced(svg), "");
  EXPECT_THAT(svg, HasSubstr("a &quot;b&quot; &lt;script&gt;&amp;??"));
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, Not(HasSubstr("href")));
  EXPECT_THAT(svg, HasSubstr("x86_64  (0xc000003e)"));
  EXPECT_THAT(svg, HasSubstr("i386  (0x40000003)"));
  EXPECT_THAT(svg, HasSubstr(">TIOCSTI, TIOCLINUX<"));
}

TEST(Draw, DotQuotesWhatItIsGiven) {
  const std::string dot = Dot(OutlineOf(Small()), "x> \"y\"; }");
  EXPECT_THAT(dot, HasSubstr("label=<x&gt; &quot;y&quot;; }>"));
  EXPECT_THAT(dot, HasSubstr("a0g"));
  EXPECT_THAT(dot, HasSubstr("subgraph cluster_0 {\n    label=\"x86_64\";"));
  EXPECT_THAT(dot, testing::EndsWith("}\n"));
}

// A ladder of tests, each reached from two: drawn once each, not once a way.
TEST(Draw, SharedTestsAreDrawnOnce) {
  policy::Syscalls syscalls = Small();
  std::string condition;
  for (int slot = 0; slot < 6; slot += 2) {
    condition += fmt::format("{}(arg{}.raw == 1 or arg{}.raw == 1)", slot == 0 ? "" : " and ", slot,
                             slot + 1);
  }
  syscalls.rules = {On("prctl", kAllow, condition)};
  const PolicyOutline outline = OutlineOf(syscalls);
  const std::string text = PseudoCode(outline);
  EXPECT_THAT(text, HasSubstr("go to ["));
  // Each half of each of six registers.
  EXPECT_THAT(text, HasSubstr("[12] by"));
  EXPECT_THAT(text, Not(HasSubstr("[13] by")));
  EXPECT_EQ(Unbalanced(Svg(outline, "ladder")), "");
}

}  // namespace
}  // namespace bailey::compile
