#include "prove/keep.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/text.h"
#include "prove/validate.h"

namespace bailey::prove {

base::Error NoSuchGuarantee(std::string_view name, const base::Location& location) {
  std::vector<std::string_view> names;
  for (const Guarantee& one : BuiltinGuarantees()) names.push_back(one.name);
  const auto near = base::Nearest(name, names);
  base::Error error =
      base::InvalidInput(fmt::format("find guarantee \"{}\": there is none{}", base::Escape(name),
                                     near ? fmt::format(", did you mean \"{}\"?", *near) : ""));
  error.location = location;
  return error;
}

namespace {

base::Status KeepAll(const policy::Policy& policy, Prover& prover) {
  for (const policy::Guarantee& kept : policy.guarantees) {
    const Guarantee* const guarantee = prover.Find(kept.name);
    if (guarantee == nullptr) return NoSuchGuarantee(kept.name, kept.location);
    const Finding finding = prover.Prove(*guarantee);
    if (finding.verdict == Verdict::kProved) continue;
    const bool is_refuted = finding.verdict == Verdict::kRefuted;
    const std::string text = fmt::format("keep guarantee {}: {}{}", kept.name,
                                         is_refuted ? "" : "undecided: ", WitnessText(finding));
    base::Error error = is_refuted ? base::Violation(text) : base::Unsupported(text);
    error.location = kept.location;
    return error;
  }
  return {};
}

}  // namespace

base::Status Keep(const policy::Policy& policy, const bpf::Program& program) {
  if (policy.guarantees.empty()) return {};
  Prover prover(SubjectOf(policy.syscalls, program));
  return KeepAll(policy, prover);
}

base::Status ValidateAndKeep(const policy::Policy& policy, const bpf::Program& program) {
  const auto validated = ValidateFor(policy.syscalls, program);
  if (!validated) return validated.error();
  if (policy.guarantees.empty()) return {};
  Subject subject = SubjectOf(policy.syscalls, program);
  // Of a stack more is known than what was validated.
  if (subject.stack.size() > 1) return Keep(policy, program);
  Prover prover(std::move(subject), *validated->diagram, validated->meaning);
  return KeepAll(policy, prover);
}

}  // namespace bailey::prove
