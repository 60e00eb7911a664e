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

std::optional<bool> TestHolds(const policy::Test& test, abi::Arch arch, std::string_view syscall,
                              const bpf::SeccompData& data) {
  const auto argument = abi::FindArgument(arch, syscall, test.argument);
  if (!argument) return std::nullopt;
  const unsigned bits = abi::Bits(argument->type, arch);
  std::uint64_t value = ValueOf(*argument, arch, data);
  if (test.mask) {
    const auto mask = policy::Resolve(*test.mask, arch);
    if (!mask) return std::nullopt;
    value &= *mask;
  }
  if (test.comparison == Comparison::kAnyBit) return value != 0;
  bool holds = false;
  for (const policy::Value& operand : test.operands) {
    const auto right = policy::Resolve(operand, arch);
    if (!right) return std::nullopt;
    holds = holds || (abi::IsSigned(argument->type) && !test.mask
                          ? Compare(test.comparison, Extend(value, bits), Extend(*right, bits))
                          : Compare(test.comparison, value, Cut(*right, bits)));
  }
  return holds;
}

std::string Place(const Rule& rule) {
  std::string place = rule.origin.empty() ? "rule" : rule.origin;
  if (const std::string where = base::ToString(rule.location); !where.empty()) {
    place += ", " + where;
  }
  return place;
}

}  // namespace

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

std::vector<const Rule*> Rules::Naming(abi::Arch arch, std::string_view name,
                                       std::optional<std::uint32_t> number) const {
  std::vector<std::size_t> indexes;
  if (const auto named = by_name_.find(name); named != by_name_.end()) indexes = named->second;
  for (const std::size_t i : raw_) {
    if (syscalls_.rules[i].number == number) indexes.push_back(i);
  }
  std::ranges::sort(indexes);
  std::vector<const Rule*> rules;
  for (const std::size_t i : indexes) {
    const Rule& rule = syscalls_.rules[i];
    if (!rule.arch || *rule.arch == arch) rules.push_back(&rule);
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
  for (const Rule* rule : direct.rules) {
    consider({policy::Resolve(rule->answer, subject.arch), rule, explain ? Place(*rule) : ""});
    conditional = conditional || rule->condition.has_value();
    decided = !rule->condition;
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
  for (const Rule* rule : subject.rules) {
    if (rule->condition) {
      const std::optional<bool> holds = Holds(*rule->condition, subject.arch, rule->syscall, data);
      if (!holds) {
        return {abi::Action::KillProcess(), rule,
                fmt::format("{}: its condition has no meaning on {}", Place(*rule),
                            abi::Info(subject.arch).name)};
      }
      if (!*holds) continue;
    }
    return {policy::Resolve(rule->answer, subject.arch), rule, explain ? Place(*rule) : ""};
  }
  return ByDefault(subject, explain);
}

std::uint64_t ValueOf(const abi::Argument& argument, abi::Arch arch, const bpf::SeccompData& data) {
  std::uint64_t value = data.args[argument.low_slot];
  if (argument.high_slot != argument.low_slot) {
    value = Cut(value, 32) | data.args[argument.high_slot] << 32;
  }
  return Cut(value, abi::Bits(argument.type, arch));
}

std::optional<bool> Holds(const Condition& condition, abi::Arch arch, std::string_view syscall,
                          const bpf::SeccompData& data) {
  if (condition.kind == Condition::Kind::kTest)
    return TestHolds(condition.test, arch, syscall, data);
  bool all = true;
  bool any = false;
  for (const Condition& child : condition.children) {
    const std::optional<bool> holds = Holds(child, arch, syscall, data);
    if (!holds) return std::nullopt;
    all = all && *holds;
    any = any || *holds;
  }
  switch (condition.kind) {
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

}  // namespace bailey::prove
