#include "review/source_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

namespace bailey::review {
namespace {

constexpr std::size_t kShownLines = 12;

}  // namespace

Place Reports::PlaceOf(Index at) const {
  Place place{.file = code_.file().path, .line = 0, .column = 0, .pc = {}};
  if (at < code_.tokens().size()) {
    place.line = code_.tokens()[at].line;
    place.column = code_.tokens()[at].column;
  }
  return place;
}

Evidence Reports::Seen(std::string result) const {
  return {EvidenceKind::kSourceRule, fmt::format("{} over {}", rule_, code_.file().path),
          std::move(result)};
}

Finding Reports::Make(const Report& report) const {
  Finding finding;
  finding.rule = rule_;
  finding.vulnerability = report.vulnerability;
  finding.reason = report.reason;
  finding.impact = report.impact;
  finding.effect = report.effect;
  finding.fix = report.fix;
  finding.place = PlaceOf(report.at);
  for (const auto& [at, text] : report.flow) finding.flow.push_back({PlaceOf(at), text});
  return finding;
}

void Reports::File(const Report& report) {
  Finding finding = Make(report);
  finding.evidence.push_back(Seen(fmt::format("line {}: {}", finding.place.line, report.matched)));
  findings_.push_back(std::move(finding));
}

void Reports::Ask(const Report& report, const std::string& answer, std::span<const Index> lines) {
  Finding finding = Make(report);
  finding.against.push_back(Seen(fmt::format("{}: {}", LinesOf(code_, lines), answer)));
  findings_.push_back(std::move(finding));
}

void Reports::AskAt(const Comment& comment, Report report, const std::string& answer,
                    std::span<const Index> lines) {
  Ask(report, answer, lines);
  findings_.back().place.line = comment.line;
  findings_.back().place.column = comment.column;
}

void Reports::FileAt(const Comment& comment, const Report& report) {
  Finding finding = Make(report);
  finding.place.line = comment.line;
  finding.place.column = comment.column;
  finding.evidence.push_back(Seen(fmt::format("line {}: {}", comment.line, report.matched)));
  findings_.push_back(std::move(finding));
}

std::vector<Finding> JudgeSource(const SourceFile& file) {
  const Code code(file);
  std::vector<Finding> all;
  std::unordered_set<std::string> keys;
  for (const SourceRule& rule : SourceRules()) {
    Reports reports(code, rule.id);
    rule.check(code, reports);
    for (Finding& finding : reports.Take()) {
      if (!keys.insert(finding.vulnerability).second) {
        finding.vulnerability += fmt::format(" (line {})", finding.place.line);
        if (!keys.insert(finding.vulnerability).second) continue;
      }
      all.push_back(std::move(finding));
    }
  }
  return all;
}

std::string LinesOf(const Code& code, std::span<const Index> places) {
  std::vector<int> lines;
  for (const Index at : places) {
    const int line = at < code.tokens().size() ? code.tokens()[at].line : 0;
    if (std::ranges::find(lines, line) == lines.end()) lines.push_back(line);
    if (lines.size() > kShownLines) break;
  }
  std::ranges::sort(lines);
  std::string text = lines.size() == 1 ? "line " : "lines ";
  for (std::size_t i = 0; i < lines.size() && i < kShownLines; ++i) {
    const bool is_last = i + 1 == lines.size() && i > 0;
    text += fmt::format("{}{}", i == 0 ? "" : is_last ? " and " : ", ", lines[i]);
  }
  return lines.size() > kShownLines ? text + " and more" : text;
}

std::string FunctionNameAt(const Code& code, Index at) {
  const Function* function = code.FunctionOf(at);
  return function == nullptr ? "the file" : std::string(function->name);
}

}  // namespace bailey::review
