#include "review/fact.h"

#include <fmt/format.h>

#include <algorithm>

#include "prove/prover.h"

namespace bailey::review {

Evidence Read(const Confinement& confinement, const Place& place, std::string what) {
  std::string ran = fmt::format("reading {}", place.file);
  if (!confinement.bubblewrap.empty() && place.line != 0) {
    ran = fmt::format("reading argument {} of bwrap", place.line);
  } else if (place.line != 0) {
    ran += fmt::format(", line {}", place.line);
  }
  const bool is_live = confinement.process.has_value();
  return {is_live ? EvidenceKind::kLiveProbe : EvidenceKind::kSourceRule, std::move(ran),
          std::move(what)};
}

RootReach ReachOfRoot(const Confinement& confinement) {
  switch (confinement.runs_as_root) {
    case Known::kNo:
      return {};
    case Known::kYes:
      return {true, Reach::kAnyProgram};
    case Known::kUnknown:
      break;
  }
  return {true, Reach::kPrivilege};
}

namespace {

Closed IsKept(const Subject& subject, const prove::Guarantee& guarantee) {
  if (!subject.filter) {
    const bool is_without = subject.confinement && subject.confinement->seccomp == Known::kNo;
    if (is_without) return {Known::kNo, "no filter", std::nullopt};
    return {Known::kUnknown, "its filters are not known", std::nullopt};
  }
  if (subject.filter->stack.empty()) return {Known::kNo, "no filter", std::nullopt};
  const prove::Finding finding = prove::Prover(*subject.filter).Prove(guarantee);
  switch (finding.verdict) {
    case prove::Verdict::kProved:
      return {Known::kYes, fmt::format("{}: proved", guarantee.name), std::nullopt};
    case prove::Verdict::kRefuted:
      return {Known::kNo, prove::WitnessText(finding), finding.witness};
    case prove::Verdict::kUndecided:
      break;
  }
  return {Known::kUnknown, prove::WitnessText(finding), finding.witness};
}

}  // namespace

Closed IsClosed(const Subject& subject, std::string_view name) {
  const auto catalogue = prove::BuiltinGuarantees();
  const auto found = std::ranges::find(catalogue, name, &prove::Guarantee::name);
  return found == catalogue.end() ? Closed{} : IsKept(subject, *found);
}

Closed IsUnixConnectClosed(const Subject& subject) {
  static constexpr prove::CallSet kMake[] = {{.call = "socket", .when = "family == AF_UNIX"}};
  static constexpr prove::CallSet kConnect[] = {{.call = "connect"}};
  static constexpr std::string_view kRests[] = {"no-io-uring"};
  const Closed made =
      IsKept(subject, {.name = "no socket of AF_UNIX is made", .calls = kMake, .rests_on = kRests});
  if (made.closed == Known::kYes) return made;
  const Closed connected =
      IsKept(subject, {.name = "nothing is connected", .calls = kConnect, .rests_on = kRests});
  if (connected.closed == Known::kYes) return connected;
  if (made.closed != Known::kNo) return made;
  if (connected.closed != Known::kNo || made.because == connected.because) return connected;
  return {Known::kNo, fmt::format("{}; {}", made.because, connected.because), connected.witness};
}

namespace {

void Bound(const Subject& subject, const Closed& closed, std::string_view ran, std::string layer,
           Finding& finding) {
  if (!subject.filter || closed.closed == Known::kUnknown) return;
  if (closed.closed == Known::kYes) {
    finding.reach = Reach::kOtherLayer;
    finding.bounded_by = std::move(layer);
  }
  finding.evidence.push_back({EvidenceKind::kProof, fmt::format("prove {}", ran), closed.because});
}

}  // namespace

void BoundByFilter(const Subject& subject, std::string_view guarantee, Finding& finding) {
  Bound(subject, IsClosed(subject, guarantee), guarantee,
        fmt::format("the filter keeps {}", guarantee), finding);
}

void BoundByUnixConnect(const Subject& subject, Finding& finding) {
  Bound(subject, IsUnixConnectClosed(subject), "that no unix socket is connected",
        "the filter lets no unix socket be connected", finding);
}

const Place& PlaceOr(const Place& part, const Confinement& confinement) {
  return part.file.empty() ? confinement.place : part;
}

bool Is(const Confinement& confinement, Namespace name, Known known) {
  return confinement.own_namespace[static_cast<std::size_t>(name)] == known;
}

std::string List(const std::vector<std::string>& words, std::size_t most) {
  const std::size_t shown = words.size() > most ? most : words.size();
  const std::size_t rest = words.size() - shown;
  std::string list;
  for (std::size_t i = 0; i < shown; ++i) {
    if (i != 0) list += i + 1 == shown && rest == 0 ? " and " : ", ";
    list += words[i];
  }
  return rest == 0 ? list : fmt::format("{} and {} more", list, rest);
}

std::string FixFor(const Subject& subject, std::string_view bubblewrap, std::string_view oci) {
  if (!subject.confinement || subject.policy) return {};
  if (!subject.confinement->bubblewrap.empty()) return std::string(bubblewrap);
  return std::string(subject.confinement->process ? "" : oci);
}

}  // namespace bailey::review
