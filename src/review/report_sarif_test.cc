#include "review/report_sarif.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "review/fingerprint.h"
#include "review/report.h"
#include "review/sample_trial.h"
#include "review/sarif_place.h"

namespace bailey::review {
namespace {

using Json = nlohmann::json;

Json RunOf(const std::string& sarif) { return Json::parse(sarif)["runs"][0]; }

TEST(Sarif, HasTheWorstFirstAndTheRefutedSuppressed) {
  const Json run = RunOf(Sarif(SampleTrial(), SampleSubject()));
  const Json& results = run["results"];
  ASSERT_EQ(results.size(), 4U);
  struct Row {
    std::string rule, level, uri;
    int line;
    bool is_suppressed;
  };
  const std::vector<Row> rows = {{"filter/no-ptrace", "error", "policies/flatpak.toml", 12, false},
                                 {"model/opinion", "warning", "src/launch.c", 1, false},
                                 {"source/ignored-result", "note", "src/launch.c", 3, false},
                                 {"source/promised-filter", "note", "src/launch.c", 2, true}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Json& result = results[i];
    EXPECT_EQ(result["ruleId"], rows[i].rule);
    EXPECT_EQ(run["tool"]["driver"]["rules"][result["ruleIndex"].get<std::size_t>()]["id"],
              rows[i].rule);
    EXPECT_EQ(result["level"], rows[i].level);
    const Json& place = result["locations"][0]["physicalLocation"];
    EXPECT_EQ(place["artifactLocation"]["uri"], rows[i].uri);
    EXPECT_EQ(place["artifactLocation"]["uriBaseId"], "%SRCROOT%");
    EXPECT_EQ(place["region"]["startLine"], rows[i].line);
    EXPECT_EQ(result.contains("suppressions"), rows[i].is_suppressed);
  }
  EXPECT_EQ(results[3]["suppressions"][0]["justification"], "The proof refutes it.");
  EXPECT_EQ(run["invocations"][0]["toolExecutionNotifications"], Json::array());
  EXPECT_EQ(run["properties"]["decision"], "request changes");
}

TEST(Sarif, LeadsTheWitnessThroughTheFilter) {
  const Json run = RunOf(Sarif(SampleTrial(), SampleSubject()));
  const Json& way = run["results"][0]["codeFlows"][0]["threadFlows"][0]["locations"];
  std::vector<unsigned> addresses;
  for (const Json& step : way) {
    addresses.push_back(step["location"]["physicalLocation"]["address"]["relativeAddress"]);
  }
  EXPECT_EQ(addresses, (std::vector<unsigned>{0, 8, 24, 32, 48}));
  EXPECT_EQ(way[4]["location"]["message"]["text"],
            "0006  ret   #0x7fff0000                             ; allow");
}

TEST(Sarif, RulesHaveTheScoreOfTheWorstRuling) {
  const Json run = RunOf(Sarif(SampleTrial(), SampleSubject()));
  std::map<std::string, Json> rules;
  for (const Json& rule : run["tool"]["driver"]["rules"]) rules[rule["id"]] = rule["properties"];
  EXPECT_EQ(rules["filter/no-ptrace"],
            Json::parse(R"({"tags": ["security", "filter", "no-ptrace"], "precision": "very-high",
                            "security-severity": "8.0"})"));
  EXPECT_EQ(rules["model/opinion"]["precision"], "low");
  EXPECT_EQ(rules["source/ignored-result"]["security-severity"], "2.5");
  EXPECT_FALSE(rules["source/promised-filter"].contains("security-severity"));
}

TEST(Sarif, FingerprintsStayWhenLinesMove) {
  Trial trial = SampleTrial();
  Subject subject = SampleSubject();
  const auto before = Fingerprints(trial.findings, subject);
  trial.findings[2].place.line += 40;
  trial.findings[2].vulnerability = "the result of add_rule is ignored (src/launch.c:43)";
  for (Token& token : subject.sources[0].tokens) token.line += 40;
  trial.findings[0].place.line = 99;
  trial.findings[1].place.line += 40;
  EXPECT_EQ(Fingerprints(trial.findings, subject), before);

  trial.findings[0].guarantee = "another";
  EXPECT_NE(Fingerprints(trial.findings, subject)[0], before[0]);
  // Equal findings are numbered.
  trial.findings[3] = trial.findings[2];
  const auto twins = Fingerprints(trial.findings, subject);
  EXPECT_EQ(twins[2].substr(0, 16), twins[3].substr(0, 16));
  EXPECT_TRUE(twins[2].ends_with(":1") && twins[3].ends_with(":2")) << twins[3];
}

Trial ManyFindings(std::size_t count) {
  const Trial sample = SampleTrial();
  Trial trial = {.subject = "many"};
  for (std::size_t i = 0; i < count; ++i) {
    Finding finding = sample.findings[0];
    finding.vulnerability = std::to_string(i);
    finding.guarantee = "guarantee-" + std::to_string(i);
    trial.findings.push_back(finding);
    trial.answers.push_back(sample.answers[0]);
    trial.rulings.push_back(sample.rulings[0]);
    trial.rulings.back().severity = i < count / 2 ? Severity::kLow : Severity::kHigh;
  }
  return trial;
}

std::vector<std::string> NoticesOf(const Json& run) {
  std::vector<std::string> texts;
  for (const Json& notice : run["invocations"][0]["toolExecutionNotifications"]) {
    texts.push_back(notice["message"]["text"]);
  }
  return texts;
}

constexpr char kLimit[] = " left out, so that the report keeps to the limits of code scanning";

TEST(Sarif, KeepsToTheNumberOfResults) {
  const Json run = RunOf(SarifWithin({.results = 3}, ManyFindings(8), SampleSubject()));
  EXPECT_EQ(run["results"].size(), 3U);
  for (const Json& result : run["results"]) EXPECT_EQ(result["level"], "error");
  EXPECT_EQ(NoticesOf(run), std::vector{"5 results" + std::string(kLimit)});
}

TEST(Sarif, KeepsToTheNumberOfSteps) {
  const Json run = RunOf(SarifWithin({.flow_locations = 3}, SampleTrial(), SampleSubject()));
  const Json& way = run["results"][0]["codeFlows"][0]["threadFlows"][0]["locations"];
  ASSERT_EQ(way.size(), 3U);
  EXPECT_EQ(way[0]["location"]["physicalLocation"]["address"]["name"], "pc 0");
  EXPECT_EQ(way[2]["location"]["physicalLocation"]["address"]["name"], "pc 6");
  EXPECT_EQ(NoticesOf(run), std::vector{"2 steps" + std::string(kLimit)});
}

TEST(Sarif, KeepsToTheNumberOfTags) {
  const Json run = RunOf(Sarif(ManyFindings(40), SampleSubject()));
  EXPECT_EQ(run["tool"]["driver"]["rules"][0]["properties"]["tags"].size(), 20U);
}

TEST(Sarif, KeepsToItsSizeWhateverThatIs) {
  const Trial trial = ManyFindings(40);
  const std::size_t whole = Sarif(trial, SampleSubject()).size();
  std::size_t results = 40;
  for (std::size_t bytes = whole; bytes > 6000; bytes -= 5000) {
    const std::string text = SarifWithin({.bytes = bytes}, trial, SampleSubject());
    EXPECT_LE(text.size(), bytes);
    const Json run = RunOf(text);
    EXPECT_LE(run["results"].size(), results);
    results = run["results"].size();
    if (bytes < whole) {
      EXPECT_FALSE(NoticesOf(run).empty()) << bytes;
    }
    for (const Json& result : run["results"]) {
      EXPECT_TRUE(result.contains("properties") || !result.contains("codeFlows"));
    }
  }
  EXPECT_LT(results, 40U);
}

TEST(Sarif, UrisAreRelativeAndPlain) {
  struct Row {
    std::string path, want;
  };
  const std::vector<Row> rows = {
      {"./src//a.c", "src/a.c"},    {"src/../b.c", "b.c"},           {"../b.c", "../b.c"},
      {"a b:#.c", "a%20b%3A%23.c"}, {"/opt/x.c", "file:///opt/x.c"}, {"process 7", "process%207"},
      {"/../x", "file:///x"}};
  for (const Row& row : rows) EXPECT_EQ(UriOf(row.path), row.want) << row.path;
}

TEST(Sarif, MessagesHaveNoLinksAndNoPlaceholders) {
  EXPECT_EQ(SarifMessage("see [x](y) {0} \\"), "see \\[x\\](y) {{0}} \\\\");
}

TEST(Sarif, BrokenTextStillIsJson) {
  Trial trial = SampleTrial();
  trial.findings[0].reason = "\xff\xfe";
  trial.answers[0].reason = "\xff";
  trial.findings[0].place.file = "a\xff";
  EXPECT_EQ(RunOf(Sarif(trial, SampleSubject()))["results"][0]["locations"][0]["physicalLocation"]
                                                ["artifactLocation"]["uri"],
            "a%FF");
}

}  // namespace
}  // namespace bailey::review
