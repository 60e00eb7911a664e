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

// Macros of the same file: #define LOAD_ARCH ... offsetof(struct seccomp_data, arch)
bool DefinesLoad(const Code& code, std::string_view field) {
  for (const Token& directive : code.directives()) {
    const std::size_t at = directive.text.find("seccomp_data");
    if (at == std::string_view::npos) continue;
    if (directive.text.find(field, at + 12) != std::string_view::npos) return true;
  }
  return false;
}

// #define LOAD(field) ... offsetof(struct seccomp_data, field), and then LOAD(arch)
Index MacroLoadOf(const Code& code, std::string_view field) {
  for (const Token& directive : code.directives()) {
    const std::size_t body = directive.text.find("seccomp_data");
    const std::size_t open = directive.text.find('(');
    const std::size_t define = directive.text.find("define ");
    if (body == std::string_view::npos || open > body || define > open) continue;
    const std::string_view name = directive.text.substr(define + 7, open - define - 7);
    const std::size_t close = directive.text.find(')', open);
    if (close == std::string_view::npos) continue;
    const std::string_view parameter = directive.text.substr(open + 1, close - open - 1);
    if (directive.text.find(parameter, body) == std::string_view::npos) continue;
    for (const Index at : code.Places(name)) {
      if (code.Is(at + 1, "(") && code.Is(at + 2, field)) return at;
    }
  }
  return kNowhere;
}

// Compared in the same filter: loaded in some other way.
bool ComparesArchitecture(const Code& code, Index number) {
  const Index array = code.Around(number);
  for (Index at = array == kNowhere ? 0 : array; at < code.tokens().size(); ++at) {
    if (array != kNowhere && at == code.Partner(array)) break;
    if (code.At(at).starts_with("AUDIT_ARCH_")) return true;
  }
  return false;
}

}  // namespace

void CheckArchitectureNotRead(const Code& code, Reports& reports) {
  Index number = LoadOf(code, "nr");
  if (number == kNowhere) number = MacroLoadOf(code, "nr");
  if (number == kNowhere || code.Places("sock_filter").empty()) return;
  if (LoadOf(code, "arch") != kNowhere || MacroLoadOf(code, "arch") != kNowhere ||
      DefinesLoad(code, "arch") || ComparesArchitecture(code, number))
    return;
  for (const std::string_view name :
       {"VALIDATE_ARCHITECTURE", "VALIDATE_ARCH", "ARCH_NR", "arch_nr"}) {
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
