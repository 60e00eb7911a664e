// Ids are given up from the outside in: supplementary groups, group, user. After the user, a
// process may not change its groups any more.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "review/source_rule.h"
#include "review/source_rules.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr auto kUser = std::to_array<std::string_view>({"setuid", "setresuid", "setreuid"});
constexpr auto kGroup =
    std::to_array<std::string_view>({"setgid", "setresgid", "setregid", "setgroups", "initgroups"});
constexpr auto kOnlyGid = std::to_array<std::string_view>({"setgid", "setresgid", "setregid"});
// An id that the process has already is none that it gives up to.
constexpr auto kOwnIds = std::to_array<std::string_view>(
    {"getuid", "geteuid", "getgid", "getegid", "ruid", "rgid", "real_uid", "real_gid", "euid"});

bool IsPlain(const Code& code, const Call& call) {
  return !call.is_declaration && !code.Is(call.at - 1, ".") && !code.Is(call.at - 1, "->") &&
         code.FunctionsNamed(call.name).empty();
}

// To 0, to what it was, or to -1.
bool GivesNothingUp(const Code& code, const Call& call) {
  if (call.arguments.empty()) return true;
  const std::string first = code.TextOf(call.arguments.front());
  if (first == "0" || first == "-1" || first == "Uid::from_raw(0)") return true;
  const Range inside{call.open, call.close};
  return std::ranges::any_of(kOwnIds,
                             [&](std::string_view name) { return code.Mentions(inside, name); });
}

// Both in the same run of statements: no branch between them that only one of them is in.
bool SameBlock(const Code& code, const Call& a, const Call& b) {
  const auto block = [&](Index at) {
    Index open = code.Around(at);
    while (open != kNowhere && !code.Is(open, "{")) open = code.Around(open);
    return open;
  };
  return block(a.at) == block(b.at);
}

void FileOrder(const Code& code, const Call& user, const Call& group, Reports& reports) {
  Report report;
  report.vulnerability =
      fmt::format("{} comes after {} in {}", group.name, user.name, FunctionNameAt(code, user.at));
  report.reason = fmt::format("Once {} has given up root, {} fails.", user.name, group.name);
  report.impact =
      "The process keeps root's groups, and with them files that only they may read or "
      "write.";
  report.fix = "setgroups(0, NULL), then setresgid, then setresuid, each looked at.";
  report.effect = Severity::kHigh;
  report.at = user.at;
  report.flow = {{user.at, code.TextOf({user.begin, user.close + 1})},
                 {group.at, code.TextOf({group.begin, group.close + 1})}};
  report.matched = fmt::format("{} before {} in one block", user.name, group.name);
  reports.File(report);
}

void FileKept(const Code& code, const Call& user, const Call& group, Reports& reports) {
  Report report;
  report.vulnerability =
      fmt::format("The supplementary groups are kept in {}", FunctionNameAt(code, user.at));
  report.reason = fmt::format(
      "{} and {} change one group and the user; nothing in the file calls "
      "setgroups or initgroups.",
      group.name, user.name);
  report.impact = "The process keeps the caller's groups: disk, docker or root's own.";
  report.fix = fmt::format("if (setgroups(0, NULL) != 0) return -1;  /* before {} */", group.name);
  report.effect = Severity::kMedium;
  report.at = group.at;
  report.flow = {{group.at, code.TextOf({group.begin, group.close + 1})},
                 {user.at, code.TextOf({user.begin, user.close + 1})}};
  report.matched = fmt::format("{} and {}, and no setgroups", group.name, user.name);
  reports.File(report);
}

}  // namespace

void CheckPrivilegeOrder(const Code& code, Reports& reports) {
  const bool sets_groups =
      !code.Places("setgroups").empty() || !code.Places("initgroups").empty() ||
      !code.Places("SYS_setgroups").empty() || !code.Places("setgroups_if_allowed").empty();
  for (const Function& function : code.functions()) {
    // With its capabilities kept, a process changes its groups as any user.
    if (code.Mentions(function.body, "PR_SET_KEEPCAPS")) continue;
    const Call* user = nullptr;
    const Call* group = nullptr;
    for (const Call& call : code.CallsIn(function.body)) {
      if (!IsPlain(code, call) || code.FunctionOf(call.at) != &function) continue;
      if (IsAny(call.name, kUser) && user == nullptr && !GivesNothingUp(code, call)) user = &call;
      if (IsAny(call.name, kGroup) && user != nullptr && group == nullptr &&
          SameBlock(code, *user, call)) {
        FileOrder(code, *user, call, reports);
        break;
      }
      if (IsAny(call.name, kOnlyGid) && !GivesNothingUp(code, call)) group = &call;
    }
    if (user != nullptr && group != nullptr && group->at < user->at && !sets_groups &&
        !GivesNothingUp(code, *user)) {
      FileKept(code, *user, *group, reports);
    }
  }
}

}  // namespace bailey::review
