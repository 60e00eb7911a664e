#include "cli/denials.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "abi/notification.h"
#include "audit/decode.h"
#include "compile/compile.h"
#include "prove/prover.h"
#include "prove/reading.h"

namespace bailey::cli {
namespace {

std::string CallText(const sandbox::HeardCall& heard) {
  const auto arch = audit::ArchOf(heard.example);
  std::string text(audit::NameOf(heard.example));
  if (text.empty()) text = fmt::format("number {}", heard.example.nr);
  if (arch && *arch != abi::NativeArch()) text = fmt::format("{}: {}", abi::Info(*arch).name, text);
  if (heard.is_rest) return text + "(...)";
  if (const auto telling = audit::TellingArgument(heard.example))
    return fmt::format("{}({}={})", text, telling->name, telling->text);
  return text + "()";
}

std::string AnswerText(const sandbox::HeardCall& heard) {
  return abi::ToString(abi::Decode(abi::PlainAnswer(heard.returned)),
                       audit::ArchOf(heard.example).value_or(abi::NativeArch()));
}

// A rule that allows this call and no more than it asks for.
policy::Rule AllowRule(const sandbox::HeardCall& heard) {
  policy::Rule rule;
  rule.answer = {abi::ActionKind::kAllow, "", 0};
  rule.syscall = audit::NameOf(heard.example);
  if (rule.syscall.empty()) {
    rule.number = heard.example.nr;
    rule.arch = audit::ArchOf(heard.example);
    return rule;
  }
  const auto telling = audit::TellingArgument(heard.example);
  if (!telling || heard.is_rest) return rule;
  auto condition = policy::ParseCondition(fmt::format("{} == {}", telling->name, telling->text));
  if (condition) rule.condition = *std::move(condition);
  return rule;
}

std::string EntryText(const policy::Rule& rule) {
  if (rule.number)
    return fmt::format("{{ nr = {}, arch = \"{}\" }}", *rule.number, abi::Info(*rule.arch).name);
  if (!rule.condition) return fmt::format("\"{}\"", rule.syscall);
  return fmt::format("{{ syscall = \"{}\", when = \"{}\" }}", rule.syscall,
                     policy::ToString(*rule.condition));
}

void AddWarnings(const policy::Policy& policy, const policy::Rule& rule, DeniedCall& denied) {
  policy::Syscalls syscalls = policy.syscalls;
  syscalls.rules.insert(syscalls.rules.begin(), rule);
  auto filter = compile::Compile(syscalls);
  if (!filter) {
    // A filter that cannot be made keeps no promise.
    denied.allow.clear();
    return;
  }
  prove::Prover prover(prove::SubjectOf(syscalls, *std::move(filter)));
  for (const policy::Guarantee& kept : policy.guarantees) {
    const prove::Guarantee* const guarantee = prover.Find(kept.name);
    if (guarantee == nullptr) continue;
    const prove::Verdict verdict = prover.Prove(*guarantee).verdict;
    auto& names = verdict == prove::Verdict::kRefuted ? denied.breaks : denied.unsure;
    if (verdict != prove::Verdict::kProved && std::ranges::find(names, kept.name) == names.end())
      names.push_back(kept.name);
  }
}

std::string RuleText(const DeniedCall& denied) {
  const audit::Rule& rule = denied.rule;
  std::string text =
      rule.place.empty() ? rule.origin : fmt::format("{}, {}", rule.origin, rule.place);
  return denied.is_probe ? text + "; programs mostly go on without" : text;
}

}  // namespace

bool IsDenial(const sandbox::HeardCall& heard) {
  return abi::Decode(abi::PlainAnswer(heard.returned)).kind != abi::ActionKind::kAllow;
}

bool IsProbe(const policy::Policy& policy, const sandbox::HeardCall& heard) {
  return !heard.is_rest && prove::IsProbe(policy, heard.example);
}

audit::Total TotalOf(const sandbox::HeardCall& heard) {
  const auto arch = audit::ArchOf(heard.example);
  return {.arch = arch ? std::string(abi::Info(*arch).name) : std::string(),
          .name = std::string(audit::NameOf(heard.example)),
          .call = CallText(heard),
          .answer = AnswerText(heard),
          .count = heard.count};
}

audit::Rule RuleOf(const policy::Syscalls& syscalls, const bpf::SeccompData& data) {
  const prove::Decision decision = prove::Decide(syscalls, data);
  if (decision.rule != nullptr)
    return {std::string(decision.rule->origin.View()), base::ToString(decision.rule->location)};
  return {decision.reason, ""};
}

std::vector<DeniedCall> ExplainDenials(const policy::Policy& policy,
                                       std::span<const sandbox::HeardCall> heard,
                                       std::size_t most) {
  std::vector<DeniedCall> denials;
  for (const sandbox::HeardCall& one : heard) {
    if (!IsDenial(one) || denials.size() == most) continue;
    const policy::Rule rule = AllowRule(one);
    DeniedCall denied = {.count = one.count,
                         .call = CallText(one),
                         .answer = AnswerText(one),
                         .rule = one.rule,
                         .allow = EntryText(rule),
                         .is_probe = IsProbe(policy, one)};
    AddWarnings(policy, rule, denied);
    denials.push_back(std::move(denied));
  }
  return denials;
}

std::string DenialTable(const policy::Policy& policy, std::span<const DeniedCall> denials,
                        std::size_t kinds) {
  if (denials.empty()) return {};
  std::size_t width = 4;
  for (const DeniedCall& one : denials) width = std::max(width, one.call.size());
  width = std::min<std::size_t>(width, 60);
  std::string text = fmt::format(
      "bailey run: denied, and what would allow it in a policy that extends {}, under [syscalls] "
      "allow:\n",
      policy.name);
  for (const DeniedCall& one : denials) {
    text += fmt::format("{:>8} x {:<{}}  {} ({})\n", one.count, one.call, width, one.answer,
                        RuleText(one));
    if (one.allow.empty()) continue;
    text += fmt::format("{:11}{}\n", "", one.allow);
    if (!one.breaks.empty())
      text += fmt::format("{:11}warning: that breaks {}\n", "", fmt::join(one.breaks, ", "));
    if (!one.unsure.empty())
      text += fmt::format("{:11}warning: whether that keeps {} is undecided\n", "",
                          fmt::join(one.unsure, ", "));
  }
  if (kinds > denials.size())
    text += fmt::format("{:>8}   more kinds of calls: bailey audit\n", kinds - denials.size());
  return text;
}

nlohmann::ordered_json DenialsJson(std::span<const DeniedCall> denials) {
  auto all = nlohmann::ordered_json::array();
  for (const DeniedCall& one : denials) {
    all.push_back({{"count", one.count},
                   {"call", one.call},
                   {"answer", one.answer},
                   {"rule", {{"origin", one.rule.origin}, {"place", one.rule.place}}},
                   {"allow", one.allow},
                   {"breaks", one.breaks},
                   {"undecided", one.unsure},
                   {"probe", one.is_probe}});
  }
  return all;
}

}  // namespace bailey::cli
