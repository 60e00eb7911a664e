#include "prove/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "abi/action.h"
#include "abi/arch.h"
#include "abi/syscalls.h"
#include "prove/call_text.h"
#include "prove/condition_text.h"
#include "verify/describe.h"
#include "verify/meaning.h"

namespace bailey::prove {
namespace {

using abi::Arch;
using verify::Diagram;
using verify::Ref;
using verify::Span;
using verify::Word;

constexpr std::size_t kColumns = 100;
constexpr std::string_view kUnnamed = "numbers that no table names";

// "  allow: read, write,", and further lines below the first name.
std::string Wrapped(const std::string& head, const std::vector<std::string>& names) {
  std::string text;
  std::string line = "  " + head + ":";
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string word = names[i] + (i + 1 < names.size() ? "," : "");
    if (line.size() + 1 + word.size() > kColumns) {
      text += line + "\n";
      line = "   ";
    }
    line += " " + word;
  }
  return text + line + "\n";
}

class Summary {
 public:
  Summary(Diagram& diagram, Ref meaning, bool big_endian)
      : diagram_(diagram), meaning_(meaning), big_endian_(big_endian) {}

  std::optional<std::string> Write() {
    const auto archs = verify::Split(diagram_, meaning_, Word::kArch);
    if (!archs) return std::nullopt;
    std::set<Ref> others;
    std::string text;
    for (const Span& span : *archs) {
      const auto arch = ArchOfCall(span.first, 0);
      const bool is_known =
          span.first == span.last && arch.has_value() && abi::Info(*arch).big_endian == big_endian_;
      if (!is_known) {
        others.insert(span.value);
        continue;
      }
      if (!WriteArch(*arch, span.value, text)) return std::nullopt;
      if (*arch == Arch::kX86_64 && !WriteArch(Arch::kX32, span.value, text)) return std::nullopt;
    }
    for (const Ref other : others) text += "other architectures: " + AnswerText(other) + "\n";
    return text;
  }

 private:
  // The numbers that belong to an architecture's table. x86_64 and x32 share a token.
  static bool IsIn(Arch arch, std::uint32_t number) {
    if (arch == Arch::kX32) return ArchOfCall(abi::Info(arch).token, number) == Arch::kX32;
    if (arch == Arch::kX86_64) return ArchOfCall(abi::Info(arch).token, number) == Arch::kX86_64;
    return true;
  }

  bool WriteArch(Arch arch, Ref function, std::string& text) {
    text += fmt::format("{}\n", abi::Info(arch).name);
    const auto numbers = verify::Split(diagram_, function, Word::kNr);
    if (!numbers) return false;
    std::map<Ref, std::vector<std::string>> names;  // of each answer
    std::set<Ref> unnamed;
    for (const abi::Syscall& call : abi::Syscalls(arch))
      names[diagram_.Fix(function, Word::kNr, call.number)].emplace_back(call.name);
    for (const Span& span : *numbers) {
      if (const auto number = FirstUnnamed(arch, span)) unnamed.insert(span.value);
    }
    if (names.size() == 1 && unnamed == std::set<Ref>{names.begin()->first} &&
        Diagram::IsTerminal(names.begin()->first)) {
      text += fmt::format("  every call: {}\n", AnswerText(names.begin()->first));
      return true;
    }
    // What more than half of the calls have in common need not list them.
    const auto most =
        std::ranges::max_element(names, {}, [](const auto& entry) { return entry.second.size(); });
    const bool is_usual =
        Diagram::IsTerminal(most->first) && 2 * most->second.size() > abi::Syscalls(arch).size();
    std::string conditional;
    for (auto& [value, calls] : names) {
      std::ranges::sort(calls);
      if (is_usual && value == most->first) continue;
      if (Diagram::IsTerminal(value)) {
        text += Wrapped(AnswerText(value), calls);
        continue;
      }
      for (const std::string& call : calls)
        conditional += fmt::format("  {}: {}\n", call, ConditionalText(value, arch, call));
    }
    text += conditional;
    if (is_usual && unnamed == std::set<Ref>{most->first}) {
      text += fmt::format("  every other call: {}\n", AnswerText(most->first));
      return true;
    }
    if (is_usual)
      text += fmt::format("  every other call of its table: {}\n", AnswerText(most->first));
    for (const Ref value : unnamed) {
      text += fmt::format(
          "  {}{}: {}\n", unnamed.size() > 1 ? "some " : "", kUnnamed,
          Diagram::IsTerminal(value) ? AnswerText(value) : ConditionalText(value, arch, ""));
    }
    return true;
  }

  static std::optional<std::uint32_t> FirstUnnamed(Arch arch, const Span& span) {
    for (std::uint64_t at = span.first; at <= span.last; ++at) {
      const auto number = static_cast<std::uint32_t>(at);
      if (arch == Arch::kX32 && number > abi::kX32LastOwn && number < abi::kX32Bit) {
        at = abi::kX32Bit - 1;
        continue;
      }
      if (!IsIn(arch, number)) {
        if (number >= 0x80000000) return std::nullopt;
        if (number >= abi::kX32Bit) at = 0x7fffffff;
        continue;
      }
      const bool is_own = arch == Arch::kX32 && number < abi::kX32Bit;
      if (abi::Name(arch, is_own ? number | abi::kX32Bit : number).empty()) return number;
    }
    return std::nullopt;
  }

  std::string AnswerText(Ref value) const {
    if (Diagram::IsTerminal(value))
      return abi::ToString(abi::Decode(verify::ValueOf(Diagram::OutcomeAt(value))));
    return "by number or arguments";
  }

  // "EPERM when cmd == TIOCSTI, else allow": the most open answer is the one without condition.
  std::string ConditionalText(Ref value, Arch arch, std::string_view call) {
    std::vector<Ref> answers;
    std::set<Ref> visited;
    const auto visit = [&](const auto& self, Ref at) -> void {
      if (!visited.insert(at).second) return;
      if (Diagram::IsTerminal(at)) return answers.push_back(at);
      for (const Ref child : diagram_.ChildrenOf(at)) self(self, child);
    };
    visit(visit, value);
    std::ranges::sort(answers);
    std::string text;
    for (const Ref answer : answers) {
      if (answer == answers.back()) return text + "else " + AnswerText(answer);
      const Ref predicate = diagram_.Map(
          value, [&](Ref at) { return at == answer ? Diagram::kTrue : Diagram::kFalse; });
      const auto condition = ConditionOf(diagram_, predicate, arch, call);
      text += fmt::format("{} when {}, ", AnswerText(answer),
                          condition ? policy::ToString(*condition)
                                    : "its arguments say so (too many cases to list)");
    }
    return text;
  }

  Diagram& diagram_;
  Ref meaning_;
  bool big_endian_;
};

}  // namespace

base::Result<std::string> Summarize(const bpf::Program& program, bool big_endian) {
  Diagram diagram;
  const Ref meaning = verify::MeaningOf(diagram, program, big_endian);
  const base::Error too_much =
      base::Unsupported("describe filter: the limit of nodes or steps was reached");
  if (meaning == Diagram::kLost) return too_much;
  diagram.Refill();
  auto text = Summary(diagram, meaning, big_endian).Write();
  if (!text || diagram.IsExhausted()) return too_much;
  return *std::move(text);
}

}  // namespace bailey::prove
