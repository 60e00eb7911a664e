#include "cli/explain_stack.h"

#include <fmt/format.h>

#include <set>

#include "base/text.h"
#include "bpf/interpreter.h"
#include "prove/call_text.h"
#include "prove/validate.h"
#include "verify/meaning.h"

namespace bailey::cli {
namespace {

// Every outcome that some arguments get; empty when a limit of work was reached.
std::set<verify::Outcome> AnswersTo(const bpf::Program& program, bool big_endian,
                                    std::uint32_t token, std::uint32_t number) {
  verify::Diagram diagram(verify::ChooseOrder({&program, 1}));
  verify::Ref meaning = verify::MeaningOf(diagram, program, big_endian);
  meaning = diagram.Fix(meaning, verify::Word::kArch, token);
  meaning = diagram.Fix(meaning, verify::Word::kNr, number);
  std::set<verify::Outcome> answers;
  if (meaning == verify::Diagram::kLost) return answers;
  (void)diagram.Map(meaning, [&](verify::Ref terminal) {  // only to see the terminals
    answers.insert(verify::Diagram::OutcomeAt(terminal));
    return terminal;
  });
  return answers;
}

}  // namespace

std::string ExplainStack(const policy::Syscalls& syscalls, abi::Arch arch, std::uint32_t number,
                         const std::optional<bpf::SeccompData>& call) {
  const std::uint32_t token = abi::Info(arch).token;
  const bool big_endian = prove::IsBigEndian(syscalls);
  std::string text;
  for (const policy::StackedFilter& stacked : syscalls.stack) {
    std::string answer;
    if (call) {
      const std::uint32_t value = bpf::Interpret(stacked.program, *call, big_endian).value;
      answer = prove::OutcomeText(verify::EffectOf(verify::OutcomeOf(value)), token);
    } else {
      for (const verify::Outcome& one : AnswersTo(stacked.program, big_endian, token, number))
        answer += fmt::format("{}{}", answer.empty() ? "" : " or ", prove::OutcomeText(one, token));
      if (answer.empty()) answer = "undecided";
    }
    text += fmt::format("  {}\n      {}, stacked at {}: the strictest answer counts\n", answer,
                        base::Escape(stacked.path), base::ToString(stacked.location));
  }
  return text;
}

}  // namespace bailey::cli
