#include "prove/restate.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "abi/action.h"
#include "abi/arch.h"
#include "abi/constants.h"
#include "abi/syscalls.h"
#include "policy/load.h"
#include "prove/call_text.h"
#include "prove/condition_text.h"
#include "prove/policy_meaning.h"
#include "verify/describe.h"
#include "verify/meaning.h"

namespace bailey::prove {
namespace {

using abi::Arch;
using verify::Diagram;
using verify::Ref;
using verify::Span;
using verify::Word;

// Numbers that no table names and that answer otherwise than their like are written one by one.
constexpr std::uint64_t kMostRaw = 256;

abi::Action ActionOf(Ref terminal) {
  return abi::Decode(verify::ValueOf(Diagram::OutcomeAt(terminal)));
}

// As a word of `default`, `unknown` and `foreign`; nullopt when it has data that words lack.
std::optional<std::string> WordFor(abi::Action action, Arch arch) {
  if (action.kind == abi::ActionKind::kErrno) {
    const std::string_view name = abi::ErrnoName(arch, action.data);
    if (name.empty()) return std::nullopt;
    return std::string(name);
  }
  if (action.data != 0) return std::nullopt;
  return abi::ToString(action, arch);
}

// The keys of an entry of deny.
std::string DenyKeys(abi::Action action, Arch arch) {
  if (action.kind == abi::ActionKind::kErrno) {
    const std::string_view name = abi::ErrnoName(arch, action.data);
    return name.empty() ? fmt::format("errno = {}", action.data)
                        : fmt::format("errno = \"{}\"", name);
  }
  const std::string word = abi::ToString({action.kind, 0}, arch);
  return action.data == 0 ? fmt::format("action = \"{}\"", word)
                          : fmt::format("action = \"{}\", data = {}", word, action.data);
}

base::Error CannotSay(std::string cause) {
  return base::Unsupported("write filter as policy: " + std::move(cause));
}

struct Entry {
  bool allows = false;
  std::string keys;  // behind the call's name: ", when = \"...\", errno = \"EPERM\""
  bool operator==(const Entry&) const = default;
};

class Restater {
 public:
  Restater(Diagram& diagram, Ref meaning, const bpf::Program& program, bool big_endian)
      : diagram_(diagram), meaning_(meaning), program_(program), big_endian_(big_endian) {}

  base::Result<std::string> Write() {
    if (meaning_ == Diagram::kLost) return CannotSay("the limit of nodes or steps was reached");
    if (auto done = SplitArchs(); !done) return done.error();
    if (auto done = FindUnknown(); !done) return done.error();
    ChooseDefault();
    std::set<std::string_view> names;
    for (const Arch arch : listed_) {
      for (const abi::Syscall& call : abi::Syscalls(arch)) names.insert(call.name);
    }
    for (const std::string_view name : names) {
      if (auto done = WriteCall(name); !done) return done.error();
    }
    for (const auto& [arch, number, value] : raw_) {
      const std::string start =
          fmt::format("nr = {:#x}, arch = \"{}\"", number, abi::Info(arch).name);
      if (auto done = WriteValue(value, arch, "", {start}, start); !done) return done.error();
    }
    return Text();
  }

 private:
  struct Raw {
    Arch arch;
    std::uint32_t number;
    Ref value;
  };

  base::Status SplitArchs() {
    const auto spans = verify::Split(diagram_, meaning_, Word::kArch);
    if (!spans) return CannotSay("it tells too many architectures apart");
    std::optional<Ref> foreign;
    std::map<std::uint32_t, Ref> known;
    for (const Span& span : *spans) {
      const auto arch = ArchOfCall(span.first, 0);
      if (span.first == span.last && arch && abi::Info(*arch).big_endian == big_endian_) {
        known[span.first] = span.value;
      } else if (foreign && *foreign != span.value) {
        return CannotSay(
            fmt::format("{}architectures that no table has, like {:#x}, are answered in "
                        "several ways",
                        Place(span.first, span.last), span.first));
      } else {
        foreign = span.value;
      }
    }
    if (!foreign || !Diagram::IsTerminal(*foreign)) {
      return CannotSay(PlaceOfLoad(0, bpf::kOffsetArch) +
                       "it does not ask for the architecture, and a policy has one answer for "
                       "unknown ones");
    }
    foreign_ = *foreign;
    for (const abi::ArchInfo& info : abi::AllArchs()) {
      if (known.contains(info.token)) AddArch(info.arch, known[info.token]);
    }
    if (listed_.empty()) AddArch(abi::NativeArch(), foreign_);
    if (listed_.empty()) {
      listed_ = {abi::NativeArch()};
      functions_[abi::NativeArch()] = foreign_;
    }
    return {};
  }

  // "pc 7: ", the first test that tells the range from its neighbours, where one does by itself.
  std::string Place(std::uint64_t first, std::uint64_t last) const {
    const auto instructions = program_.Instructions();
    for (std::size_t pc = 0; pc < instructions.size(); ++pc) {
      const std::uint64_t k = instructions[pc].k;
      const bool tells = k == first || k == last || k + 1 == first || k == last + 1;
      if (bpf::IsConditionalJump(instructions[pc].code) && tells) return fmt::format("pc {}: ", pc);
    }
    return "";
  }

  // The first load of a word of the call in [first, end), for what the filter asks or does not.
  std::string PlaceOfLoad(std::uint32_t first, std::uint32_t end) const {
    const auto instructions = program_.Instructions();
    for (std::size_t pc = 0; pc < instructions.size(); ++pc) {
      const auto& [code, jt, jf, k] = instructions[pc];
      if (code == bpf::kLoadAbs && k >= first && k < end) return fmt::format("pc {}: ", pc);
    }
    return "pc 0: ";
  }

  // The first return of this answer; nothing where the answer depends on the call or is computed.
  std::string PlaceOfAnswer(Ref answer) const {
    if (!Diagram::IsTerminal(answer)) return PlaceOfLoad(bpf::kOffsetIp, bpf::kDataSize);
    const std::uint32_t value = abi::Encode(ActionOf(answer));
    const auto instructions = program_.Instructions();
    for (std::size_t pc = 0; pc < instructions.size(); ++pc) {
      if (instructions[pc].code == bpf::kReturn && instructions[pc].k == value)
        return fmt::format("pc {}: ", pc);
    }
    return "";
  }

  // x86_64 and x32 share a token: each is listed where it is not foreign.
  void AddArch(Arch arch, Ref function) {
    const auto [first, last] = OwnNumbers(arch);
    const bool is_shared = arch == Arch::kX86_64 || arch == Arch::kX32;
    if (is_shared) {
      const auto numbers = verify::Split(diagram_, function, Word::kNr);
      const bool is_foreign =
          numbers && std::ranges::all_of(*numbers, [&, f = first, l = last](const Span& span) {
            return span.last < f || span.first > l || span.value == foreign_;
          });
      if (is_foreign) return;
    }
    listed_.push_back(arch);
    functions_[arch] = function;
  }

  static std::pair<std::uint32_t, std::uint32_t> OwnNumbers(Arch arch) {
    if (arch == Arch::kX86_64) return {0, abi::kX32Bit - 1};
    if (arch == Arch::kX32) return {abi::kX32Bit, 0x7fffffff};
    return {0, 0xffffffff};
  }

  Ref At(Arch arch, std::uint32_t number) {
    return diagram_.Fix(functions_.at(arch), Word::kNr, number);
  }

  bool IsOurs(Arch arch, std::uint32_t number) const {
    if (number >= 0x80000000) return true;
    const auto of = ArchOfCall(abi::Info(arch).token, number);
    return of == arch;
  }

  base::Status FindUnknown() {
    for (const Arch arch : listed_) {
      const Ref here = At(arch, OwnNumbers(arch).second);
      if (unknown_ && *unknown_ != here) {
        return CannotSay(
            fmt::format("{}numbers that no table names are answered otherwise on {} "
                        "than on {}",
                        PlaceOfAnswer(here), abi::Info(arch).name, abi::Info(listed_[0]).name));
      }
      unknown_ = here;
    }
    if (!Diagram::IsTerminal(*unknown_)) {
      return CannotSay(PlaceOfLoad(bpf::kOffsetIp, bpf::kDataSize) +
                       "the answer to numbers that no table names depends on arguments");
    }
    for (const Arch arch : listed_) {
      const auto numbers = verify::Split(diagram_, functions_.at(arch), Word::kNr);
      if (!numbers) return CannotSay("it tells too many numbers apart");
      for (const Span& span : *numbers) {
        if (span.value == *unknown_) continue;
        if (auto done = FindRaw(arch, span); !done) return done;
      }
    }
    return {};
  }

  base::Status FindRaw(Arch arch, const Span& span) {
    for (std::uint64_t at = span.first; at <= span.last; ++at) {
      const auto number = static_cast<std::uint32_t>(at);
      const bool is_own_x32 = number >= abi::kX32FirstOwn && number <= abi::kX32LastOwn;
      if (arch == Arch::kX32 && number < abi::kX32FirstOwn) at = abi::kX32FirstOwn - 1;
      if (arch == Arch::kX32 && number > abi::kX32LastOwn && number < abi::kX32Bit)
        at = abi::kX32Bit - 1;
      if (arch == Arch::kX86_64 && number >= abi::kX32Bit && number < 0x80000000) at = 0x7fffffff;
      if (!IsOurs(arch, number) || !abi::Name(arch, number).empty()) continue;
      if (arch == Arch::kX32 && is_own_x32) continue;  // WriteCall looks at both of its numbers
      raw_.push_back({arch, number, span.value});
      if (raw_.size() > kMostRaw) {
        return CannotSay(
            fmt::format("{}numbers {:#x} to {:#x} of {}, which no table names, are answered {}, "
                        "and others {}: a "
                        "policy has one answer for these",
                        Place(span.first, span.last), span.first, span.last, abi::Info(arch).name,
                        Diagram::IsTerminal(span.value) ? abi::ToString(ActionOf(span.value), arch)
                                                        : "by arguments",
                        abi::ToString(ActionOf(*unknown_), arch)));
      }
    }
    return {};
  }

  // What most calls are answered.
  void ChooseDefault() {
    std::map<Ref, std::size_t> counts;
    for (const Arch arch : listed_) {
      for (const abi::Syscall& call : abi::Syscalls(arch)) {
        const Ref value = At(arch, call.number);
        if (Diagram::IsTerminal(value) && WordFor(ActionOf(value), arch)) ++counts[value];
      }
    }
    std::size_t most = 0;
    default_ = Diagram::Terminal(verify::OutcomeOf(abi::Encode(abi::Action::KillProcess())));
    for (const auto& [value, count] : counts) {
      if (count > most) default_ = value;
      most = std::max(most, count);
    }
  }

  base::Result<std::vector<Entry>> EntriesFor(Ref value, Arch arch, std::string_view name,
                                              const std::string& shown) {
    std::vector<Entry> entries;
    std::vector<Ref> answers;
    std::set<Ref> visited;
    const auto visit = [&](const auto& self, Ref at) -> void {
      if (!visited.insert(at).second) return;
      if (Diagram::IsTerminal(at)) return answers.push_back(at);
      for (const Ref child : diagram_.ChildrenOf(at)) self(self, child);
    };
    visit(visit, value);
    std::ranges::sort(answers);
    for (const Ref answer : answers) {
      if (answer == default_) continue;
      Entry entry;
      const abi::Action action = ActionOf(answer);
      entry.allows = action.kind == abi::ActionKind::kAllow;
      if (value != answer) {
        const Ref predicate = diagram_.Map(
            value, [&](Ref at) { return at == answer ? Diagram::kTrue : Diagram::kFalse; });
        const auto condition = ConditionOf(diagram_, predicate, arch, name);
        if (!condition) return CannotSay(WhyNoCondition(shown));
        entry.keys += fmt::format(", when = \"{}\"", policy::ToString(*condition));
      }
      if (!entry.allows) entry.keys += ", " + DenyKeys(action, arch);
      entries.push_back(std::move(entry));
    }
    return entries;
  }

  std::string WhyNoCondition(const std::string& shown) const {
    const auto instructions = program_.Instructions();
    for (std::size_t pc = 0; pc < instructions.size(); ++pc) {
      const bool loads_ip = instructions[pc].code == bpf::kLoadAbs &&
                            instructions[pc].k >= bpf::kOffsetIp &&
                            instructions[pc].k < bpf::kOffsetArgs;
      if (!loads_ip) continue;
      return fmt::format(
          "pc {}: it loads the instruction pointer, which policies do not see "
          "(for {})",
          pc, shown);
    }
    return fmt::format("the condition on {} would need too many cases", shown);
  }

  void Append(const std::string& call, const std::vector<Entry>& entries) {
    for (const Entry& entry : entries) {
      (entry.allows ? allow_ : deny_) += fmt::format("  {{ {}{} }},\n", call, entry.keys);
    }
  }

  base::Status WriteValue(Ref value, Arch arch, std::string_view name,
                          const std::vector<std::string>& calls, const std::string& shown) {
    const auto entries = EntriesFor(value, arch, name, shown);
    if (!entries) return entries.error();
    // A raw number that only the default answers must still be named, or it is unknown.
    if (entries->empty()) {
      const abi::Action action = ActionOf(default_);
      const bool allows = action.kind == abi::ActionKind::kAllow;
      const std::string keys = allows ? "" : ", " + DenyKeys(action, arch);
      for (const std::string& call : calls) Append(call, {{allows, keys}});
    }
    for (const std::string& call : calls) Append(call, *entries);
    return {};
  }

  base::Status WriteCall(std::string_view name) {
    std::vector<std::pair<Arch, std::vector<Entry>>> found;
    bool is_same = true;
    for (const Arch arch : listed_) {
      const auto number = abi::Number(arch, name);
      if (!number) continue;
      const Ref value = At(arch, *number);
      // By name a rule is about both numbers of such a call.
      const std::uint32_t bare = *number & ~abi::kX32Bit;
      if (arch == Arch::kX32 && bare >= abi::kX32FirstOwn && bare <= abi::kX32LastOwn &&
          At(arch, bare) != value) {
        raw_.push_back({arch, *number, value});
        raw_.push_back({arch, bare, At(arch, bare)});
        is_same = false;
        continue;
      }
      auto entries =
          EntriesFor(value, arch, name, fmt::format("{} on {}", name, abi::Info(arch).name));
      if (!entries) return entries.error();
      is_same = is_same && (found.empty() || found.front().second == *entries);
      found.emplace_back(arch, *std::move(entries));
    }
    if (found.empty()) return {};
    if (is_same) {
      Append(fmt::format("syscall = \"{}\"", name), found.front().second);
      return {};
    }
    for (const auto& [arch, entries] : found) {
      Append(fmt::format("syscall = \"{}\", arch = \"{}\"", name, abi::Info(arch).name), entries);
    }
    return {};
  }

  base::Result<std::string> Text() {
    const auto word = [&](Ref terminal) { return WordFor(ActionOf(terminal), listed_[0]); };
    const auto unknown = word(*unknown_);
    const auto foreign = word(foreign_);
    if (!unknown || !foreign) {
      return CannotSay(PlaceOfAnswer(unknown ? foreign_ : *unknown_) +
                       "the answer to unknown numbers or foreign architectures carries data, which "
                       "policies can write for calls only");
    }
    std::string archs;
    for (const Arch arch : listed_)
      archs += fmt::format("{}\"{}\"", archs.empty() ? "" : ", ", abi::Info(arch).name);
    return fmt::format(
        "bailey = 1\n\n[syscalls]\narchitectures = [{}]\ndefault = \"{}\"\nfallback = \"{}\"\n"
        "unknown = \"{}\"\nforeign = \"{}\"\nmultiplexers = \"open\"\nallow = [\n{}]\ndeny = "
        "[\n{}]\n",
        archs, *word(default_), *word(default_), *unknown, *foreign, allow_, deny_);
  }

  Diagram& diagram_;
  Ref meaning_;
  const bpf::Program& program_;
  bool big_endian_;
  Ref foreign_ = Diagram::kLost;
  Ref default_ = Diagram::kLost;
  std::optional<Ref> unknown_;
  std::vector<Arch> listed_;
  std::map<Arch, Ref> functions_;
  std::vector<Raw> raw_;
  std::string allow_, deny_;
};

}  // namespace

base::Result<std::string> Restate(const bpf::Program& program, bool big_endian) {
  Diagram diagram;
  const Ref meaning = verify::MeaningOf(diagram, program, big_endian);
  auto text = Restater(diagram, meaning, program, big_endian).Write();
  if (!text) return text;
  const auto policy = policy::Parse(*text, "restated.toml", {"/", "/"});
  if (!policy) return CannotSay("a policy does not take it: " + policy.error().text);
  diagram.Refill();
  if (PolicyMeaning(diagram, policy->syscalls) != meaning)
    return CannotSay("what was written does not mean the same");
  return text;
}

}  // namespace bailey::prove
