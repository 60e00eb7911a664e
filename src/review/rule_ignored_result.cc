#include <fmt/format.h>

#include <map>

#include "review/source_fate.h"
#include "review/source_rule.h"
#include "review/source_rules.h"

namespace bailey::review {
namespace {

// setuid(id) and then a look at what it has become.
bool IsReadBack(const Code& code, const Call& call, const Builder& builder) {
  if (!builder.name.starts_with("set")) return false;
  const Range rest{call.close, code.functions()[call.function].body.end};
  for (const std::string_view name :
       {"getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups"}) {
    if (code.Mentions(rest, name)) return true;
  }
  return false;
}

// A result that is thrown away by name, and beside it words that say why.
bool SaysWhy(const Code& code, const Call& call) {
  const int line = code.tokens()[call.begin].line;
  for (const Comment& comment : code.comments()) {
    if (comment.line >= line - 1 && comment.line <= line) return true;
    if (comment.line > line) break;
  }
  return false;
}

std::string_view Shape(Fate fate) {
  switch (fate) {
    case Fate::kDropped:
      return "is not looked at";
    case Fate::kVoided:
      return "is thrown away";
    case Fate::kNeverRead:
      return "is assigned and never read";
    case Fate::kRead:
      break;
  }
  return "is read";
}

struct Group {
  const Builder* builder = nullptr;
  Fate fate = Fate::kRead;
  std::vector<const Call*> calls;
};

// One finding for a function and what it calls: thirty rules are one mistake.
void Check(const Code& code, bool exact, Reports& reports) {
  std::map<std::pair<std::size_t, std::string_view>, Group> groups;
  for (const Call& call : code.calls()) {
    const Builder* builder = BuilderOf(code, call);
    const bool wrapped = builder == nullptr && !exact;
    if (wrapped) builder = WrappedBuilder(code, call);
    if (builder == nullptr || builder->is_exact != exact) continue;
    const Fate fate = FateOf(code, call);
    if (fate == Fate::kRead || IsReadBack(code, call, *builder)) continue;
    if (fate == Fate::kVoided && SaysWhy(code, call)) continue;
    Group& group = groups[{call.function, wrapped ? call.name : builder->name}];
    group.builder = builder;
    group.fate = group.calls.empty() ? fate : group.fate;
    group.calls.push_back(&call);
  }
  for (const auto& [key, group] : groups) {
    const Call& first = *group.calls.front();
    const Function& function = code.functions()[key.first];
    Report report;
    report.vulnerability =
        fmt::format("The result of {} {} in {}", key.second, Shape(group.fate), function.name);
    report.reason = fmt::format("When it fails, {}, and {} goes on as if it were.",
                                group.builder->lost, function.name);
    if (exact) {
      report.reason +=
          " The exact form fails by design where a rule cannot be had on every architecture of the"
          " filter: with two architectures that is not rare, it is each call with conditions.";
    }
    report.impact = fmt::format("What the sandbox promises is not there, and nothing says so: {}.",
                                group.builder->lost);
    report.effect = group.builder->effect;
    report.at = first.at;
    report.matched =
        fmt::format("{} {}", code.TextOf({first.begin, first.close + 1}), Shape(group.fate));
    if (group.calls.size() > 1) {
      std::vector<Index> places;
      for (const Call* call : group.calls) places.push_back(call->at);
      report.matched += fmt::format("; so on {}", LinesOf(code, places));
    }
    for (const Call* call : group.calls) {
      report.flow.emplace_back(call->at,
                               fmt::format("{} {}", code.TextOf({call->begin, call->close + 1}),
                                           Shape(FateOf(code, *call))));
    }
    if (code.IsRust()) {
      report.fix = fmt::format("Put ? behind {}, so that an error stops the start.", first.name);
    } else if (group.builder->sets_errno) {
      report.fix = fmt::format("if ({} != 0) return -1;  /* or end the process: nothing may run */",
                               code.TextOf({first.begin, first.close + 1}));
    } else {
      report.fix =
          fmt::format("r = {}; if (r < 0) return r;", code.TextOf({first.begin, first.close + 1}));
    }
    reports.File(report);
  }
}

}  // namespace

void CheckIgnoredResult(const Code& code, Reports& reports) { Check(code, false, reports); }
void CheckExactRuleDropped(const Code& code, Reports& reports) { Check(code, true, reports); }

}  // namespace bailey::review
