#include "review/sample_trial.h"

#include "bpf/program.h"

namespace bailey::review {
namespace {

constexpr std::uint32_t kX86Token = 0xc000003e;
constexpr std::uint32_t kPtrace = 101;
constexpr std::uint32_t kChroot = 161;

bpf::Program SampleFilter() {
  return *bpf::Validate({{bpf::kLoadAbs, 0, 0, bpf::kOffsetArch},
                         {bpf::kJeq, 1, 0, kX86Token},
                         {bpf::kReturn, 0, 0, 0x80000000},
                         {bpf::kLoadAbs, 0, 0, bpf::kOffsetNr},
                         {bpf::kJeq, 0, 1, kChroot},
                         {bpf::kReturn, 0, 0, 0x00050001},
                         {bpf::kReturn, 0, 0, 0x7fff0000}});
}

SourceFile SampleSource() {
  auto text = std::make_shared<const std::string>(
      "int main() {\n  // adds rules\n  add_rule(filter);\n}\n");
  SourceFile source = {.path = "src/launch.c", .language = Language::kC, .text = text};
  const std::string_view whole = *text;
  const auto token = [&](TokenKind kind, std::string_view what, int line, int column) {
    source.tokens.push_back({kind, whole.substr(whole.find(what), what.size()), line, column});
  };
  token(TokenKind::kComment, "// adds rules", 2, 3);
  token(TokenKind::kName, "add_rule", 3, 3);
  token(TokenKind::kPunctuation, "(", 3, 11);
  token(TokenKind::kName, "filter", 3, 12);
  token(TokenKind::kPunctuation, ")", 3, 18);
  token(TokenKind::kPunctuation, ";", 3, 19);
  return source;
}

void Add(Trial& trial, Finding finding, Answer answer, Ruling ruling) {
  answer.vulnerability = finding.vulnerability;
  ruling.vulnerability = finding.vulnerability;
  trial.findings.push_back(std::move(finding));
  trial.answers.push_back(std::move(answer));
  trial.rulings.push_back(std::move(ruling));
}

void AddTracing(Trial& trial) {
  const Evidence proof = {EvidenceKind::kProof, "bailey prove flatpak --guarantee no-ptrace",
                          "refuted: x86_64: ptrace(0) -> allow"};
  Add(trial,
      {.rule = "filter/no-ptrace",
       .vulnerability = "ptrace is allowed",
       .reason = "No rule names ptrace, and the default is to allow.",
       .impact = "A program can change others of the same user.",
       .effect = Severity::kHigh,
       .place = {.file = "policies/flatpak.toml", .line = 12},
       .evidence = {proof},
       .witness = bpf::SeccompData{.nr = kPtrace, .arch = kX86Token},
       .guarantee = "no-ptrace"},
      {.response = Response::kMitigation,
       .reason = "The process namespace is its own.",
       .fix = "[syscalls]\ndeny = [\"ptrace\"]"},
      {.decision = Decision::kValid,
       .severity = Severity::kHigh,
       .action = Action::kFixImmediately,
       .justification = "The proof has a witness, and no layer is left.",
       .evidence = {proof}});
}

void AddKeyring(Trial& trial) {
  const Evidence proof = {EvidenceKind::kProof, "bailey prove flatpak --guarantee no-keyring",
                          "proved"};
  Add(trial,
      {.rule = "source/promised-filter",
       .vulnerability = "keyring calls are not filtered",
       .reason = "A comment says so.",
       .impact = "Keys of the host could be read.",
       .effect = Severity::kMedium,
       .place = {.file = "src/launch.c", .line = 2, .column = 3}},
      {.response = Response::kRefutation,
       .reason = "All three are EPERM on every architecture.",
       .evidence = {proof}},
      {.decision = Decision::kInvalid,
       .severity = Severity::kNone,
       .action = Action::kNoAction,
       .justification = "The proof refutes it.",
       .evidence = {proof}});
}

void AddIgnoredResult(Trial& trial) {
  const Evidence rule = {EvidenceKind::kSourceRule, "source/ignored-result",
                         "src/launch.c:3: the result of add_rule is not looked at"};
  Add(trial,
      {.rule = "source/ignored-result",
       .vulnerability = "the result of add_rule is ignored (src/launch.c:3)",
       .reason = "A rule that cannot be added is dropped.",
       .impact = "The filter is weaker than written.",
       .effect = Severity::kMedium,
       .place = {.file = "src/launch.c", .line = 3, .column = 3},
       .flow = {{{.file = "src/launch.c", .line = 3, .column = 3}, "add_rule is called"}},
       .evidence = {rule}},
      {.response = Response::kMitigation,
       .reason = "The call fails rarely.",
       .fix = "if (add_rule(filter) < 0) abort();"},
      {.decision = Decision::kPartiallyValid,
       .severity = Severity::kLow,
       .action = Action::kMonitor,
       .justification = "The rule holds; what is dropped is not known.",
       .evidence = {rule}});
}

void AddOpinion(Trial& trial) {
  const Evidence opinion = {EvidenceKind::kModelOpinion, "model example-model", "not tried"};
  Add(trial,
      {.rule = "model/opinion",
       .vulnerability = std::string("a name is trusted: ") + kHostileName,
       .reason = std::string("It reaches a shell: ") + kHostileName,
       .impact = "Unknown.",
       .effect = Severity::kHigh,
       .place = {.file = "src/launch.c", .line = 1},
       .evidence = {opinion}},
      {.response = Response::kMitigation, .reason = std::string(kHostileName)},
      {.decision = Decision::kPartiallyValid,
       .severity = Severity::kMedium,
       .action = Action::kMonitor,
       .justification = "Opinion alone is never more.",
       .evidence = {opinion}});
}

}  // namespace

Subject SampleSubject() {
  Subject subject = {.title = "policy flatpak", .file = "policies/flatpak.toml"};
  subject.filter = prove::Subject{
      .stack = {SampleFilter()}, .archs = {abi::Arch::kX86_64}, .listed = {abi::Arch::kX86_64}};
  subject.sources.push_back(SampleSource());
  return subject;
}

Trial SampleTrial() {
  Trial trial = {.subject = "policy flatpak",
                 .summary = {.researcher = "Four findings are filed.",
                             .author = "One is refuted, three are mitigated."}};
  AddTracing(trial);
  AddKeyring(trial);
  AddIgnoredResult(trial);
  AddOpinion(trial);
  return trial;
}

}  // namespace bailey::review
