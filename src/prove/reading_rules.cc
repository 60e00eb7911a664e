#include "prove/reading_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "abi/syscalls.h"

namespace bailey::prove {
namespace {

using policy::Comparison;
using policy::Condition;
using policy::Rule;

constexpr std::uint32_t kSignBit = 0x80000000;

bool IsX32Own(std::uint32_t number) {
  return number >= abi::kX32FirstOwn && number <= abi::kX32LastOwn;
}

std::uint64_t Cut(std::uint64_t value, unsigned bits) {
  return bits == 64 ? value : value & ((std::uint64_t{1} << bits) - 1);
}

std::int64_t Extend(std::uint64_t value, unsigned bits) {
  const unsigned unused = 64 - bits;
  return static_cast<std::int64_t>(value << unused) >> unused;
}

bool Compare(Comparison comparison, auto left, auto right) {
  switch (comparison) {
    case Comparison::kEqual:
    case Comparison::kIn:
      return left == right;
    case Comparison::kNotEqual:
      return left != right;
    case Comparison::kLess:
      return left < right;
    case Comparison::kLessEqual:
      return left <= right;
    case Comparison::kGreater:
      return left > right;
    case Comparison::kGreaterEqual:
      return left >= right;
    case Comparison::kAnyBit:
      return left != 0;
  }
  return false;
}

// An argument's value as the kernel reads it, cut to its width.
std::uint64_t ValueOf(const Question& question, const bpf::SeccompData& data) {
  const abi::Argument& argument = question.argument;
  std::uint64_t value = data.args[argument.low_slot];
  if (argument.high_slot != argument.low_slot) {
    value = Cut(value, 32) | data.args[argument.high_slot] << 32;
  }
  return Cut(value, question.bits);
}

std::optional<bool> TestHolds(const Question& question, const bpf::SeccompData& data) {
  if (!question.has_meaning) return std::nullopt;
  const std::uint64_t value = ValueOf(question, data) & question.mask.value_or(~0ull);
  if (question.comparison == Comparison::kAnyBit) return value != 0;
  const unsigned bits = question.bits;
  return std::ranges::any_of(question.operands, [&](std::uint64_t operand) {
    return question.is_signed
               ? Compare(question.comparison, Extend(value, bits), Extend(operand, bits))
               : Compare(question.comparison, value, Cut(operand, bits));
  });
}

}  // namespace

std::string PlaceOf(const Rule& rule) {
  const std::string_view origin = rule.origin.View();
  std::string place(origin.empty() ? "rule" : origin);
  if (const std::string where = base::ToString(rule.location); !where.empty()) {
    place += ", " + where;
  }
  return place;
}

std::optional<abi::Arch> ArchOf(const policy::Syscalls& syscalls, std::uint32_t token,
                                std::uint32_t number) {
  if (token == abi::Info(abi::Arch::kX86_64).token) {
    if ((number & kSignBit) != 0) {
      const bool has_x86_64 = std::ranges::count(syscalls.architectures, abi::Arch::kX86_64) > 0;
      return has_x86_64 ? abi::Arch::kX86_64 : abi::Arch::kX32;
    }
    const bool is_x32 = (number & abi::kX32Bit) != 0 || IsX32Own(number);
    return is_x32 ? abi::Arch::kX32 : abi::Arch::kX86_64;
  }
  for (const abi::ArchInfo& info : abi::AllArchs()) {
    if (info.token == token) return info.arch;
  }
  return std::nullopt;
}

std::string_view NameOf(abi::Arch arch, std::uint32_t number) {
  if (arch == abi::Arch::kX32 && IsX32Own(number)) number |= abi::kX32Bit;
  return abi::Name(arch, number);
}

Rules::Rules(const policy::Syscalls& syscalls) : syscalls_(syscalls) {
  for (std::size_t i = 0; i < syscalls.rules.size(); ++i) {
    const Rule& rule = syscalls.rules[i];
    if (rule.number) {
      raw_.push_back(i);
    } else {
      by_name_[rule.syscall].push_back(i);
    }
  }
}

bool Rules::IsListed(abi::Arch arch) const {
  return std::ranges::find(syscalls_.architectures, arch) != syscalls_.architectures.end();
}

std::vector<NamingRule> Rules::Naming(abi::Arch arch, std::string_view name,
                                      std::optional<std::uint32_t> number) const {
  std::vector<std::size_t> indexes;
  if (const auto named = by_name_.find(name); named != by_name_.end()) indexes = named->second;
  for (const std::size_t i : raw_) {
    if (syscalls_.rules[i].number == number) indexes.push_back(i);
  }
  std::ranges::sort(indexes);
  std::vector<NamingRule> rules;
  for (const std::size_t i : indexes) {
    const Rule& rule = syscalls_.rules[i];
    if (rule.arch && *rule.arch != arch) continue;
    rules.push_back({&rule, std::nullopt, policy::Resolve(rule.answer, arch)});
    if (rule.condition) rules.back().question = Ask(*rule.condition, arch, rule.syscall);
  }
  return rules;
}

Subject Rules::About(abi::Arch arch, std::uint32_t number) const {
  const std::string_view name = NameOf(arch, number);
  return {arch, number, name, Naming(arch, name, number)};
}

bool Rules::FollowsSubcalls(const Subject& subject) const {
  if (syscalls_.multiplexers == policy::Multiplexers::kOpen || !subject.rules.empty()) return false;
  const abi::ArchInfo& info = abi::Info(subject.arch);
  return (subject.name == "socketcall" && info.has_socketcall) ||
         (subject.name == "ipc" && info.has_ipc);
}

Decision Rules::Foreign(std::uint32_t token, std::uint32_t number) const {
  const auto arch = ArchOf(syscalls_, token, number);
  const abi::Arch numbered =
      syscalls_.architectures.empty() ? abi::NativeArch() : syscalls_.architectures.front();
  return {policy::Resolve(syscalls_.foreign, numbered), nullptr,
          arch ? fmt::format("foreign: {} is not one of the policy's architectures",
                             abi::Info(*arch).name)
               : fmt::format("foreign: no architecture has the token {:#x}", token)};
}

Decision Rules::Unknown(const Subject& subject, std::string_view what, bool explain) const {
  Decision decision = {policy::Resolve(syscalls_.unknown, subject.arch), nullptr, {}};
  if (explain) {
    decision.reason = fmt::format("unknown: no table names {} {}", what, subject.number);
  }
  return decision;
}

Decision Rules::ByDefault(const Subject& subject, bool explain) const {
  const bool falls_back = syscalls_.default_action.kind == abi::ActionKind::kErrno &&
                          !subject.name.empty() && policy::IsFallbackCall(subject.name);
  if (!falls_back) {
    return {policy::Resolve(syscalls_.default_action, subject.arch), nullptr,
            explain ? "default: no rule decides it" : ""};
  }
  Decision decision = {policy::Resolve(syscalls_.fallback_default, subject.arch), nullptr, {}};
  if (explain) {
    decision.reason = fmt::format(
        "default: no rule decides it, and libc falls back to an older call when {} answers {}",
        subject.name, policy::ToString(syscalls_.fallback_default));
  }
  return decision;
}

Decision Rules::BySubcall(const Subject& subject, const bpf::SeccompData& data,
                          bool explain) const {
  const bool is_socketcall = subject.name == "socketcall";
  const auto table = is_socketcall ? abi::SocketcallTable() : abi::IpcTable();
  const auto selector =
      static_cast<std::uint32_t>(is_socketcall ? data.args[0] : data.args[0] & 0xffff);
  const auto subcall = std::ranges::find(table, selector, &abi::Multiplexed::selector);
  if (subcall == table.end()) {
    Subject unknown = subject;
    unknown.number = selector;
    return Unknown(unknown, fmt::format("subcall of {}", subject.name), explain);
  }
  Subject direct = {subject.arch, 0, subcall->name, {}};
  direct.rules = Naming(subject.arch, subcall->name, abi::Number(subject.arch, subcall->name));

  Decision strictest;
  bool found = false;
  bool conditional = false;
  const auto consider = [&](const Decision& decision) {
    if (!found ||
        abi::ComparePrecedence(abi::Encode(decision.action), abi::Encode(strictest.action)) < 0) {
      strictest = decision;
    }
    found = true;
  };
  bool decided = false;
  for (const NamingRule& naming : direct.rules) {
    consider({naming.action, naming.rule, explain ? PlaceOf(*naming.rule) : ""});
    conditional = conditional || naming.question.has_value();
    decided = !naming.question;
    if (decided) break;
  }
  if (!decided) consider(ByDefault(direct, explain));
  if (explain) {
    strictest.reason += fmt::format("; {} answers as {} does", subject.name, subcall->name);
    if (conditional) {
      strictest.reason += " at its strictest, for its arguments are behind a pointer";
    }
  }
  return strictest;
}

Decision Rules::Answer(const Subject& subject, const bpf::SeccompData& data, bool explain) const {
  if (subject.name.empty() && subject.rules.empty()) return Unknown(subject, "number", explain);
  if (FollowsSubcalls(subject)) return BySubcall(subject, data, explain);
  for (const NamingRule& naming : subject.rules) {
    const std::optional<bool> holds = naming.question ? Holds(*naming.question, data) : true;
    if (!holds) {
      return {abi::Action::KillProcess(), naming.rule,
              fmt::format("{}: its condition has no meaning on {}", PlaceOf(*naming.rule),
                          abi::Info(subject.arch).name)};
    }
    if (*holds) return {naming.action, naming.rule, explain ? PlaceOf(*naming.rule) : ""};
  }
  return ByDefault(subject, explain);
}

Question Ask(const Condition& condition, abi::Arch arch, std::string_view syscall) {
  Question question;
  question.kind = condition.kind;
  if (condition.kind != Condition::Kind::kTest) {
    for (const Condition& child : condition.children) {
      question.children.push_back(Ask(child, arch, syscall));
    }
    return question;
  }
  const policy::Test& test = condition.test;
  const auto argument = abi::FindArgument(arch, syscall, test.argument);
  question.has_meaning = argument.has_value();
  if (argument) {
    question.argument = *argument;
    question.bits = abi::Bits(argument->type, arch);
    question.is_signed = abi::IsSigned(argument->type) && !test.mask;
  }
  question.comparison = test.comparison;
  if (test.mask) {
    question.mask = policy::Resolve(*test.mask, arch);
    question.has_meaning = question.has_meaning && question.mask.has_value();
  }
  for (const policy::Value& operand : test.operands) {
    const auto value = policy::Resolve(operand, arch);
    question.has_meaning = question.has_meaning && value.has_value();
    question.operands.push_back(value.value_or(0));
  }
  return question;
}

std::optional<bool> Holds(const Question& question, const bpf::SeccompData& data) {
  if (question.kind == Condition::Kind::kTest) return TestHolds(question, data);
  bool all = true;
  bool any = false;
  for (const Question& child : question.children) {
    const std::optional<bool> holds = Holds(child, data);
    if (!holds) return std::nullopt;
    all = all && *holds;
    any = any || *holds;
  }
  switch (question.kind) {
    case Condition::Kind::kAnd:
      return all;
    case Condition::Kind::kOr:
      return any;
    case Condition::Kind::kNot:
      return !any;
    case Condition::Kind::kTest:
      break;
  }
  return std::nullopt;
}

Decision Decide(const policy::Syscalls& syscalls, const bpf::SeccompData& data) {
  const Rules rules(syscalls);
  const auto arch = ArchOf(syscalls, data.arch, data.nr);
  if (!arch || !rules.IsListed(*arch)) return rules.Foreign(data.arch, data.nr);
  return rules.Answer(rules.About(*arch, data.nr), data, true);
}

bool IsProbe(const policy::Policy& policy, const bpf::SeccompData& data) {
  if (policy.audit.probes.empty()) return false;
  policy::Syscalls probes;
  probes.architectures = policy.syscalls.architectures;
  probes.multiplexers = policy::Multiplexers::kOpen;
  probes.rules = policy.audit.probes;
  return Decide(probes, data).rule != nullptr;
}

}  // namespace bailey::prove
