#include "review/closing.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

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
  if (const auto at = text.find(kFamilies); at != std::string::npos)
    text.replace(at, kFamilies.size(), fmt::format("{{{}}}", fmt::join(families, ", ")));
  return text;
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

// What closes the sets of `guarantee` that are open, and those of the ones that it rests on.
void Collect(FilterView& view, std::string_view name, Change& change, std::set<std::string>& seen) {
  const prove::Guarantee* const guarantee = view.Find(name);
  if (guarantee == nullptr || !seen.insert(std::string(name)).second) return;
  if (view.Prove(name).verdict == prove::Verdict::kProved) return;
  const policy::Answer fallback = view.Of().policy ? view.Of().policy->syscalls.default_action
                                                   : policy::Answer{abi::ActionKind::kAllow, "", 0};
  for (const OpenCall& open : view.OpenCalls(*guarantee)) {
    const prove::CallSet& set = *open.set;
    if (set.numbers == "unknown" || set.numbers == "negative") {
      AddKey(change, change.unknown, "unknown = \"ENOSYS\"");
    } else if (set.numbers == "foreign" || set.numbers == "x32") {
      AddKey(change, change.foreign, "foreign = \"kill-process\"");
    } else if (set.numbers.empty() && (open.name == "socketcall" || open.name == "ipc")) {
      AddKey(change, change.follow, "multiplexers = \"follow\"");
      AddDenial(change, set, view, fallback, guarantee->errno_name);
    } else if (set.numbers.empty()) {
      AddDenial(change, set, view, fallback, guarantee->errno_name);
    }
  }
  for (const std::string_view below : guarantee->rests_on) Collect(view, below, change, seen);
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

}  // namespace

std::optional<Closing> Close(const Subject& subject, std::string_view guarantee,
                             const policy::Hot& recorded) {
  if (!HasFilter(subject)) return std::nullopt;
  FilterView view(subject);
  Change change;
  std::set<std::string> seen;
  Collect(view, guarantee, change, seen);
  if (change.IsEmpty()) return std::nullopt;
  Subject changed = {.title = subject.title,
                     .file = subject.file,
                     .filter = subject.filter,
                     .policy = subject.policy};
  policy::Syscalls syscalls =
      subject.policy ? subject.policy->syscalls : OnTop(*subject.filter, change);
  if (subject.policy) Apply(change, syscalls);
  auto program = compile::Compile(syscalls);
  if (!program || !prove::Validate(syscalls, *program)) return std::nullopt;
  if (subject.policy) {
    changed.filter->stack.back() = *std::move(program);
  } else {
    changed.filter->stack.push_back(*std::move(program));
  }
  FilterView after(changed);
  const prove::Finding proof = after.Prove(guarantee);
  if (proof.verdict != prove::Verdict::kProved) return std::nullopt;
  Closing closing;
  closing.lines = LinesOf(change, !subject.policy, *subject.filter);
  closing.evidence.push_back({EvidenceKind::kProof,
                              fmt::format("{}, on a copy with the change", view.Command(guarantee)),
                              after.Said(proof)});
  closing.evidence.push_back(Compare(*subject.filter, *changed.filter, recorded));
  return closing;
}

}  // namespace bailey::review
