// bailey explain: what a policy answers to a call, which rule decides, and where it is written.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "abi/arguments.h"
#include "abi/constants.h"
#include "abi/syscalls.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/commands.h"
#include "cli/explain_stack.h"
#include "prove/reading_rules.h"

namespace bailey::cli {
namespace {

struct ExplainOptions {
  std::string policy;
  std::string syscall;
  std::vector<std::string> arguments;
  std::vector<std::string> architectures;
};

constexpr char kDescription[] =
    "Says what a policy answers to a system call, which rule decides, and where it is written.\n"
    "Without arguments for the call, the conditions on it are listed in their order.";

void Describe(Arguments& arguments, ExplainOptions& options) {
  arguments.Value("POLICY", options.policy, "a policy file, or a preset").Required();
  arguments.Value("SYSCALL", options.syscall, "its name or number").Required();
  arguments.Values("ARGS", options.arguments,
                   "the call's arguments in order, or as name=value: numbers or constants, or'ed "
                   "with | (negative ones after --)");
  arguments.Values("--arch", options.architectures,
                   "on this architecture instead of the policy's; may be repeated");
}

base::Result<std::uint64_t> ParseValue(abi::Arch arch, std::string_view text) {
  std::uint64_t value = 0;
  for (std::string_view term : base::Split(text, '|')) {
    term = base::Trim(term);
    const bool is_negative = term.starts_with('-');
    if (is_negative) term.remove_prefix(1);
    auto number = base::ParseNumber(term);
    if (!number && !is_negative) number = abi::Constant(arch, term);
    if (!number) {
      return base::InvalidInput(
          fmt::format("read argument \"{}\": no number, and no constant of {}", base::Escape(text),
                      abi::Info(arch).name));
    }
    value |= is_negative ? ~*number + 1 : *number;
  }
  return value;
}

base::Result<bpf::SeccompData> MakeCall(const prove::Subject& subject,
                                        const std::vector<std::string>& words) {
  bpf::SeccompData data = {.nr = subject.number, .arch = abi::Info(subject.arch).token};
  const abi::ArgumentList known = abi::Arguments(subject.arch, subject.name);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const std::size_t equals = word.find('=');
    const std::string name = equals != std::string::npos ? word.substr(0, equals)
                             : i < known.size()          ? std::string(known[i].name)
                                                         : fmt::format("arg{}", i);
    const auto argument = abi::FindArgument(subject.arch, subject.name, name);
    if (!argument) return argument.error();
    const auto value = ParseValue(
        subject.arch, std::string_view(word).substr(equals == std::string::npos ? 0 : equals + 1));
    if (!value) return value.error();
    data.args[argument->low_slot] = *value;
    if (argument->high_slot != argument->low_slot) {
      data.args[argument->low_slot] = *value & 0xffffffff;
      data.args[argument->high_slot] = *value >> 32;
    }
  }
  return data;
}

std::string Line(const prove::Decision& decision, abi::Arch arch, std::string_view when = "") {
  return fmt::format("  {}{}\n      {}\n", abi::ToString(decision.action, arch), when,
                     decision.reason);
}

// Every rule that may decide, in order, and what is answered when none does.
std::string ListRules(const prove::Rules& rules, const prove::Subject& subject) {
  std::string text;
  bool is_first = true;
  for (const prove::NamingRule& naming : subject.rules) {
    const prove::Decision decision = {naming.action, naming.rule, prove::PlaceOf(*naming.rule)};
    if (!naming.question) {
      return text + Line(decision, subject.arch, is_first ? "" : " otherwise");
    }
    text += Line(decision, subject.arch,
                 fmt::format(" when {}", policy::ToString(*naming.rule->condition)));
    is_first = false;
  }
  return text + Line(rules.ByDefault(subject, true), subject.arch, is_first ? "" : " otherwise");
}

std::string ListSubcalls(const prove::Rules& rules, const prove::Subject& subject) {
  std::string text;
  const auto table = subject.name == "socketcall" ? abi::SocketcallTable() : abi::IpcTable();
  for (const abi::Multiplexed& subcall : table) {
    bpf::SeccompData data = {.nr = subject.number, .arch = abi::Info(subject.arch).token};
    data.args[0] = subcall.selector;
    text += Line(rules.Answer(subject, data, true), subject.arch,
                 fmt::format(" when {} ({})", subcall.selector, subcall.name));
  }
  return text;
}

// By the policy's own rules.
std::string ExplainOwn(const policy::Syscalls& syscalls, const prove::Rules& rules,
                       const prove::Subject& subject, const std::optional<bpf::SeccompData>& call) {
  const std::uint32_t token = abi::Info(subject.arch).token;
  if (prove::ArchOf(syscalls, token, subject.number) != subject.arch) {
    return Line(rules.Foreign(token, subject.number), subject.arch);
  }
  if (call) return Line(rules.Answer(subject, *call, true), subject.arch);
  if (rules.FollowsSubcalls(subject)) return ListSubcalls(rules, subject);
  const bool is_known = !subject.name.empty() || !subject.rules.empty();
  if (is_known) return ListRules(rules, subject);
  return Line(rules.Answer(subject, {.nr = subject.number, .arch = token}, true), subject.arch);
}

base::Result<std::string> ExplainOn(const policy::Syscalls& syscalls, const prove::Rules& rules,
                                    abi::Arch arch, const ExplainOptions& options) {
  auto number = abi::Number(arch, options.syscall);
  if (!number) {
    const auto raw = base::ParseNumber(options.syscall);
    if (raw && *raw <= 0xffffffff) number = static_cast<std::uint32_t>(*raw);
  }
  if (!number) {
    if (abi::IsKnownName(options.syscall)) {
      return fmt::format("  no such call there\n");
    }
    const auto nearest = base::Nearest(options.syscall, abi::AllNames().ToVector());
    return base::InvalidInput(fmt::format(
        "find system call \"{}\": no architecture has it{}", base::Escape(options.syscall),
        nearest ? fmt::format(", did you mean \"{}\"?", *nearest) : ""));
  }
  const prove::Subject subject = rules.About(arch, *number);
  std::optional<bpf::SeccompData> call;
  if (!options.arguments.empty()) {
    auto made = MakeCall(subject, options.arguments);
    if (!made) return made.error();
    call = *made;
  }
  return ExplainOwn(syscalls, rules, subject, call) + ExplainStack(syscalls, arch, *number, call);
}

base::Result<std::string> Explain(const ExplainOptions& options) {
  const auto context = CallerContext();
  if (!context) return context.error();
  const auto policy =
      policy::Load(options.policy, *context, {.architectures = options.architectures});
  if (!policy) return policy.error();
  const policy::Syscalls& syscalls = policy->syscalls;
  const prove::Rules rules(syscalls);
  // Architectures that say the same are named together.
  std::vector<std::pair<std::string, std::string>> said;
  for (const abi::Arch arch : syscalls.architectures) {
    auto text = ExplainOn(syscalls, rules, arch, options);
    if (!text) return text.error();
    const auto same = std::ranges::find(said, *text, &std::pair<std::string, std::string>::second);
    const std::string_view name = abi::Info(arch).name;
    if (same != said.end()) {
      same->first += fmt::format(", {}", name);
    } else {
      said.emplace_back(name, *text);
    }
  }
  std::string result;
  for (const auto& [archs, text] : said) {
    result += fmt::format("{} on {}:\n{}", base::Escape(options.syscall), archs, text);
  }
  return result;
}

}  // namespace

int RunExplain(int argc, char** argv) {
  ExplainOptions options;
  Arguments arguments("explain", kDescription);
  Describe(arguments, options);
  SplitWords words = SplitAtDashes(argc, argv);
  if (const auto code = arguments.Read(words.options, kUsage)) return *code;
  options.arguments.insert(options.arguments.end(), words.program.begin(), words.program.end());
  const auto text = Explain(options);
  if (!text) return Fail("explain", text.error());
  fmt::print("{}", *text);
  return kYes;
}

}  // namespace bailey::cli
