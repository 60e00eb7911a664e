// A reader that asks for each member by name and type and gives up at the first that is wrong. The
// JSON library reports syntax errors by exception; that one is caught here.
#include "policy/import_oci.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "abi/constants.h"
#include "abi/syscalls.h"
#include "base/text.h"
#include "policy/load.h"

namespace bailey::policy {
namespace {

using nlohmann::json;

constexpr std::uint16_t kEperm = 1;

struct ActionName {
  std::string_view name;
  abi::ActionKind kind;
};
constexpr ActionName kActions[] = {
    {"SCMP_ACT_ALLOW", abi::ActionKind::kAllow},
    {"SCMP_ACT_ERRNO", abi::ActionKind::kErrno},
    {"SCMP_ACT_KILL", abi::ActionKind::kKillThread},
    {"SCMP_ACT_KILL_THREAD", abi::ActionKind::kKillThread},
    {"SCMP_ACT_KILL_PROCESS", abi::ActionKind::kKillProcess},
    {"SCMP_ACT_TRAP", abi::ActionKind::kTrap},
    {"SCMP_ACT_TRACE", abi::ActionKind::kTrace},
    {"SCMP_ACT_LOG", abi::ActionKind::kLog},
    {"SCMP_ACT_NOTIFY", abi::ActionKind::kNotify},
};

struct Operator {
  std::string_view name;
  Comparison comparison;
};
constexpr Operator kOperators[] = {
    {"SCMP_CMP_NE", Comparison::kNotEqual},     {"SCMP_CMP_LT", Comparison::kLess},
    {"SCMP_CMP_LE", Comparison::kLessEqual},    {"SCMP_CMP_EQ", Comparison::kEqual},
    {"SCMP_CMP_GE", Comparison::kGreaterEqual}, {"SCMP_CMP_GT", Comparison::kGreater},
    {"SCMP_CMP_MASKED_EQ", Comparison::kEqual},
};
constexpr std::string_view kMaskedEqual = "SCMP_CMP_MASKED_EQ";

Condition Combine(Condition::Kind kind, std::vector<Condition> children) {
  if (children.size() == 1) return std::move(children[0]);
  Condition condition;
  condition.kind = kind;
  condition.children = std::move(children);
  return condition;
}

class Importer {
 public:
  Importer(std::string_view file, const OciOptions& options) : file_(file), options_(options) {}

  base::Result<Syscalls> Import(const json& profile) {
    ReadProfile(profile);
    if (error_) return *std::move(error_);
    return std::move(result_);
  }

 private:
  // What the members of one element are read through: remembers where it is, for errors.
  void Fail(std::string_view where, std::string_view cause) {
    if (error_) return;
    error_ = base::InvalidInput(fmt::format("read profile {}: {}{}{}", base::Escape(file_), where,
                                            where.empty() ? "" : ": ", cause));
  }
  const json* Member(const json& object, std::string_view name);
  std::string String(const json& object, std::string_view name, std::string_view where);
  std::vector<std::string> Strings(const json& object, std::string_view name,
                                   std::string_view where);
  std::optional<std::uint64_t> Number(const json& object, std::string_view name,
                                      std::string_view where);

  void ReadProfile(const json& profile);
  void ReadArchitectures(const json& profile);
  abi::Arch ReadArch(const std::string& name, std::string_view where);
  Answer ReadAnswer(const json& object, std::string_view action, std::string_view number,
                    std::string_view name, std::string_view where);
  void ReadRule(const json& rule, const std::string& where);
  bool Applies(const json& rule, const std::string& where);
  bool Matches(const json& filter, const std::string& where, bool includes);
  std::optional<Condition> ReadArguments(const json& rule, const std::string& where);
  Condition ReadArgument(const json& argument, const std::string& where);
  void AddRule(const std::string& name, const std::optional<Condition>& condition,
               const Answer& answer, const std::string& where);

  std::string_view file_;
  const OciOptions& options_;
  Syscalls result_;
  std::set<std::string> always_;  // calls that a rule without condition decides
  std::optional<base::Error> error_;
};

const json* Importer::Member(const json& object, std::string_view name) {
  const auto it = object.find(name);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

std::string Importer::String(const json& object, std::string_view name, std::string_view where) {
  const json* member = Member(object, name);
  if (member == nullptr) return {};
  if (!member->is_string()) {
    Fail(where, fmt::format("\"{}\" is not a string", name));
    return {};
  }
  return member->get<std::string>();
}

std::vector<std::string> Importer::Strings(const json& object, std::string_view name,
                                           std::string_view where) {
  const json* member = Member(object, name);
  std::vector<std::string> strings;
  if (member == nullptr) return strings;
  if (!member->is_array() ||
      !std::ranges::all_of(*member, [](const json& item) { return item.is_string(); })) {
    Fail(where, fmt::format("\"{}\" is not a list of strings", name));
    return strings;
  }
  for (const json& item : *member) strings.push_back(item.get<std::string>());
  return strings;
}

std::optional<std::uint64_t> Importer::Number(const json& object, std::string_view name,
                                              std::string_view where) {
  const json* member = Member(object, name);
  if (member == nullptr) return std::nullopt;
  if (member->is_number_unsigned()) return member->get<std::uint64_t>();
  Fail(where, fmt::format("\"{}\" is not a number from 0 to 2^64-1", name));
  return std::nullopt;
}

void Importer::ReadProfile(const json& profile) {
  if (!profile.is_object()) return Fail("", "it is not a JSON object");
  ReadArchitectures(profile);
  result_.default_action =
      ReadAnswer(profile, "defaultAction", "defaultErrnoRet", "defaultErrno", "");
  result_.fallback_default = result_.default_action;
  const bool is_errno = result_.default_action.kind == abi::ActionKind::kErrno;
  result_.unknown =
      is_errno ? Answer{abi::ActionKind::kErrno, "ENOSYS", 0} : result_.default_action;
  result_.foreign = {abi::ActionKind::kKillProcess, "", 0};
  const json* rules = Member(profile, "syscalls");
  if (rules == nullptr) return;
  if (!rules->is_array()) return Fail("", "\"syscalls\" is not a list");
  for (std::size_t i = 0; i < rules->size() && !error_; ++i) {
    ReadRule((*rules)[i], fmt::format("syscalls[{}]", i));
  }
}

abi::Arch Importer::ReadArch(const std::string& name, std::string_view where) {
  const auto arch = abi::FindArch(name);
  if (!arch) Fail(where, fmt::format("unknown architecture \"{}\"", base::Escape(name)));
  return arch.value_or(options_.native);
}

void Importer::ReadArchitectures(const json& profile) {
  for (const std::string& name : Strings(profile, "architectures", "")) {
    result_.architectures.push_back(ReadArch(name, "architectures"));
  }
  if (const json* map = Member(profile, "archMap")) {
    if (!map->is_array()) return Fail("", "\"archMap\" is not a list");
    for (const json& entry : *map) {
      if (!entry.is_object()) return Fail("archMap", "an entry is not an object");
      const abi::Arch arch = ReadArch(String(entry, "architecture", "archMap"), "archMap");
      std::vector<abi::Arch> archs = {arch};
      for (const std::string& name : Strings(entry, "subArchitectures", "archMap")) {
        archs.push_back(ReadArch(name, "archMap"));
      }
      if (arch == options_.native) result_.architectures = archs;
    }
  }
  if (result_.architectures.empty()) result_.architectures = {options_.native};
  if (!options_.architectures.empty()) result_.architectures = options_.architectures;
}

Answer Importer::ReadAnswer(const json& object, std::string_view action, std::string_view number,
                            std::string_view name, std::string_view where) {
  const std::string text = String(object, action, where);
  const auto known = std::ranges::find(kActions, text, &ActionName::name);
  if (known == std::end(kActions)) {
    Fail(where, text.empty() ? fmt::format("it has no \"{}\"", action)
                             : fmt::format("unknown action \"{}\"", base::Escape(text)));
    return {};
  }
  Answer answer = {known->kind, "", 0};
  const auto data = Number(object, number, where);
  if (data && *data > 0xffff) Fail(where, fmt::format("\"{}\" is above 65535", number));
  if (answer.kind == abi::ActionKind::kErrno || answer.kind == abi::ActionKind::kTrace) {
    // By name where there is one: errnos differ between architectures, and profiles are written in
    // the numbers of the usual ones.
    answer.data = static_cast<std::uint16_t>(data.value_or(kEperm));
    if (answer.kind == abi::ActionKind::kErrno) {
      std::string errno_name = String(object, name, where);
      if (errno_name.empty()) errno_name = abi::ErrnoName(abi::Arch::kX86_64, answer.data);
      if (!errno_name.empty() && !abi::ErrnoNumber(abi::Arch::kX86_64, errno_name)) {
        Fail(where, fmt::format("unknown errno \"{}\"", base::Escape(errno_name)));
      }
      if (!errno_name.empty()) answer = {answer.kind, errno_name, 0};
    }
  }
  return answer;
}

void Importer::ReadRule(const json& rule, const std::string& where) {
  if (!rule.is_object()) return Fail(where, "it is not an object");
  std::vector<std::string> names = Strings(rule, "names", where);
  if (const std::string name = String(rule, "name", where); !name.empty()) names.push_back(name);
  if (names.empty()) return Fail(where, "it names no call");
  const bool applies = Applies(rule, where);
  const Answer answer = ReadAnswer(rule, "action", "errnoRet", "errno", where);
  const std::optional<Condition> condition = ReadArguments(rule, where);
  if (error_ || !applies) return;
  for (const std::string& name : names) AddRule(name, condition, answer, where);
}

void Importer::AddRule(const std::string& name, const std::optional<Condition>& condition,
                       const Answer& answer, const std::string& where) {
  if (!abi::IsKnownName(name)) return;
  if (always_.contains(name)) return;
  if (!condition) {
    always_.insert(name);
    // First match decides, and this one does.
    std::erase_if(result_.rules, [&](const Rule& rule) { return rule.syscall == name; });
  }
  Rule rule;
  rule.syscall = name;
  if (condition) rule.condition = *condition;
  rule.answer = answer;
  rule.origin = where;
  rule.location.file = std::string(file_);
  result_.rules.push_back(std::move(rule));
}

bool Importer::Applies(const json& rule, const std::string& where) {
  bool applies = true;
  for (const bool includes : {true, false}) {
    const std::string_view name = includes ? "includes" : "excludes";
    const json* filter = Member(rule, name);
    if (filter == nullptr) continue;
    if (!filter->is_object()) {
      Fail(where, fmt::format("\"{}\" is not an object", name));
      return false;
    }
    applies = Matches(*filter, where, includes) && applies;
  }
  return applies;
}

// `includes` asks for all of its capabilities and one of its architectures; `excludes` refuses any.
bool Importer::Matches(const json& filter, const std::string& where, bool includes) {
  const auto has = [this](const std::string& capability) {
    return std::ranges::find(options_.capabilities, capability) != options_.capabilities.end();
  };
  const std::vector<std::string> capabilities = Strings(filter, "caps", where);
  const std::vector<std::string> archs = Strings(filter, "arches", where);
  const bool is_native = std::ranges::any_of(
      archs, [this](const std::string& name) { return abi::FindArch(name) == options_.native; });
  const std::string kernel = String(filter, "minKernel", where);
  if (!includes) return std::ranges::none_of(capabilities, has) && !is_native;

  bool is_new_enough = true;
  if (!kernel.empty()) {
    const std::string_view text = kernel;
    const auto dot = text.find('.');
    const auto major = base::ParseNumber(text.substr(0, dot));
    const auto minor =
        dot == std::string_view::npos ? std::nullopt : base::ParseNumber(text.substr(dot + 1));
    if (!major || !minor) {
      Fail(where, fmt::format("\"minKernel\" is \"{}\", not a version", base::Escape(kernel)));
      return false;
    }
    is_new_enough = std::pair(std::uint64_t{options_.kernel_major},
                              std::uint64_t{options_.kernel_minor}) >= std::pair(*major, *minor);
  }
  return is_new_enough && std::ranges::all_of(capabilities, has) && (archs.empty() || is_native);
}

std::optional<Condition> Importer::ReadArguments(const json& rule, const std::string& where) {
  const json* arguments = Member(rule, "args");
  if (arguments == nullptr || (arguments->is_array() && arguments->empty())) return std::nullopt;
  if (!arguments->is_array()) {
    Fail(where, "\"args\" is not a list");
    return std::nullopt;
  }
  std::vector<Condition> conditions;
  std::vector<std::uint64_t> indexes;
  for (std::size_t i = 0; i < arguments->size(); ++i) {
    const std::string at = fmt::format("{}.args[{}]", where, i);
    const json& argument = (*arguments)[i];
    if (!argument.is_object()) {
      Fail(at, "it is not an object");
      return std::nullopt;
    }
    conditions.push_back(ReadArgument(argument, at));
    indexes.push_back(Number(argument, "index", at).value_or(0));
  }
  std::ranges::sort(indexes);
  const bool repeats = std::ranges::adjacent_find(indexes) != indexes.end();
  return Combine(repeats ? Condition::Kind::kOr : Condition::Kind::kAnd, std::move(conditions));
}

Condition Importer::ReadArgument(const json& argument, const std::string& where) {
  const auto index = Number(argument, "index", where);
  const auto value = Number(argument, "value", where).value_or(0);
  const auto value_two = Number(argument, "valueTwo", where).value_or(0);
  const std::string name = String(argument, "op", where);
  const auto known = std::ranges::find(kOperators, name, &Operator::name);
  if (!index || *index > 5) Fail(where, "\"index\" is not a number from 0 to 5");
  if (known == std::end(kOperators)) {
    Fail(where, fmt::format("unknown operator \"{}\"", base::Escape(name)));
    return {};
  }
  const bool is_masked = name == kMaskedEqual;
  const bool is_wide = (is_masked ? value | value_two : value) > 0xffffffff;
  Condition condition;
  condition.test.argument = fmt::format("arg{}{}", index.value_or(0), is_wide ? ".raw" : "");
  condition.test.comparison = known->comparison;
  condition.test.operands = {{{{"", is_masked ? value_two : value}}}};
  // A mask of all bits makes the comparison unsigned.
  const bool is_equality =
      known->comparison == Comparison::kEqual || known->comparison == Comparison::kNotEqual;
  if (is_masked) condition.test.mask = Value{{{"", value}}};
  if (!is_masked && !is_equality) condition.test.mask = Value{{{"", ~0ull}}};
  return condition;
}

}  // namespace

base::Result<Syscalls> ImportOci(std::string_view text, std::string_view file,
                                 const OciOptions& options) {
  if (text.size() > kMaxPolicyBytes) {
    return base::InvalidInput(fmt::format("read profile {}: it is larger than {} bytes",
                                          base::Escape(file), kMaxPolicyBytes));
  }
  try {
    return Importer(file, options).Import(json::parse(text));
  } catch (const json::parse_error& error) {
    const std::string_view before = text.substr(0, error.byte == 0 ? 0 : error.byte - 1);
    base::Error invalid =
        base::InvalidInput(fmt::format("read profile {}: it is not JSON", base::Escape(file)));
    invalid.location = {std::string(file),
                        static_cast<std::uint32_t>(std::ranges::count(before, '\n') + 1),
                        static_cast<std::uint32_t>(before.size() - (before.rfind('\n') + 1) + 1)};
    return invalid;
  } catch (const json::out_of_range&) {
    return base::InvalidInput(
        fmt::format("read profile {}: a number in it is larger than any", base::Escape(file)));
  }
}

std::vector<std::string> DefaultContainerCapabilities() {
  return {"CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
          "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
          "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
          "CAP_KILL",    "CAP_AUDIT_WRITE"};
}

}  // namespace bailey::policy
