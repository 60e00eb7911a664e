#include "policy/condition.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

namespace bailey::policy {
namespace {

TEST(Condition, IsPrintedAsItWouldBeWritten) {
  struct Case {
    const char* sentence;
    const char* text;
    const char* want;
  };
  constexpr Case kCases[] = {
      {"a comparison", "cmd==1", "cmd == 1"},
      {"every operator", "a != 1 or a < 2 or a <= 3 or a > 4 or a >= 5",
       "a != 1 or a < 2 or a <= 3 or a > 4 or a >= 5"},
      {"any bit", "flags&CLONE_NEWUSER", "flags & CLONE_NEWUSER"},
      {"a mask binds tighter than its comparison", "flags & A|B == A", "flags & A|B == A"},
      {"a masked set", "mode & S_IFMT in{S_IFCHR,S_IFBLK}", "mode & S_IFMT in {S_IFCHR, S_IFBLK}"},
      {"and binds tighter than or", "a == 1 and b == 2 or c == 3", "a == 1 and b == 2 or c == 3"},
      {"parentheses that matter", "a == 1 and (b == 2 or c == 3)", "a == 1 and (b == 2 or c == 3)"},
      {"parentheses that do not", "((a == 1))", "a == 1"},
      {"not binds tightest", "not a == 1 and b == 2", "not a == 1 and b == 2"},
      {"not of a chain", "not (a == 1 and b == 2)", "not (a == 1 and b == 2)"},
      {"not twice", "not not a == 1", "not not a == 1"},
      {"numbers in three bases", "a == 0x10 or a == 010 or a == 10",
       "a == 16 or a == 8 or a == 10"},
      {"a negative number is two's complement", "a == -1", "a == 0xffffffffffffffff"},
      {"registers", "arg0 == 1 or arg5.raw == 2", "arg0 == 1 or arg5.raw == 2"},
      {"white space of any kind", "\ta\n==\r\n 1 ", "a == 1"},
  };
  for (const Case& c : kCases) {
    const auto condition = ParseCondition(c.text);
    ASSERT_TRUE(condition) << c.sentence << ": " << base::ToString(condition.error());
    EXPECT_EQ(ToString(*condition), c.want) << c.sentence;
  }
}

TEST(Condition, MeansItsTree) {
  const auto condition = ParseCondition("not x & A|4 == 4 and y in {1, B}");
  ASSERT_TRUE(condition);
  ASSERT_EQ(condition->kind, Condition::Kind::kAnd);
  ASSERT_EQ(condition->children.size(), 2u);
  const Condition& negation = condition->children[0];
  ASSERT_EQ(negation.kind, Condition::Kind::kNot);
  EXPECT_EQ(negation.children[0].test, (policy::Test{.argument = "x",
                                                     .mask = Value{{Term{"A", 0}, Term{"", 4}}},
                                                     .comparison = Comparison::kEqual,
                                                     .operands = {Value{{Term{"", 4}}}}}));
  EXPECT_EQ(condition->children[1].test,
            (policy::Test{.argument = "y",
                          .comparison = Comparison::kIn,
                          .operands = {Value{{Term{"", 1}}}, Value{{Term{"B", 0}}}}}));
}

TEST(Condition, FaultsHaveTheirColumn) {
  struct Case {
    const char* sentence;
    const char* text;
    std::uint32_t column;
    const char* want;
  };
  constexpr Case kCases[] = {
      {"nothing", "", 1, "expected the name of an argument, found the end"},
      {"an argument alone", "cmd", 4, "expected an operator (== != < <= > >= & in), found the end"},
      {"a single =", "cmd = 1", 5, "expected an operator (== != < <= > >= & in), found \"=\""},
      {"a number in front", "1 == cmd", 1, "expected the name of an argument, found \"1\""},
      {"a keyword as a name", "in == 1", 1, "expected the name of an argument, found \"in\""},
      {"a missing value", "a == and b == 1", 6, "expected a constant or a number, found \"and\""},
      {"a missing mask", "a & == 1", 5, "expected a constant or a number, found \"==\""},
      {"in without braces", "a in 1", 6, "expected \"{\" after \"in\", found \"1\""},
      {"an empty set", "a in {}", 7, "expected a constant or a number, found \"}\""},
      {"a set that does not end", "a in {1, 2", 11, "expected \",\" or \"}\", found the end"},
      {"a parenthesis that does not close", "(a == 1", 8, "expected \")\", found the end"},
      {"a parenthesis too many", "a == 1)", 7, "expected \"and\", \"or\" or the end, found \")\""},
      {"two comparisons without a word", "a == 1 b == 2", 8,
       "expected \"and\", \"or\" or the end, found \"b\""},
      {"a minus without a number", "a == -A", 7, "expected a number after \"-\", found \"A\""},
      {"65 bits", "a == 0x10000000000000000", 6,
       "\"0x10000000000000000\" is not a number of 64 bits"},
      {"less than the least", "a == -9223372036854775809", 7,
       "\"9223372036854775809\" is not a number of 64 bits"},
      {"a digit of another base", "a == 08", 6, "\"08\" is not a number of 64 bits"},
      {"a control character", "a == \x1b[0m", 6,
       "expected a constant or a number, found \"\\x1b\""},
      {"&& of C", "a == 1 && b == 2", 8, "expected \"and\", \"or\" or the end, found \"&\""},
  };
  for (const Case& c : kCases) {
    const auto condition = ParseCondition(c.text);
    ASSERT_FALSE(condition) << c.sentence;
    EXPECT_EQ(condition.error().text, std::string("read condition: ") + c.want) << c.sentence;
    EXPECT_EQ(condition.error().location.column, c.column) << c.sentence;
  }
}

TEST(Condition, DepthIsBounded) {
  constexpr std::size_t kMegabyte = 1 << 20;
  const auto open = ParseCondition(std::string(kMegabyte, '('));
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().text, "read condition: it nests deeper than 64 levels");
  EXPECT_EQ(open.error().location.column, 65u);

  std::string nots;
  while (nots.size() < kMegabyte) nots += "not ";
  EXPECT_FALSE(ParseCondition(nots + "a == 1"));
  EXPECT_TRUE(ParseCondition(std::string(64, '(') + "a == 1" + std::string(64, ')')));

  // Width is not depth: a long chain is a flat one.
  std::string chain = "a == 0";
  for (int i = 1; i < 20000; ++i) chain += fmt::format(" or a == {}", i);
  const auto wide = ParseCondition(chain);
  ASSERT_TRUE(wide);
  EXPECT_EQ(wide->children.size(), 20000u);
}

// Random trees, printed and read again.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  Condition Make(int depth) {
    Condition condition;
    const unsigned kind = depth == 0 ? 0 : Below(4);
    if (kind == 0) {
      condition.test = MakeTest();
    } else if (kind == 1) {
      condition.kind = Condition::Kind::kNot;
      condition.children.push_back(Make(depth - 1));
    } else {
      condition.kind = kind == 2 ? Condition::Kind::kAnd : Condition::Kind::kOr;
      for (unsigned i = 0, count = 2 + Below(3); i < count; ++i)
        condition.children.push_back(Make(depth - 1));
    }
    return condition;
  }

 private:
  unsigned Below(unsigned limit) {
    return std::uniform_int_distribution<unsigned>(0, limit - 1)(random_);
  }

  Value MakeValue() {
    Value value;
    for (unsigned i = 0, count = 1 + Below(3); i < count; ++i) {
      if (Below(2) == 0) {
        value.terms.push_back({fmt::format("CONSTANT_{}", Below(9)), 0});
      } else {
        value.terms.push_back({"", random_() >> Below(64)});
      }
    }
    return value;
  }

  policy::Test MakeTest() {
    constexpr const char* kArguments[] = {"flags", "arg0", "arg5.raw", "_x9", "notes", "inner"};
    policy::Test test;
    test.argument = kArguments[Below(6)];
    test.comparison = static_cast<Comparison>(Below(8));
    if (test.comparison == Comparison::kAnyBit || Below(2) == 0) test.mask = MakeValue();
    const unsigned operands = test.comparison == Comparison::kAnyBit ? 0
                              : test.comparison == Comparison::kIn   ? 1 + Below(4)
                                                                     : 1;
    for (unsigned i = 0; i < operands; ++i) test.operands.push_back(MakeValue());
    return test;
  }

  std::mt19937_64 random_;
};

TEST(Condition, WhatIsPrintedIsReadAsTheSameTree) {
  const std::uint64_t seed = std::random_device{}();
  constexpr int kRuns = 3000;
  Generator generator(seed);
  for (int run = 0; run < kRuns; ++run) {
    const Condition condition = generator.Make(run % 6);
    const std::string text = ToString(condition);
    const auto read = ParseCondition(text);
    ASSERT_TRUE(read) << "seed " << seed << ", run " << run << ": " << text << ": "
                      << base::ToString(read.error());
    ASSERT_EQ(*read, condition) << "seed " << seed << ", run " << run << ": " << text;
  }
  fmt::print("{} random conditions, seed {}\n", kRuns, seed);
}

TEST(Condition, ValuesAreThoseOfTheArchitecture) {
  const auto value = [](const char* text) {
    return ParseCondition(std::string("a == ") + text)->test.operands[0];
  };
  EXPECT_EQ(Resolve(value("TIOCSTI"), abi::Arch::kX86_64), 0x5412u);
  EXPECT_EQ(Resolve(value("TIOCSTI"), abi::Arch::kMips), 0x5472u);
  EXPECT_EQ(Resolve(value("CLONE_NEWUSER|1"), abi::Arch::kX86_64), 0x10000001u);
  EXPECT_EQ(Resolve(value("ARCH_SET_FS"), abi::Arch::kAarch64), std::nullopt);
  EXPECT_EQ(Resolve(value("-1"), abi::Arch::kI386), ~0ull);
}

}  // namespace
}  // namespace bailey::policy
