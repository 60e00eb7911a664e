#include "review/author.h"

#include <fmt/format.h>

#include <optional>

#include "abi/syscalls.h"
#include "prove/call_text.h"
#include "prove/replay.h"
#include "review/closing.h"
#include "review/filter_view.h"
#include "review/find_filter.h"

namespace bailey::review {
namespace {

bool IsOpen(abi::Action action) {
  return action.kind == abi::ActionKind::kAllow || action.kind == abi::ActionKind::kLog ||
         (action.kind == abi::ActionKind::kErrno && action.data == 0);
}

class Author {
 public:
  Author(const Subject& subject, const AuthorOptions& options)
      : subject_(subject), options_(options) {
    if (HasFilter(subject)) view_.emplace(subject);
  }

  Answer To(const Finding& finding) {
    Answer answer;
    answer.vulnerability = finding.vulnerability;
    if (!finding.against.empty()) {
      Refute(answer, finding.against, "The subject itself says otherwise");
      return answer;
    }
    if (finding.evidence.empty()) {
      Question(finding, answer);
    } else if (!Reproduces(finding, answer)) {
      return answer;
    }
    ProbeWitness(finding, answer);
    if (answer.response == Response::kMitigation) Mitigate(finding, answer);
    return answer;
  }

 private:
  static void Refute(Answer& answer, std::vector<Evidence> evidence, std::string_view head) {
    answer.response = Response::kRefutation;
    answer.reason = fmt::format("{}: {}: {}.", head, evidence[0].ran, evidence[0].result);
    answer.evidence = std::move(evidence);
  }

  // A finding without evidence is tried; what cannot be tried stays an opinion.
  void Question(const Finding& finding, Answer& answer) {
    if (!view_ || finding.guarantee.empty()) return;
    const prove::Finding proof = view_->Prove(finding.guarantee);
    Evidence evidence = {EvidenceKind::kProof, view_->Command(finding.guarantee),
                         view_->Said(proof)};
    if (proof.verdict == prove::Verdict::kProved) {
      std::vector<Evidence> all = {std::move(evidence)};
      if (options_.probe) ProbeClosed(*view_->Find(finding.guarantee), all);
      Refute(answer, std::move(all),
             fmt::format("\"{}\" holds", view_->Find(finding.guarantee)->sentence));
      return;
    }
    answer.undecided = proof.verdict == prove::Verdict::kUndecided;
    answer.evidence.push_back(std::move(evidence));
  }

  // Runs the witness once more, by the interpreter, which knows nothing of the proof.
  bool Reproduces(const Finding& finding, Answer& answer) {
    if (!view_ || !finding.witness || finding.undecided) return true;
    const abi::Action action = view_->AnswerTo(*finding.witness);
    Evidence evidence = {EvidenceKind::kProof,
                         fmt::format("interpreting the filter of {} on {}", subject_.file,
                                     prove::CallText(*finding.witness)),
                         view_->AnswerText(*finding.witness)};
    // Findings about errnos and form have other answers than open ones; they name no open call.
    const bool wants_open = finding.guarantee.empty() || IsAboutOpenCalls(finding.guarantee);
    if (wants_open && !IsOpen(action)) {
      Refute(answer, {std::move(evidence)}, "The witness does not reproduce");
      return false;
    }
    answer.evidence.push_back(std::move(evidence));
    return true;
  }

  // Asks this machine's kernel, under the subject's filters. What it does not run it is not asked.
  std::optional<Evidence> Ask(const bpf::SeccompData& call, prove::ReplayStatus& status) const {
    const prove::ReplayAnswer answer = prove::Replay(*subject_.filter, call);
    status = answer.status;
    if (answer.status == prove::ReplayStatus::kNotReplayed) return std::nullopt;
    return Evidence{EvidenceKind::kLiveProbe,
                    fmt::format("bailey prove --replay, under the filter of {}: {}", subject_.file,
                                prove::CallText(call)),
                    prove::ReplayText(answer)};
  }

  // One call of each set that asks for no argument, on this machine's own architecture.
  void ProbeClosed(const prove::Guarantee& guarantee, std::vector<Evidence>& evidence) const {
    for (const prove::CallSet& set : guarantee.calls) {
      const auto number = abi::Number(abi::NativeArch(), set.call);
      if (!set.when.empty() || !set.numbers.empty() || !number) continue;
      prove::ReplayStatus status;
      const bpf::SeccompData call = {.nr = *number, .arch = abi::Info(abi::NativeArch()).token};
      if (auto asked = Ask(call, status)) evidence.push_back(*std::move(asked));
    }
  }

  // The kernel's own answer to the witness. One that contradicts the proof makes the case disputed.
  void ProbeWitness(const Finding& finding, Answer& answer) const {
    if (!options_.probe || !view_ || !finding.witness) return;
    prove::ReplayStatus status;
    auto asked = Ask(*finding.witness, status);
    if (!asked) return;
    if (status == prove::ReplayStatus::kContradicts) {
      answer.response = Response::kRefutation;
      answer.reason = "This machine's kernel answers otherwise: " + asked->result + ".";
    }
    answer.evidence.push_back(*std::move(asked));
  }

  bool IsAboutOpenCalls(const std::string& guarantee) const {
    const prove::Guarantee* const found = view_->Find(guarantee);
    return found == nullptr || found->wants == prove::Wants::kClosed;
  }

  void Mitigate(const Finding& finding, Answer& answer) {
    if (!finding.bounded_by.empty()) {
      const bool is_layer = finding.reach == Reach::kOtherLayer;
      answer.reason = fmt::format(
          "{}: {}. ", is_layer ? "Another layer bounds it" : "It is bounded", finding.bounded_by);
    }
    answer.fix = finding.fix;
    if (answer.fix.empty() && view_ && !finding.guarantee.empty()) {
      if (auto closing = Close(subject_, finding, options_.recorded)) {
        answer.fix = std::move(closing->lines);
        answer.evidence.insert(answer.evidence.end(), closing->evidence.begin(),
                               closing->evidence.end());
        answer.reason += fmt::format("The change below closes it. Applied to a copy: {}; {}.",
                                     closing->evidence[0].result, closing->evidence[1].result);
      }
    }
    if (answer.reason.empty()) {
      answer.reason = finding.evidence.empty() && answer.evidence.empty()
                          ? "Nothing in the subject can be run that would decide it."
                          : "It stands as it was found.";
    }
    while (answer.reason.ends_with(' ')) answer.reason.pop_back();
  }

  const Subject& subject_;
  const AuthorOptions& options_;
  std::optional<FilterView> view_;
};

}  // namespace

std::vector<Answer> AnswerAll(const Subject& subject, std::span<const Finding> findings,
                              const AuthorOptions& options) {
  Author author(subject, options);
  std::vector<Answer> answers;
  for (const Finding& finding : findings) answers.push_back(author.To(finding));
  return answers;
}

}  // namespace bailey::review
