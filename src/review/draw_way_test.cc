#include "review/draw_way.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "bpf/disassembler.h"
#include "bpf/interpreter.h"
#include "review/program_blocks.h"
#include "review/sample_trial.h"

namespace bailey::review {
namespace {

using bpf::Instruction;

bpf::Program Make(std::vector<Instruction> instructions) {
  return *bpf::Validate(std::move(instructions));
}

std::vector<std::string> LinesOf(const bpf::Program& program) {
  std::vector<std::string> lines;
  const std::string text = bpf::Disassemble(program);
  for (const std::string_view line : base::Split(text, '\n')) lines.emplace_back(line);
  return lines;
}

// A test a call number, `count` of them, each denied; every other call is allowed.
bpf::Program Chain(unsigned count) {
  std::vector<Instruction> code = {{bpf::kLoadAbs, 0, 0, 0}};
  for (unsigned i = 0; i < count; ++i) {
    code.push_back({bpf::kJeq, 0, 1, i});
    code.push_back({bpf::kReturn, 0, 0, 0x00050001});
  }
  code.push_back({bpf::kReturn, 0, 0, 0x7fff0000});
  return Make(std::move(code));
}

std::size_t CountOf(const std::string& text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
    ++count;
  }
  return count;
}

TEST(BlocksOf, EndsAtJumpsAndReturns) {
  const std::vector<Block> blocks = BlocksOf(SampleSubject().filter->stack[0]);
  struct Row {
    std::uint32_t first, last;
    std::optional<std::size_t> on_true, on_false;
  };
  const std::vector<Row> rows = {
      {0, 1, 2, 1}, {2, 2, {}, {}}, {3, 4, 3, 4}, {5, 5, {}, {}}, {6, 6, {}, {}}};
  ASSERT_EQ(blocks.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(blocks[i].first, rows[i].first) << i;
    EXPECT_EQ(blocks[i].last, rows[i].last) << i;
    EXPECT_EQ(blocks[i].on_true, rows[i].on_true) << i;
    EXPECT_EQ(blocks[i].on_false, rows[i].on_false) << i;
  }
}

TEST(BlocksOf, KnowsPlainJumpsAndTestsOfNothing) {
  const std::vector<Block> blocks = BlocksOf(Make({{bpf::kJump, 0, 0, 1},
                                                   {bpf::kReturn, 0, 0, 0},
                                                   {bpf::kJeq, 1, 1, 7},
                                                   {bpf::kReturn, 0, 0, 1},
                                                   {bpf::kReturnA, 0, 0, 0}}));
  ASSERT_EQ(blocks.size(), 5U);
  EXPECT_EQ(blocks[0].on_true, 2U);
  EXPECT_FALSE(blocks[0].on_false);
  EXPECT_EQ(blocks[2].on_true, 4U);
  EXPECT_FALSE(blocks[2].on_false);
}

TEST(DrawWay, LightsWhatTheCallPasses) {
  const Subject subject = SampleSubject();
  const bpf::Program& program = subject.filter->stack[0];
  const auto witness = *SampleTrial().findings[0].witness;
  const std::string svg = DrawWay(program, bpf::Path(program, witness, false), LinesOf(program));
  EXPECT_EQ(CountOf(svg, "<rect"), 5U);
  EXPECT_EQ(CountOf(svg, " lit\""), 1U);  // the return that allows
  EXPECT_EQ(CountOf(svg, "class=\"allow lit\""), 1U);
  EXPECT_EQ(CountOf(svg, "class=\"lit\""), 2U);
  EXPECT_EQ(CountOf(svg, "class=\"taken\""), 2U);
  EXPECT_EQ(CountOf(svg, "class=\"passed\""), 2U);
  EXPECT_EQ(CountOf(svg, "0004 jeq #0xa1  ; chroot"), 1U);
}

TEST(DrawWay, LeavesOutWhatIsOffTheWay) {
  const bpf::Program program = Chain(500);
  const std::string near = DrawWay(program, bpf::Path(program, {.nr = 0}, false), LinesOf(program));
  EXPECT_EQ(CountOf(near, "<rect"), 3U);
  EXPECT_EQ(CountOf(near, "999 blocks"), 1U);
  // Every test is passed: the returns between are gaps, and the middle of the way is too.
  const std::string far =
      DrawWay(program, bpf::Path(program, {.nr = 500}, false), LinesOf(program));
  EXPECT_EQ(CountOf(far, "class=\"lit\""), 39U);
  EXPECT_EQ(CountOf(far, "class=\"allow lit\""), 1U);
  const std::string without = DrawWay(program, {}, LinesOf(program));
  EXPECT_EQ(CountOf(without, "<rect"), 41U);
  EXPECT_EQ(CountOf(without, "lit"), 0U);
}

}  // namespace
}  // namespace bailey::review
