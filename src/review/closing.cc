#include "review/closing.h"

#include <fmt/format.h>

#include <algorithm>

#include "abi/constants.h"
#include "compile/compile.h"
#include "prove/difference.h"
#include "prove/validate.h"
#include "review/filter_view.h"
#include "review/find_filter.h"
#include "verify/meaning.h"

namespace bailey::review {
namespace {

constexpr std::string_view kFamilies = "{$families}";
constexpr std::size_t kNamedChanges = 8;

// A change to [syscalls], as text and as what it does.
struct Change {
  std::vector<std::string> deny;  // entries of the list
  std::vector<policy::Rule> rules;
  std::vector<std::string> keys;  // other lines: unknown = "ENOSYS"
  bool unknown = false, foreign = false, follow = false;

  bool IsEmpty() const { return deny.empty() && keys.empty(); }
};

std::string FillFamilies(std::string_view when, const std::vector<std::uint16_t>& families) {
  std::string text(when);
  const auto at = text.find(kFamilies);
  if (at == std::string::npos) return text;
  std::vector<std::string> names;
  for (const std::uint16_t family : families) {
    const auto name = abi::ConstantName(abi::NativeArch(), "AF_", family);
    names.push_back(name.empty() ? std::to_string(family) : std::string(name));
  }
  return text.replace(at, kFamilies.size(), fmt::format("{{{}}}", Join(names)));
}

policy::Answer DenyBy(const policy::Answer& fallback, std::string_view call,
                      std::string_view errno_name) {
  policy::Answer answer = {abi::ActionKind::kErrno, "EPERM", 0};
  if (fallback.kind == abi::ActionKind::kErrno && !fallback.errno_name.empty()) answer = fallback;
  if (policy::IsFallbackCall(call)) answer.errno_name = "ENOSYS";
  if (!errno_name.empty()) answer.errno_name = errno_name;
  return answer;
}

// Entries already asked for are not asked for twice.
void AddDenial(Change& change, const prove::CallSet& set, const FilterView& view,
               const policy::Answer& fallback, std::string_view errno_name) {
  policy::Rule rule = {.syscall = std::string(set.call),
                       .answer = DenyBy(fallback, set.call, errno_name)};
  const std::string when =
      set.pointer.empty() ? FillFamilies(set.when, Judged(*view.Of().filter).families) : "";
  std::string entry = fmt::format("\"{}\"", set.call);
  const bool says_errno = rule.answer != DenyBy(fallback, "", "");
  if (!when.empty() || says_errno) {
    entry = fmt::format("{{ syscall = \"{}\"{}{} }}", set.call,
                        when.empty() ? "" : fmt::format(", when = \"{}\"", when),
                        says_errno ? fmt::format(", errno = \"{}\"", rule.answer.errno_name) : "");
  }
  if (std::ranges::find(change.deny, entry) != change.deny.end()) return;
  if (!when.empty()) {
    auto condition = policy::ParseCondition(when);
    if (!condition) return;
    rule.condition = *std::move(condition);
  }
  change.deny.push_back(std::move(entry));
  change.rules.push_back(std::move(rule));
}

void AddKey(Change& change, bool& flag, const char* line) {
  if (flag) return;
  flag = true;
  change.keys.emplace_back(line);
}

// Those of a guarantee's open calls that a finding is about: each of the three about sockets has a
// part of one guarantee's, and what the filter refutes comes before what it leaves undecided.
std::vector<OpenCall> CallsOf(FilterView& view, const prove::Guarantee& guarantee,
                              const std::string& rule) {
  std::vector<OpenCall> calls = view.OpenCalls(guarantee);
  if (rule == kSocketcallRule || rule == kPairsRule) {
    std::erase_if(calls, [&](const OpenCall& one) {
      return (one.name == "socketcall") != (rule == kSocketcallRule) ||
             (rule == kPairsRule && one.set->call != "socketpair");
    });
  }
  const auto is_refuted = [](const OpenCall& one) {
    return one.finding.verdict == prove::Verdict::kRefuted;
  };
  if (std::ranges::any_of(calls, is_refuted))
    std::erase_if(calls, [&](const OpenCall& one) { return !is_refuted(one); });
  return calls;
}

bool IsMultiplexer(const std::string& name) { return name == "socketcall" || name == "ipc"; }

// `with_subcalls`: the direct calls of what multiplexers lead to are denied by name too.
Change ChangeFor(const FilterView& view, const prove::Guarantee& guarantee,
                 const std::vector<OpenCall>& calls, bool with_subcalls) {
  Change change;
  const policy::Answer fallback = view.Of().policy ? view.Of().policy->syscalls.default_action
                                                   : policy::Answer{abi::ActionKind::kAllow, "", 0};
  for (const OpenCall& open : calls) {
    const prove::CallSet& set = *open.set;
    if (set.numbers == "unknown" || set.numbers == "negative") {
      AddKey(change, change.unknown, "unknown = \"ENOSYS\"");
    } else if (set.numbers == "foreign" || set.numbers == "x32") {
      AddKey(change, change.foreign, "foreign = \"kill-process\"");
    } else if (set.numbers.empty()) {
      const bool follows = IsMultiplexer(open.name);
      if (follows) AddKey(change, change.follow, "multiplexers = \"follow\"");
      if (!follows || with_subcalls) AddDenial(change, set, view, fallback, guarantee.errno_name);
    }
  }
  return change;
}

void Apply(const Change& change, policy::Syscalls& syscalls) {
  syscalls.rules.insert(syscalls.rules.begin(), change.rules.begin(), change.rules.end());
  if (change.unknown) syscalls.unknown = {abi::ActionKind::kErrno, "ENOSYS", 0};
  if (change.foreign) syscalls.foreign = {abi::ActionKind::kKillProcess, "", 0};
  if (change.follow) syscalls.multiplexers = policy::Multiplexers::kFollow;
}

// A policy that says nothing but the change: its filter goes on top.
policy::Syscalls OnTop(const prove::Subject& filter, const Change& change) {
  policy::Syscalls syscalls;
  syscalls.default_action = syscalls.unknown = syscalls.fallback_default =
      syscalls.foreign = {abi::ActionKind::kAllow, "", 0};
  syscalls.architectures = filter.listed;
  if (syscalls.architectures.empty()) syscalls.architectures = filter.archs;
  Apply(change, syscalls);
  return syscalls;
}

std::string LinesOf(const Change& change, bool is_on_top, const prove::Subject& filter) {
  std::string text;
  if (is_on_top) {
    text = "bailey = 1\n[syscalls]\ndefault = \"allow\"\n";
    if (!change.unknown) text += "unknown = \"allow\"\n";
    if (!change.foreign) text += "foreign = \"allow\"\n";
    std::string archs;
    for (const abi::Arch arch : filter.listed)
      archs += fmt::format("{}\"{}\"", archs.empty() ? "" : ", ", abi::Info(arch).name);
    text += fmt::format("architectures = [{}]\n", archs);
  } else {
    text = "[syscalls]\n";
  }
  for (const std::string& key : change.keys) text += key + "\n";
  if (!change.deny.empty()) text += fmt::format("deny = [{}]\n", fmt::join(change.deny, ", "));
  text.pop_back();
  return text;
}

// What answers differ between the two, in words; recorded calls that would newly be denied apart.
Evidence Compare(const prove::Subject& before, const prove::Subject& after,
                 const policy::Hot& recorded) {
  Evidence evidence = {EvidenceKind::kProof, "bailey diff, of the original and the changed copy",
                       ""};
  std::vector<bpf::Program> both = before.stack;
  both.insert(both.end(), after.stack.begin(), after.stack.end());
  verify::Diagram diagram(verify::ChooseOrder(both));
  const auto changes =
      prove::ListChanges(diagram, verify::MeaningOf(diagram, before.stack, before.big_endian),
                         verify::MeaningOf(diagram, after.stack, after.big_endian));
  if (!changes) {
    evidence.result = "undecided: the limit of nodes or steps was reached";
    return evidence;
  }
  std::vector<std::string> denied, allowed, seen;
  const auto note = [](std::vector<std::string>& list, const std::string& word) {
    if (std::ranges::find(list, word) == list.end()) list.push_back(word);
  };
  for (const prove::Change& one : *changes) {
    if (one.kind == prove::ChangeKind::kNewlyAllowed) note(allowed, one.what);
    if (one.kind != prove::ChangeKind::kNewlyDenied) continue;
    note(denied, one.what);
    const auto table = one.arch ? recorded.find(*one.arch) : recorded.end();
    if (table != recorded.end() && table->second.contains(one.what)) {
      note(seen, fmt::format("{}: {}{}", abi::Info(*one.arch).name, one.what,
                             one.when.empty() ? "" : " when " + one.when));
    }
  }
  if (denied.size() > kNamedChanges) {
    const std::size_t rest = denied.size() - kNamedChanges;
    denied.resize(kNamedChanges);
    denied.push_back(fmt::format("{} more", rest));
  }
  evidence.result = denied.empty() ? "nothing is newly denied" : "newly denied: " + Join(denied);
  evidence.result +=
      allowed.empty() ? "; nothing is newly allowed" : "; newly allowed: " + Join(allowed);
  if (!recorded.empty()) {
    evidence.result += seen.empty() ? "; nothing that the profile recorded is newly denied"
                                    : "; of what the profile recorded, newly denied: " + Join(seen);
  }
  return evidence;
}

// Whether none of the calls is open any more.
bool AreClosed(FilterView& after, const prove::Guarantee& guarantee,
               const std::vector<OpenCall>& calls) {
  for (const OpenCall& open : after.OpenCalls(guarantee)) {
    const bool was_one = std::ranges::any_of(calls, [&](const OpenCall& before) {
      return before.set == open.set && before.finding.verdict == open.finding.verdict;
    });
    if (was_one) return false;
  }
  return true;
}

std::optional<Subject> Changed(const Subject& subject, const Change& change) {
  Subject changed = {.title = subject.title,
                     .file = subject.file,
                     .filter = subject.filter,
                     .policy = subject.policy};
  policy::Syscalls syscalls =
      subject.policy ? subject.policy->syscalls : OnTop(*subject.filter, change);
  if (subject.policy) Apply(change, syscalls);
  auto program = compile::Compile(syscalls);
  if (!program || !prove::Validate(syscalls, *program)) return std::nullopt;
  if (subject.policy) changed.filter->stack.pop_back();
  changed.filter->stack.push_back(*std::move(program));
  return changed;
}

// What the guarantee is on the copy; where something else keeps it from holding, what was closed.
Evidence Proof(FilterView& after, const Subject& subject, const prove::Guarantee& guarantee,
               const std::vector<OpenCall>& calls) {
  const prove::Finding proof = after.Prove(guarantee.name);
  Evidence evidence = {EvidenceKind::kProof,
                       fmt::format("bailey prove --guarantee {}, of a copy of {} with the change",
                                   guarantee.name, subject.file),
                       after.Said(proof)};
  if (proof.verdict == prove::Verdict::kProved) return evidence;
  std::vector<std::string> names;
  for (const OpenCall& one : calls) {
    if (std::ranges::find(names, one.name) == names.end()) names.push_back(one.name);
  }
  evidence.result = fmt::format("closed on {}: {}; the guarantee as a whole is {}",
                                after.ArchNames(), Join(names), after.Said(proof));
  return evidence;
}

}  // namespace

std::optional<Closing> Close(const Subject& subject, const Finding& finding,
                             const policy::Hot& recorded) {
  if (!HasFilter(subject) || finding.guarantee.empty()) return std::nullopt;
  FilterView view(subject);
  const prove::Guarantee* const guarantee = view.Find(finding.guarantee);
  if (guarantee == nullptr) return std::nullopt;
  const std::vector<OpenCall> calls = CallsOf(view, *guarantee, finding.rule);
  for (const bool with_subcalls : {false, true}) {
    const Change change = ChangeFor(view, *guarantee, calls, with_subcalls);
    if (change.IsEmpty()) continue;
    const auto changed = Changed(subject, change);
    if (!changed) continue;
    FilterView after(*changed);
    if (!AreClosed(after, *guarantee, calls)) continue;
    Closing closing;
    closing.lines = LinesOf(change, !subject.policy, *subject.filter);
    closing.evidence.push_back(Proof(after, subject, *guarantee, calls));
    closing.evidence.push_back(Compare(*subject.filter, *changed->filter, recorded));
    return closing;
  }
  return std::nullopt;
}

}  // namespace bailey::review
