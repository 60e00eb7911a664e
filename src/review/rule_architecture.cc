// A filter written as instructions that reads the number of the call and not the architecture.
#include <fmt/format.h>

#include "review/source_rule.h"
#include "review/source_rules.h"

namespace bailey::review {
namespace {

// offsetof(struct seccomp_data, field), and names that people give to it
Index LoadOf(const Code& code, std::string_view field) {
  for (const std::string_view macro : {"offsetof", "__builtin_offsetof", "offset_of"}) {
    for (const Index at : code.Places(macro)) {
      const Index open = code.Is(at + 1, "!") ? at + 2 : at + 1;
      if (!code.Is(open, "(") || code.Partner(open) == kNowhere) continue;
      const Range inside{open, code.Partner(open)};
      if (code.Mentions(inside, "seccomp_data") && code.Mentions(inside, field)) return at;
    }
  }
  return kNowhere;
}

// Macros of the same file: #define syscall_nr (offsetof(struct seccomp_data, nr))
bool DefinesLoad(const Code& code, std::string_view field) {
  for (const Token& directive : code.directives()) {
    const std::size_t at = directive.text.find("seccomp_data");
    if (at == std::string_view::npos) continue;
    if (directive.text.find(field, at + 12) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

void CheckArchitectureNotRead(const Code& code, Reports& reports) {
  const Index number = LoadOf(code, "nr");
  if (number == kNowhere || code.Places("BPF_STMT").empty()) return;
  if (LoadOf(code, "arch") != kNowhere || DefinesLoad(code, "arch")) return;
  for (const std::string_view name :
       {"VALIDATE_ARCHITECTURE", "VALIDATE_ARCH", "AUDIT_ARCH_X86_64", "ARCH_NR", "arch_nr"}) {
    if (!code.Places(name).empty()) return;
  }
  Report report;
  report.vulnerability = fmt::format("The filter in {} does not look at the architecture",
                                     FunctionNameAt(code, number));
  report.reason =
      "A number means another call on another architecture, and x86_64 runs i386's calls "
      "as well.";
  report.impact = "A program makes the call that the filter denies under i386's number.";
  report.fix =
      "First load offsetof(struct seccomp_data, arch), and end the process where it is not "
      "the one that the numbers are of.";
  report.effect = Severity::kHigh;
  report.at = number;
  report.flow = {{number, "the number is read"}};
  report.matched = "seccomp_data's nr is loaded, and arch nowhere in the file";
  reports.File(report);
}

}  // namespace bailey::review
