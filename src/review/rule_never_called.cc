// A function that would confine, and that nothing calls.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "review/source_filter.h"
#include "review/source_rule.h"
#include "review/source_rules.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr auto kVerbs = std::to_array<std::string_view>(
    {"apply", "install", "load", "setup", "enable", "activate", "enforce", "attach", "drop",
     "restrict", "lock", "set", "confine", "enter"});
constexpr auto kLayers = std::to_array<std::string_view>(
    {"seccomp", "firewall", "nft", "nftables", "iptables", "landlock", "sandbox", "jail",
     "privileges", "privs", "capabilities", "caps", "confinement", "seccompfilter", "isolation"});
constexpr auto kFilterWords =
    std::to_array<std::string_view>({"filter", "rules", "chain", "policy"});

bool Confines(std::string_view name) {
  if (!HasWord(name, kVerbs)) return false;
  if (HasWord(name, kLayers)) return true;
  // apply_filter, install_rules; load_policy reads a file as often.
  return HasWord(name, kFilterWords) && (name.starts_with("apply") || name.starts_with("install"));
}

// Somewhere other than its definition, its declaration and itself.
bool IsUsed(const Code& code, const Function& function) {
  for (const Index at : code.Places(function.name)) {
    if (at == function.at || function.body.Holds(at)) continue;
    const Function* user = code.FunctionOf(at);
    if (user == nullptr && code.Is(at + 1, "(")) continue;  // a declaration
    if (user == nullptr && code.Is(at - 1, "fn")) continue;
    return true;
  }
  return false;
}

// In Rust, a method of a trait is called through the trait.
bool IsOfTrait(const Code& code, const Function& function) {
  const Index around = code.Around(function.at);
  for (Index at = around; around != kNowhere && at > 0 && around - at < 24; --at) {
    if (code.Is(at, "for") || code.Is(at, "trait")) return true;
    if (code.Is(at, "impl") || (at < around && (code.Is(at, "}") || code.Is(at, ";")))) break;
  }
  return false;
}

// Whether no other file can call it: then this file decides.
bool IsOwn(const Code& code, const Function& function) {
  return code.IsRust() ? !code.Mentions(function.head, "pub")
                       : code.Mentions(function.head, "static");
}

}  // namespace

void CheckNeverCalled(const Code& code, Reports& reports) {
  const Index start = StartsProgram(code);
  const bool is_program = !code.FunctionsNamed("main").empty();
  for (const Function& function : code.functions()) {
    if (!Confines(function.name) || IsUsed(code, function)) continue;
    if (function.body.Empty() || code.Mentions(function.head, "constructor")) continue;
    if (code.IsRust() && IsOfTrait(code, function)) continue;
    // Where the file holds the program, or what starts the sandbox, nobody else would call it.
    const bool decided = is_program || start != kNowhere;
    if (!decided && !(IsOwn(code, function) && !code.IsRust())) continue;
    if (!is_program && !IsOwn(code, function)) {
      // A public function beside the launch: the launch itself must not hand over to other files.
      const Function* launch = code.FunctionOf(start);
      if (launch == nullptr || launch == &function) continue;
      if (!code.IsRust()) continue;
    }
    Report report;
    report.vulnerability = fmt::format("{} is never called", function.name);
    report.reason =
        "The function would confine what is started; nothing in the file calls it or "
        "takes its address.";
    report.impact = "What its name promises is not in force.";
    report.fix = fmt::format("Call {} before the program is started, and stop when it fails.",
                             function.name);
    report.effect = Severity::kHigh;
    report.at = function.at;
    report.flow = {{function.at, fmt::format("{} is defined", function.name)}};
    if (start != kNowhere) report.flow.emplace_back(start, "the program starts without it");
    report.matched = fmt::format("{} is named at its definition only", function.name);
    reports.File(report);
  }
}

}  // namespace bailey::review
