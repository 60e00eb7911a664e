// A filter that is built and never put in force.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "review/source_filter.h"
#include "review/source_rule.h"
#include "review/source_rules.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

// What only builds: after these the filter is where it was.
constexpr auto kBuilds = std::to_array<std::string_view>(
    {"seccomp_rule_add", "seccomp_rule_add_array", "seccomp_rule_add_exact",
     "seccomp_rule_add_exact_array", "seccomp_arch_add", "seccomp_arch_remove", "seccomp_attr_set",
     "seccomp_attr_get", "seccomp_release", "seccomp_syscall_priority", "seccomp_arch_exist",
     "free", "assert", "sizeof"});
constexpr auto kBuildMethods = std::to_array<std::string_view>(
    {"add_rule", "add_rule_exact", "add_rule_conditional", "add_rule_conditional_exact", "add_arch",
     "remove_arch", "set_act_badarch", "set_ctl_nnp", "set_ctl_log", "set_ctl_tsync",
     "set_syscall_priority", "len", "is_empty", "set_filter_attr", "set_api_sysrawrc"});
constexpr auto kFilterTypes =
    std::to_array<std::string_view>({"BpfProgram", "SeccompFilter", "BpfMap", "ScmpFilterContext",
                                     "scmp_filter_ctx", "sock_fprog"});
constexpr auto kMakers = std::to_array<std::string_view>({"seccomp_init", "new_filter"});

// Whether a mention hands the filter on: to a function, a return, a struct.
bool GoesOn(const Code& code, Index at) {
  if (code.Is(at + 1, ".") || code.Is(at + 1, "->")) return !IsAny(code.At(at + 2), kBuildMethods);
  for (Index open = code.Around(at); open != kNowhere; open = code.Around(open)) {
    if (code.Is(open, "{")) break;
    if (!code.Is(open, "(") || open == 0) continue;
    const Call* call = code.CallAt(open - 1);
    if (call != nullptr) return !IsAny(call->name, kBuilds);
  }
  const Range statement = code.StatementOf(at);
  const std::string_view begin = code.At(statement.begin);
  if (begin == "return" || code.Is(at - 1, "=")) return true;
  if (begin == "if" || begin == "while" || begin == "assert") return false;
  // ctx = seccomp_init(...): the assignment itself; x = ctx and return ctx go on.
  return !(code.Is(at + 1, "=") || code.Is(at + 1, ";") || code.Is(at + 1, ":"));
}

void FileFilter(const Code& code, std::string_view name, Index at, std::string_view where,
                Reports& reports) {
  Report report;
  report.vulnerability =
      fmt::format("The filter {} is built in {} and never put in force", name, where);
  report.reason = "Nothing loads it, exports it or hands it to something that could.";
  report.impact = "What is started runs without the filter.";
  report.fix = code.IsRust() ? fmt::format(
                                   "Apply it in the child before exec, and stop when that fails: "
                                   "seccompiler::apply_filter(&{})?",
                                   name)
                             : fmt::format("r = seccomp_load({}); if (r < 0) return r;", name);
  report.effect = Severity::kHigh;
  report.at = at;
  report.flow = {{at, fmt::format("{} is made", name)}};
  const Index start = StartsProgram(code);
  if (start != kNowhere) report.flow.emplace_back(start, "the program starts without it");
  report.matched = fmt::format("every mention of {} only adds to it or frees it", name);
  reports.File(report);
}

void CheckVariables(const Code& code, Reports& reports) {
  for (const Function& function : code.functions()) {
    for (const Assignment& assignment : code.AssignmentsIn(function.body)) {
      const auto calls = code.CallsIn(assignment.value);
      const bool made = std::ranges::any_of(calls, [&](const Call& call) {
        return IsAny(call.name, kMakers) ||
               (call.name == "new" && IsAny(code.At(call.at - 2), kFilterTypes));
      });
      // A pointer of that type is another name of something that others made.
      const bool typed =
          code.IsRust()
              ? std::ranges::any_of(
                    kFilterTypes,
                    [&](std::string_view type) { return code.Mentions(assignment.left, type); })
              : code.Mentions(assignment.left, "sock_fprog") && !code.Is(assignment.at - 2, "*");
      if (!made && !typed) continue;
      // A member or global may be loaded by anybody.
      const bool member = code.Is(assignment.at - 2, ".") || code.Is(assignment.at - 2, "->") ||
                          code.Is(assignment.at - 2, "*") || assignment.target.ends_with('_');
      const bool dereferences =
          code.Is(assignment.at - 2, "*") && !code.IsKind(assignment.at - 3, TokenKind::kName);
      if ((member && !code.Is(assignment.at - 2, "*")) || dereferences) continue;
      bool goes_on = false, global = false;
      for (const Index at : code.Places(assignment.target)) {
        if (function.body.Holds(at)) {
          goes_on |= !assignment.left.Holds(at) && GoesOn(code, at);
        } else {
          global |= code.FunctionOf(at) == nullptr && at < function.head.begin;
        }
      }
      const bool tail = code.IsRust() && code.Is(function.body.end - 1, assignment.target);
      // Rust's cleanup attributes and owners: a value that is matched or moved by "?" is bound.
      if (goes_on || global || tail || assignment.target.starts_with('_')) continue;
      FileFilter(code, assignment.target, assignment.at, function.name, reports);
    }
  }
}

// A field that holds a filter, is filled, and never read.
void CheckFields(const Code& code, Reports& reports) {
  if (StartsProgram(code) == kNowhere) return;
  for (const Field& field : code.fields()) {
    const bool filter = std::ranges::any_of(
        kFilterTypes, [&](std::string_view type) { return code.Mentions(field.type, type); });
    if (!filter) continue;
    bool filled = false, read = false;
    for (const Index at : code.Places(field.name)) {
      if (at == field.at) continue;
      const bool member = code.Is(at - 1, ".") || code.Is(at - 1, "->");
      if (member && code.Is(at + 1, "(")) continue;  // a method of that name
      if (!member) {
        filled |= code.Is(at + 1, ":") || code.Is(at + 1, ",") || code.Is(at + 1, "}");
        continue;
      }
      const bool written = code.Is(at + 1, "=");
      filled |= written;
      read |= !written && GoesOn(code, at);
    }
    if (filled && !read) FileFilter(code, field.name, field.at, field.owner, reports);
  }
}

}  // namespace

void CheckFilterNotLoaded(const Code& code, Reports& reports) {
  CheckVariables(code, reports);
  if (code.IsRust()) CheckFields(code, reports);
}

}  // namespace bailey::review
