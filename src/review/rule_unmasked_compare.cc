// A rule of a list of denials that compares all 64 bits of a register of which the kernel reads 32,
// or one combination of a word of flags.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "review/source_filter.h"
#include "review/source_rule.h"
#include "review/source_rules.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

struct Narrow {
  std::string_view call;
  std::string_view argument;  // its number
  bool is_flags;
};
constexpr Narrow kNarrow[] = {
    {"ioctl", "1", false},      {"socket", "0", false},      {"socket", "1", false},
    {"socket", "2", false},     {"personality", "0", false}, {"prctl", "0", false},
    {"fcntl", "1", false},      {"setsockopt", "1", false},  {"setsockopt", "2", false},
    {"clone", "0", true},       {"unshare", "0", true},      {"clone", "1", true},
    {"socketpair", "0", false}, {"keyctl", "0", false},      {"bpf", "0", false},
};

constexpr auto kDenies = std::to_array<std::string_view>(
    {"SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
     "SCMP_ACT_TRAP", "Errno", "KillProcess", "KillThread", "Trap"});

// The call that a comparison belongs to: the one named last before it, in the same statement or
// brace. Also of Rust: get_syscall_from_name("ioctl"), libc::SYS_ioctl.
const Narrow* NarrowOf(const Code& code, Index at, std::string_view argument) {
  const Range statement = code.StatementOf(at);
  for (Index back = at; back > statement.begin; --back) {
    if (code.Is(back, "{") || code.Is(back, "}")) {
      if (code.Around(at) != back) break;
    }
    std::string_view text = code.At(back);
    if (text.starts_with('"') && text.size() > 2) text = text.substr(1, text.size() - 2);
    for (const std::string_view prefix : {"SYS_", "__NR_"}) {
      if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
    }
    for (const Narrow& narrow : kNarrow) {
      if (narrow.call == text && narrow.argument == argument) return &narrow;
    }
  }
  return nullptr;
}

struct Comparison {
  std::string_view argument;
  std::string value;
};

// The last argument, as it is written.
std::string LastOf(const Code& code, Range inside) {
  if (code.Is(inside.end - 1, ",")) --inside.end;
  Index begin = inside.end;
  while (begin > inside.begin && !code.Is(begin - 1, ",")) {
    const Index partner = code.Partner(begin - 1);
    begin = partner != kNowhere && partner < begin - 1 ? partner : begin - 1;
  }
  // (int)TIOCSTI: without the cast
  if (code.Is(begin, "(") && code.Partner(begin) + 1 < inside.end) begin = code.Partner(begin) + 1;
  return code.TextOf({begin, inside.end});
}

// SCMP_A1(SCMP_CMP_EQ, value), SCMP_CMP(1, SCMP_CMP_EQ, value),
// ScmpArgCompare::new(1, ScmpCompareOp::Equal, value),
// SeccompCondition::new(1, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, value)
std::optional<Comparison> EqualAt(const Code& code, Index at) {
  const std::string_view name = code.At(at);
  if (!code.IsRust()) {
    const bool numbered = name.size() == 7 && name.starts_with("SCMP_A");
    if (!numbered && name != "SCMP_CMP" && name != "SCMP_CMP64") return std::nullopt;
    if (!code.Is(at + 1, "(") || code.Partner(at + 1) == kNowhere) return std::nullopt;
    const Range inside{at + 2, code.Partner(at + 1)};
    if (!code.Mentions(inside, "SCMP_CMP_EQ")) return std::nullopt;
    return Comparison{numbered ? name.substr(6, 1) : code.At(at + 2), LastOf(code, inside)};
  }
  const bool libseccomp = name == "ScmpArgCompare", seccompiler = name == "SeccompCondition";
  if ((!libseccomp && !seccompiler) || !code.Is(at + 2, "new") || !code.Is(at + 3, "(") ||
      code.Partner(at + 3) == kNowhere)
    return std::nullopt;
  const Range inside{at + 4, code.Partner(at + 3)};
  if (libseccomp && !code.Mentions(inside, "Equal")) return std::nullopt;
  if (seccompiler && !(code.Mentions(inside, "Qword") && code.Mentions(inside, "Eq")))
    return std::nullopt;
  if (code.Mentions(inside, "MaskedEqual") || code.Mentions(inside, "MaskedEq"))
    return std::nullopt;
  return Comparison{code.At(inside.begin), LastOf(code, inside)};
}

// A rule beside it denies every number from some on, and with them those with a high bit.
bool HasUpperBound(const Code& code, Index at) {
  const Function* function = code.FunctionOf(at);
  if (function == nullptr) return false;
  for (const std::string_view name : {"SCMP_CMP_GE", "SCMP_CMP_GT", "GreaterOrEqual", "Greater"}) {
    if (code.Mentions(function->body, name)) return true;
  }
  return false;
}

// seccompiler's rules are what is denied where the filter allows the rest.
bool Denies(const Code& code, Index at, const FilterStart& start) {
  const Range statement = code.StatementOf(at);
  if (std::ranges::any_of(
          kDenies, [&](std::string_view action) { return code.Mentions(statement, action); }))
    return true;
  return start.kind == FilterStart::Default::kAllow && !code.Mentions(statement, "SCMP_ACT_ALLOW");
}

}  // namespace

void CheckUnmaskedCompare(const Code& code, Reports& reports) {
  const FilterStart start = StartOf(code);
  for (Index at = 0; at < code.tokens().size(); ++at) {
    if (!code.IsKind(at, TokenKind::kName)) continue;
    const auto comparison = EqualAt(code, at);
    if (!comparison) continue;
    const Narrow* narrow = NarrowOf(code, at, comparison->argument);
    const bool tty =
        comparison->value.ends_with("TIOCSTI") || comparison->value.ends_with("TIOCLINUX");
    static constexpr Narrow kIoctl = {"ioctl", "1", false};
    if (narrow == nullptr && tty && comparison->argument == "1") narrow = &kIoctl;
    if (narrow == nullptr || !Denies(code, at, start)) continue;
    if (!narrow->is_flags && HasUpperBound(code, at)) continue;
    Report report;
    report.vulnerability =
        fmt::format("The rule on {} and {} is passed with {} set", narrow->call, comparison->value,
                    narrow->is_flags ? "another flag" : "a high bit");
    report.reason =
        narrow->is_flags
            ? fmt::format(
                  "It compares the whole word with {}: with any other flag beside it, it "
                  "does not match.",
                  comparison->value)
            : fmt::format("It compares 64 bits; the kernel reads the low 32 of {}'s argument {}.",
                          narrow->call, narrow->argument);
    report.impact = fmt::format("A program in the sandbox calls {} with {} all the same.",
                                narrow->call, comparison->value);
    report.fix =
        code.IsRust()
            ? fmt::format("Compare with a mask: {}",
                          narrow->is_flags ? fmt::format("MaskedEqual({0}), {0}", comparison->value)
                                           : "SeccompCmpArgLen::Dword, or MaskedEqual(0xffffffff)")
        : narrow->is_flags ? fmt::format("SCMP_A{}(SCMP_CMP_MASKED_EQ, {}, {})", narrow->argument,
                                         comparison->value, comparison->value)
                           : fmt::format("SCMP_A{}(SCMP_CMP_MASKED_EQ, 0xffffffff, {})",
                                         narrow->argument, comparison->value);
    report.effect = Severity::kHigh;
    report.at = at;
    report.flow = {{at, "all 64 bits are compared"}};
    report.matched = fmt::format("an equality without a mask on argument {} of {}",
                                 narrow->argument, narrow->call);
    reports.File(report);
  }
}

}  // namespace bailey::review
