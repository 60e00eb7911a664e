#include "approval/approver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace bailey::approval {
namespace {

using testing::HasSubstr;

Action Own(std::string tool, std::string arguments) {
  return {"bailey", std::move(tool), "h1", std::move(arguments), "/w", true};
}
Action Foreign(std::string tool, std::string arguments) {
  return {"files", std::move(tool), "h1", std::move(arguments), "/w", false};
}
std::optional<std::string> NoFile(const std::string&) { return std::nullopt; }

TEST(Classify, GoesByWhatACallDoes) {
  struct {
    const char* sentence;
    Action action;
    Effect effect;
    bool green;
  } const rows[] = {
      {"bailey's own reading", Own("read", R"({"path":"a"})"), Effect::kRead, true},
      {"a program", Own("run", R"({"argv":["ls"]})"), Effect::kRun, false},
      {"a program elsewhere", Own("run", R"({"argv":["ls"],"policy":"x"})"), Effect::kWiden, false},
      {"a file", Own("write", R"({"path":"a","text":"x"})"), Effect::kWrite, false},
      {"a change", Own("edit", R"({"path":"a","old":"x","new":"y"})"), Effect::kWrite, false},
      {"a tool that calls itself reading", Foreign("read_file", R"({"path":"a"})"),
       Effect::kUnknown, false},
      {"a path elsewhere", Foreign("x", R"({"a":{"b":["../../etc/passwd"]}})"), Effect::kOutside,
       false},
      {"a path by its root", Foreign("x", R"({"path":"/etc/passwd"})"), Effect::kOutside, false},
      {"a path inside", Foreign("x", R"({"path":"/w/a/b"})"), Effect::kUnknown, false},
      {"an address", Foreign("x", R"({"u":"https://example.org"})"), Effect::kNetwork, false},
      {"a name of ours that is none", Own("remove", "{}"), Effect::kUnknown, false},
      {"no object", Own("read", "[]"), Effect::kUnknown, false},
  };
  for (const auto& row : rows) {
    const Classified classified = Classify(row.action, NoFile);
    EXPECT_EQ(classified.effect, row.effect) << row.sentence << ": " << classified.why;
    EXPECT_EQ(classified.is_green, row.green) << row.sentence;
  }
}

TEST(Classify, SeesAFileEmptied) {
  const auto read = [](const std::string&) -> std::optional<std::string> { return "one\ntwo"; };
  const Classified classified = Classify(Own("write", R"({"path":"a","text":""})"), read);
  EXPECT_EQ(classified.effect, Effect::kDelete);
  EXPECT_THAT(classified.shown,
              testing::ElementsAre("file     \"a\"", "- \"one\"", "- \"two\"", "+ \"\""));
}

TEST(Cards, ShowEverythingAndNothingThatMoves) {
  const Action action = Own("run", R"({"argv":["rm","-rf","\u001b[2Ksrc","\u202etxt"]})");
  const std::string text = ToText(MakeCard(action, Classify(action, NoFile)));
  EXPECT_THAT(text, HasSubstr("bailey asks: run of bailey [run]\n"));
  EXPECT_THAT(text, HasSubstr(R"(program  "rm" "-rf" "\u001b[2Ksrc" "\u202etxt")"));
  for (const char c : text) EXPECT_TRUE(c == '\n' || (c >= ' ' && c <= '~'));
  const std::string argument(100'000, 'x');
  const Action longer = Own("run", "{\"argv\":[\"" + argument + "\"]}");
  EXPECT_THAT(ToText(MakeCard(longer, Classify(longer, NoFile))), HasSubstr(argument));
}

class ApproverTest : public testing::Test {
 protected:
  ApproverTest() {
    std::string name = "/tmp/bailey-approver-XXXXXX";
    directory_ = ::mkdtemp(name.data());
  }
  ~ApproverTest() override { std::filesystem::remove_all(directory_); }
  Rules OpenRules() const {
    auto database = Database::Open(directory_ + "/bailey/approvals.db");
    EXPECT_TRUE(database);
    auto rules = Rules::Open(*std::move(database));
    EXPECT_TRUE(rules);
    return *std::move(rules);
  }
  Approver Make(Answer answer, std::set<std::string> allowed = {}) {
    ApproverOptions options;
    options.read_file = NoFile;
    options.ask = [this, answer](const Card&) -> base::Result<Answer> {
      ++asked_;
      return answer;
    };
    options.record = [this](const Action& action, std::string_view effect, std::string_view by,
                            bool allowed_now) {
      record_.push_back(action.tool + " " + std::string(effect) + " " + std::string(by) +
                        (allowed_now ? " yes" : " no"));
    };
    options.allowed = std::move(allowed);
    return Approver(std::move(options), OpenRules());
  }

  std::string directory_;
  int asked_ = 0;
  std::vector<std::string> record_;
  const Action run_ = Own("run", R"({"argv":["make"]})");
};

TEST_F(ApproverTest, AsksEachTimeForOnce) {
  Approver approver = Make(Answer::kOnce);
  EXPECT_EQ(approver.Refuse(run_), std::nullopt);
  EXPECT_EQ(approver.Refuse(run_), std::nullopt);
  EXPECT_EQ(asked_, 2);
  EXPECT_EQ(approver.Refuse(Own("list", "{}")), std::nullopt);
  EXPECT_EQ(asked_, 2) << "green";
  EXPECT_THAT(record_, testing::ElementsAre("run run person yes", "run run person yes",
                                            "list read class yes"));
}

TEST_F(ApproverTest, RemembersExactlyWhatWasAsked) {
  Approver approver = Make(Answer::kSession);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(approver.Refuse(run_), std::nullopt);
  EXPECT_EQ(asked_, 1);
  (void)approver.Refuse(Own("run", R"({"argv":["make","install"]})"));
  EXPECT_EQ(asked_, 2) << "other words";
  Action changed = run_;
  changed.hash = "h2";
  (void)approver.Refuse(changed);
  EXPECT_EQ(asked_, 3) << "another definition";
}

TEST_F(ApproverTest, KeepsRulesForAWorkspace) {
  EXPECT_EQ(Make(Answer::kWorkspace).Refuse(run_), std::nullopt);
  Approver later = Make(Answer::kDeny);
  EXPECT_EQ(later.Refuse(run_), std::nullopt);
  EXPECT_EQ(asked_, 1);
  Action elsewhere = run_;
  elsewhere.workspace = "/other";
  EXPECT_EQ(later.Refuse(elsewhere), "it was denied");
  Rules rules = OpenRules();
  const auto list = rules.List();
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 1u);
  EXPECT_EQ(list->front().until - list->front().made, Approver::kWorkspaceLasts.count());
  EXPECT_TRUE(*rules.Revoke(list->front().id));
  EXPECT_FALSE(*rules.Revoke(list->front().id));
  EXPECT_EQ(later.Refuse(run_), "it was denied");
}

TEST_F(ApproverTest, RulesEndAndDenyBeatsAllow) {
  Rules rules = OpenRules();
  const Classified classified = Classify(run_, NoFile);
  ASSERT_TRUE(rules.Add(run_, classified, true, std::chrono::seconds(-1)));
  EXPECT_EQ(*rules.Find(run_, classified), std::nullopt);
  ASSERT_TRUE(rules.Add(run_, classified, true, std::chrono::hours(1)));
  ASSERT_TRUE(rules.Add(run_, classified, false, std::chrono::hours(1)));
  EXPECT_EQ(*rules.Find(run_, classified), false);
}

TEST_F(ApproverTest, DeniesWhereNobodyIsAsked) {
  ApproverOptions options;
  options.read_file = NoFile;
  options.allowed = {"files/x", "bailey/run"};
  Approver approver(std::move(options), OpenRules());
  EXPECT_EQ(approver.Refuse(Own("write", R"({"path":"a","text":"b"})")),
            "nobody was asked, and nothing allows it: it makes a file in the workspace");
  EXPECT_EQ(approver.Refuse(Foreign("x", "{}")), std::nullopt);
  EXPECT_EQ(approver.Refuse(run_), std::nullopt);
  EXPECT_NE(approver.Refuse(Own("run", R"({"argv":["ls"],"policy":"allow-all"})")), std::nullopt)
      << "a name allows no other sandbox";
}

TEST_F(ApproverTest, ASocketThatNobodyListensOnIsANo) {
  const auto answer = AskOnSocket(directory_ + "/none", {}, std::chrono::seconds(1));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().text, "ask on " + directory_ + "/none: No such file or directory");
}

}  // namespace
}  // namespace bailey::approval
