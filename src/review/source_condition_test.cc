#include "review/source_condition.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "review/source_lex.h"

namespace bailey::review {
namespace {

std::optional<bool> Ask(const std::string& condition, std::int64_t r, int error = 0) {
  const auto file = Lex("void f(int r) { if (" + condition + ") g(); }", "a.c");
  EXPECT_TRUE(file.has_value());
  const Code code(*file);
  const Branch branch = code.BranchAt(code.Places("if").front());
  const KnownValue known[] = {{"r", r}, {"errno", error}};
  return Holds(code, branch.condition, known);
}

TEST(Holds, EvaluatesWhatItKnows) {
  EXPECT_EQ(Ask("r < 0 && r == -EFAULT", -EFAULT), true);
  EXPECT_EQ(Ask("r < 0 && r == -EFAULT", -EPERM), false);
  EXPECT_EQ(Ask("r < 0 && r != -EEXIST", -EPERM), true);
  EXPECT_EQ(Ask("r == -1 && errno == ENOMEM", -1, ENOMEM), true);
  EXPECT_EQ(Ask("r == -1 && errno == ENOMEM", -1, EPERM), false);
  EXPECT_EQ(Ask("!(r >= 0)", -1), true);
  EXPECT_EQ(Ask("!r", 0), true);
  EXPECT_EQ(Ask("(r = g()) < 0", -1), true);
  EXPECT_EQ(Ask("G_UNLIKELY (r != 0)", 0), false);
  EXPECT_EQ(Ask("r == 0 || r > 4", 3), false);
}

TEST(Holds, DoesNotGuess) {
  EXPECT_EQ(Ask("other", -1), std::nullopt);
  EXPECT_EQ(Ask("r < 0 && strict", -1), std::nullopt);
  EXPECT_EQ(Ask("r < 0 || strict", -1), true);
  EXPECT_EQ(Ask("r < 0 && strict", 0), false);
  EXPECT_EQ(Ask("r + 1 == 0", -1), std::nullopt);
  EXPECT_EQ(Ask("Failed(r)", -1), std::nullopt);
  // Deeper than it follows.
  EXPECT_EQ(Ask(std::string(100, '(') + "r" + std::string(100, ')'), 1), std::nullopt);
}

}  // namespace
}  // namespace bailey::review
