// A rule reads one file's code and files what it finds. One rule a file, rule_<name>.cc.
//
//   void CheckChroot(const Code& code, Reports& reports);
//
// A rule files only what the tokens show. What it cannot decide it leaves alone: a wrong finding
// costs more than a missed one.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "review/record.h"
#include "review/source_code.h"

namespace bailey::review {

class Reports;

struct SourceRule {
  std::string_view id;         // "source/ignored-result"
  std::string_view looks_for;  // one sentence
  void (*check)(const Code& code, Reports& reports);
};

// In the order in which they speak.
std::span<const SourceRule> SourceRules();

// What a rule has to say; place, path and evidence are made of the tokens.
struct Report {
  std::string vulnerability;  // unique in one file: name the function or the variable
  std::string reason;
  std::string impact;
  std::string fix;  // the change to make
  Severity effect = Severity::kMedium;
  Index at = 0;
  std::vector<std::pair<Index, std::string>> flow;
  std::string matched;  // what the tokens show, for the evidence
};

class Reports {
 public:
  Reports(const Code& code, std::string_view rule) : code_(code), rule_(rule) {}

  void File(const Report& report);
  // A question that the source itself answers, at `lines`: filed without evidence, and refuted.
  void Ask(const Report& report, const std::string& answer, std::span<const Index> lines);
  // The same of a comment, whose place is no token.
  void AskAt(const Comment& comment, Report report, const std::string& answer,
             std::span<const Index> lines);
  void FileAt(const Comment& comment, const Report& report);

  std::vector<Finding> Take() { return std::move(findings_); }

 private:
  Place PlaceOf(Index at) const;
  Finding Make(const Report& report) const;
  Evidence Seen(std::string result) const;

  const Code& code_;
  std::string_view rule_;
  std::vector<Finding> findings_;
};

// All rules over one file. `vulnerability` is unique among the findings.
std::vector<Finding> JudgeSource(const SourceFile& file);

// "line 12", "lines 12, 14 and 20".
std::string LinesOf(const Code& code, std::span<const Index> places);
// "setup" of the function around a place; "the file" outside of all.
std::string FunctionNameAt(const Code& code, Index at);

}  // namespace bailey::review
