#include <fmt/format.h>

#include "review/source_filter.h"
#include "review/source_rule.h"
#include "review/source_rules.h"

namespace bailey::review {
namespace {

// seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0), set_ctl_nnp(false), ctx.set_no_new_privs(false)
Index TurnedOff(const Code& code) {
  for (const Call& call : code.calls()) {
    if (call.arguments.empty()) continue;
    const Range last = call.arguments.back();
    const bool off =
        last.end == last.begin + 1 && (code.Is(last.begin, "0") || code.Is(last.begin, "false"));
    const bool attribute = call.name == "seccomp_attr_set" &&
                           code.Mentions({call.open, call.close}, "SCMP_FLTATR_CTL_NNP");
    if (off && (attribute || call.name == "set_ctl_nnp")) return call.at;
  }
  return kNowhere;
}

// prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ...), syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
// ...)
const Call* RawInstall(const Code& code) {
  for (const Call& call : code.calls()) {
    const Range inside{call.open, call.close};
    const bool by_prctl = call.name == "prctl" && code.Mentions(inside, "PR_SET_SECCOMP") &&
                          !code.Mentions(inside, "SECCOMP_MODE_STRICT");
    const bool by_call = (call.name == "syscall" || call.name == "seccomp") &&
                         code.Mentions(inside, "SECCOMP_SET_MODE_FILTER");
    if (by_prctl || by_call) return &call;
  }
  return nullptr;
}

}  // namespace

void CheckNoNewPrivsMissing(const Code& code, Reports& reports) {
  if (!code.Places("PR_SET_NO_NEW_PRIVS").empty() || !code.Places("set_no_new_privs").empty() ||
      !code.Places("no_new_privs").empty())
    return;
  const Index off = TurnedOff(code);
  const Call* raw = RawInstall(code);
  // Another file may set it, where this one does not hold the way from the filter to a program.
  const bool starts = !code.FunctionsNamed("main").empty() || StartsProgram(code) != kNowhere;
  if (!starts || (off == kNowhere && raw == nullptr)) return;
  const Index at = off != kNowhere ? off : raw->at;
  Report report;
  report.vulnerability =
      fmt::format("no_new_privs is {} in {}", off != kNowhere ? "turned off" : "never set",
                  FunctionNameAt(code, at));
  report.reason =
      "Without it the kernel lets a program under the filter gain privileges by set-user-ID files, "
      "and takes a filter from a privileged process only.";
  report.impact =
      "A set-user-ID program runs with its owner's rights under a filter that it does not "
      "expect, or the filter is refused.";
  report.fix =
      "if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;  /* before the filter */";
  report.effect = Severity::kHigh;
  report.at = at;
  report.flow = {{at, code.TextOf(code.StatementOf(at))}};
  report.matched = off != kNowhere ? "the library is told to leave it, and no prctl sets it"
                                   : "a filter is installed, and nothing in the file names "
                                     "PR_SET_NO_NEW_PRIVS";
  reports.File(report);
}

}  // namespace bailey::review
