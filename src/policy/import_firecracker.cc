#include "policy/import_firecracker.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "abi/constants.h"
#include "abi/syscalls.h"
#include "base/text.h"
#include "policy/load.h"

namespace bailey::policy {
namespace {

using nlohmann::json;

constexpr std::pair<std::string_view, abi::ActionKind> kActions[] = {
    {"allow", abi::ActionKind::kAllow},
    {"kill_process", abi::ActionKind::kKillProcess},
    {"kill_thread", abi::ActionKind::kKillThread},
    {"log", abi::ActionKind::kLog},
    {"trap", abi::ActionKind::kTrap},
};

constexpr std::pair<std::string_view, Comparison> kOperators[] = {
    {"eq", Comparison::kEqual},     {"ne", Comparison::kNotEqual},     {"lt", Comparison::kLess},
    {"le", Comparison::kLessEqual}, {"ge", Comparison::kGreaterEqual}, {"gt", Comparison::kGreater},
};

// Remembers the first fault; what is read after it is not used.
class Importer {
 public:
  Importer(std::string_view file, abi::Arch arch) : file_(file), arch_(arch) {}

  base::Result<std::map<std::string, Syscalls>> Import(const json& text) {
    std::map<std::string, Syscalls> threads;
    if (!text.is_object()) Fail("", "it is not a JSON object");
    if (!error_) {
      for (const auto& [thread, filter] : text.items()) {
        threads.emplace(thread, ReadFilter(filter, base::Escape(thread)));
      }
    }
    if (error_) return *std::move(error_);
    return threads;
  }

 private:
  void Fail(std::string_view where, std::string_view cause) {
    if (error_) return;
    error_ = base::InvalidInput(fmt::format("read filter {}: {}{}{}", base::Escape(file_), where,
                                            where.empty() ? "" : ": ", cause));
  }

  Syscalls ReadFilter(const json& filter, const std::string& where) {
    Syscalls syscalls;
    if (!filter.is_object()) {
      Fail(where, "it is not an object");
      return syscalls;
    }
    syscalls.architectures = {arch_};
    syscalls.default_action = ReadAction(filter, "default_action", where);
    syscalls.unknown = syscalls.fallback_default = syscalls.default_action;
    const Answer answer = ReadAction(filter, "filter_action", where);
    const auto rules = filter.find("filter");
    if (rules == filter.end() || !rules->is_array()) {
      Fail(where, "\"filter\" is not a list");
      return syscalls;
    }
    for (std::size_t i = 0; i < rules->size() && !error_; ++i) {
      Rule rule = ReadRule((*rules)[i], fmt::format("{}.filter[{}]", where, i));
      rule.answer = answer;
      syscalls.rules.push_back(std::move(rule));
    }
    return syscalls;
  }

  Answer ReadAction(const json& object, std::string_view key, const std::string& where) {
    const auto action = object.find(key);
    if (action == object.end()) {
      Fail(where, fmt::format("it has no \"{}\"", key));
      return {};
    }
    if (action->is_string()) {
      const auto name = action->get<std::string>();
      for (const auto& [known, kind] : kActions) {
        if (known == name) return {kind, "", 0};
      }
      Fail(where, fmt::format("unknown action \"{}\"", base::Escape(name)));
      return {};
    }
    for (const auto& [key_name, kind] : {std::pair("errno", abi::ActionKind::kErrno),
                                         std::pair("trace", abi::ActionKind::kTrace)}) {
      const auto number =
          action->is_object() && action->size() == 1 ? action->find(key_name) : action->end();
      if (number == action->end()) continue;
      if (!number->is_number_unsigned() || number->get<std::uint64_t>() > 0xffff) {
        Fail(where, fmt::format("\"{}\" is not a number from 0 to 65535", key_name));
        return {};
      }
      return {kind, "", number->get<std::uint16_t>()};
    }
    Fail(where, fmt::format("\"{}\" is no action", key));
    return {};
  }

  Rule ReadRule(const json& text, const std::string& where) {
    Rule rule;
    rule.origin = where;
    rule.location.file = std::string(file_);
    const auto name = text.is_object() ? text.find("syscall") : text.end();
    if (!text.is_object() || name == text.end() || !name->is_string()) {
      Fail(where, "\"syscall\" is not a name");
      return rule;
    }
    rule.syscall = name->get<std::string>();
    if (!abi::Number(arch_, rule.syscall)) {
      Fail(where, fmt::format("\"{}\" is no system call of {}", base::Escape(rule.syscall),
                              abi::Info(arch_).name));
    }
    const auto arguments = text.find("args");
    if (arguments == text.end() || arguments->is_null()) return rule;
    if (!arguments->is_array()) {
      Fail(where, "\"args\" is not a list");
      return rule;
    }
    std::vector<Condition> conditions;
    for (std::size_t i = 0; i < arguments->size() && !error_; ++i) {
      conditions.push_back(ReadArgument((*arguments)[i], fmt::format("{}.args[{}]", where, i)));
    }
    if (conditions.size() == 1) rule.condition = std::move(conditions[0]);
    if (conditions.size() > 1) {
      Condition all;
      all.kind = Condition::Kind::kAnd;
      all.children = std::move(conditions);
      rule.condition = std::move(all);
    }
    return rule;
  }

  std::uint64_t ReadNumber(const json& object, std::string_view key, std::uint64_t most,
                           const std::string& where) {
    const auto number = object.find(key);
    if (number != object.end() && number->is_number_unsigned() &&
        number->get<std::uint64_t>() <= most) {
      return number->get<std::uint64_t>();
    }
    Fail(where, fmt::format("\"{}\" is not a number from 0 to {}", key, most));
    return 0;
  }

  Condition ReadArgument(const json& argument, const std::string& where) {
    Condition condition;
    if (!argument.is_object()) {
      Fail(where, "it is not an object");
      return condition;
    }
    const auto type = argument.find("type");
    const bool is_narrow = type != argument.end() && *type == "dword";
    if (type == argument.end() || (!is_narrow && *type != "qword")) {
      Fail(where, "\"type\" is not \"dword\" or \"qword\"");
    }
    const std::uint64_t all = is_narrow ? 0xffffffff : ~0ull;
    Test& test = condition.test;
    test.argument = fmt::format("arg{}.raw", ReadNumber(argument, "index", 5, where));
    const std::uint64_t value = ReadNumber(argument, "val", ~0ull, where) & all;
    test.operands = {{{{"", value}}}};
    std::uint64_t mask = all;
    const auto op = argument.find("op");
    if (op != argument.end() && op->is_object()) {
      mask = ReadNumber(*op, "masked_eq", ~0ull, where) & all;
      test.operands = {{{{"", value & mask}}}};
    } else if (op != argument.end() && op->is_string()) {
      const auto name = op->get<std::string>();
      const auto known =
          std::ranges::find(kOperators, name, &std::pair<std::string_view, Comparison>::first);
      if (known == std::end(kOperators)) {
        Fail(where, fmt::format("unknown operator \"{}\"", base::Escape(name)));
      } else {
        test.comparison = known->second;
      }
    } else {
      Fail(where, "\"op\" is no operator");
    }
    test.mask = Value{{{"", mask}}};
    return condition;
  }

  std::string_view file_;
  abi::Arch arch_;
  std::optional<base::Error> error_;
};

}  // namespace

base::Result<std::map<std::string, Syscalls>> ImportFirecracker(std::string_view text,
                                                                std::string_view file,
                                                                abi::Arch arch) {
  if (text.size() > kMaxPolicyBytes) {
    return base::InvalidInput(fmt::format("read filter {}: it is larger than {} bytes",
                                          base::Escape(file), kMaxPolicyBytes));
  }
  const json parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) {
    return base::InvalidInput(fmt::format("read filter {}: it is not JSON", base::Escape(file)));
  }
  return Importer(file, arch).Import(parsed);
}

}  // namespace bailey::policy
