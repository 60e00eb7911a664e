#include <array>

#include "review/finder.h"
#include "review/source_rule.h"

namespace bailey::review {
namespace {

void FindInSources(const Subject& subject, std::vector<Finding>& findings) {
  for (const SourceFile& file : subject.sources) {
    for (Finding& finding : JudgeSource(file)) {
      if (subject.sources.size() > 1) finding.vulnerability += " in " + file.path;
      findings.push_back(std::move(finding));
    }
  }
}

constexpr std::array kFinders = {
    Finder{"source", "The rules of source_rules.cc, over every source file.", FindInSources}};

}  // namespace

std::span<const Finder> SourceFinders() { return kFinders; }

}  // namespace bailey::review
