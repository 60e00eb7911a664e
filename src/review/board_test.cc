// The table that docs/court.md publishes is the one that decides, and every row of it can be met.
#include "review/board.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "review/finder.h"
#include "review/report.h"
#include "review/source_rule.h"

namespace bailey::review {
namespace {

std::string Doc() {
  std::ifstream file(BAILEY_SOURCE_DIR "/docs/court.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

// The rows of the table after "<!-- name -->", without its head.
std::vector<std::string> TableOf(const std::string& doc, const std::string& name) {
  std::istringstream lines(doc.substr(doc.find("<!-- " + name + " -->")));
  std::vector<std::string> rows;
  std::string line;
  for (int number = 0; std::getline(lines, line); ++number) {
    if (number < 3) continue;
    if (!line.starts_with('|')) break;
    rows.push_back(line);
  }
  return rows;
}

TEST(Board, TheDocumentHasTheRulings) {
  std::vector<std::string> rows;
  for (const BoardRow& row : BoardRows()) {
    rows.push_back(fmt::format("| {} | {} | {} | {} | {} |", Name(row.standing),
                               row.reach ? Name(*row.reach) : "any", Name(row.decision),
                               row.lowered_by, Name(row.at_most)));
  }
  EXPECT_EQ(TableOf(Doc(), "rulings"), rows);
}

TEST(Board, TheDocumentHasTheActions) {
  std::vector<std::string> rows;
  for (const ActionRow& row : ActionRows()) {
    rows.push_back(
        fmt::format("| {} | {} | {} |", Name(row.decision), Name(row.at_least), Name(row.action)));
  }
  EXPECT_EQ(TableOf(Doc(), "actions"), rows);
}

TEST(Board, TheDocumentHasTheFinders) {
  std::vector<std::string> rows;
  for (const Finder& finder : Finders())
    rows.push_back(fmt::format("| {} | {} |", finder.name, finder.looks_for));
  EXPECT_EQ(TableOf(Doc(), "finders"), rows);
}

TEST(Board, TheDocumentHasTheRulesOverSource) {
  std::vector<std::string> rows;
  for (const SourceRule& rule : SourceRules())
    rows.push_back(fmt::format("| {} | {} |", rule.id, rule.looks_for));
  EXPECT_EQ(TableOf(Doc(), "source-rules"), rows);
}

struct Row {
  const char* sentence;
  Finding finding;
  Answer answer;
  Decision decision;
  Severity severity;
  Action action;
};

const Evidence kProof = {EvidenceKind::kProof, "proving", "so"};
const Evidence kProbe = {EvidenceKind::kLiveProbe, "trying", "so"};
const Evidence kOpinion = {EvidenceKind::kModelOpinion, "asking", "so"};

Finding Found(Severity effect, std::vector<Evidence> evidence, Reach reach = Reach::kAnyProgram) {
  return {.vulnerability = "it", .effect = effect, .reach = reach, .evidence = std::move(evidence)};
}
Answer Says(Response response, std::vector<Evidence> evidence = {}) {
  return {.vulnerability = "it", .response = response, .evidence = std::move(evidence)};
}

TEST(Board, RulesByTheTable) {
  constexpr auto kMitigation = Response::kMitigation;
  constexpr auto kRefutation = Response::kRefutation;
  Finding undecided = Found(Severity::kHigh, {kProof});
  undecided.undecided = true;
  const Row rows[] = {
      {"shown", Found(Severity::kHigh, {kProof}), Says(kMitigation), Decision::kValid,
       Severity::kHigh, Action::kFixImmediately},
      {"shown by the author's own attempt", Found(Severity::kHigh, {}), Says(kMitigation, {kProof}),
       Decision::kValid, Severity::kHigh, Action::kFixImmediately},
      {"with a privilege, one lower", Found(Severity::kMedium, {kProof}, Reach::kPrivilege),
       Says(kMitigation), Decision::kValid, Severity::kLow, Action::kMonitor},
      {"critical with a privilege", Found(Severity::kCritical, {kProof}, Reach::kPrivilege),
       Says(kMitigation), Decision::kValid, Severity::kHigh, Action::kFixImmediately},
      {"behind another layer", Found(Severity::kCritical, {kProof}, Reach::kOtherLayer),
       Says(kMitigation), Decision::kPartiallyValid, Severity::kMedium, Action::kMonitor},
      {"not enterable", Found(Severity::kHigh, {kProof}, Reach::kNotEnterable), Says(kMitigation),
       Decision::kPartiallyValid, Severity::kLow, Action::kMonitor},
      {"low is not lowered", Found(Severity::kLow, {kProof}, Reach::kPrivilege), Says(kMitigation),
       Decision::kValid, Severity::kLow, Action::kMonitor},
      {"a question refuted", Found(Severity::kHigh, {}), Says(kRefutation, {kProof}),
       Decision::kInvalid, Severity::kNone, Action::kNoAction},
      {"an opinion refuted", Found(Severity::kHigh, {kOpinion}), Says(kRefutation, {kProof}),
       Decision::kInvalid, Severity::kNone, Action::kNoAction},
      {"a proof that the kernel contradicts", Found(Severity::kHigh, {kProof}),
       Says(kRefutation, {kProbe}), Decision::kPartiallyValid, Severity::kMedium, Action::kMonitor},
      {"undecided", undecided, Says(kMitigation), Decision::kPartiallyValid, Severity::kMedium,
       Action::kMonitor},
      {"opinion, be it of something critical", Found(Severity::kCritical, {kOpinion}),
       Says(kMitigation), Decision::kPartiallyValid, Severity::kMedium, Action::kMonitor},
      {"opinion that another opinion refutes", Found(Severity::kHigh, {kOpinion}),
       Says(kRefutation, {kOpinion}), Decision::kPartiallyValid, Severity::kMedium,
       Action::kMonitor},
  };
  for (const Row& row : rows) {
    const Ruling ruling = Rule(row.finding, row.answer);
    EXPECT_EQ(Name(ruling.decision), Name(row.decision)) << row.sentence;
    EXPECT_EQ(Name(ruling.severity), Name(row.severity)) << row.sentence;
    EXPECT_EQ(Name(ruling.action), Name(row.action)) << row.sentence;
  }
}

// Whatever the reach and the effect, an opinion asks for nothing but watching.
TEST(Board, OpinionAloneIsOnlyMonitored) {
  for (const Reach reach :
       {Reach::kAnyProgram, Reach::kOtherLayer, Reach::kPrivilege, Reach::kNotEnterable}) {
    for (const Severity effect :
         {Severity::kLow, Severity::kMedium, Severity::kHigh, Severity::kCritical}) {
      const Ruling ruling =
          Rule(Found(effect, {kOpinion}, reach), Says(Response::kMitigation, {kOpinion}));
      EXPECT_EQ(Name(ruling.decision), "partially valid");
      EXPECT_EQ(Name(ruling.action), "monitor");
    }
  }
}

}  // namespace
}  // namespace bailey::review
