#include "review/claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "review/filter_view.h"
#include "review/find_filter.h"

namespace bailey::review {
namespace {

constexpr std::size_t kMaxClaims = 1000;

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

struct Terms {
  std::string check;
  std::vector<std::vector<std::string>> all;  // of each list, one must occur

  bool Fit(const std::string& lower) const {
    return std::ranges::all_of(all, [&](const std::vector<std::string>& any) {
      return std::ranges::any_of(
          any, [&](const std::string& word) { return lower.find(word) != std::string::npos; });
    });
  }
};

const std::vector<Terms>& AllTerms() {
  static const std::vector<Terms> all = [] {
    std::vector<Terms> list;
    const auto json = nlohmann::json::parse(ClaimTerms());
    for (const auto& row : json.at("claims"))
      list.push_back({row.at("check"), row.at("all").get<std::vector<std::vector<std::string>>>()});
    return list;
  }();
  return all;
}

bool IsSourceCheck(std::string_view check) { return check.starts_with("source/"); }

// A check may be several rules, separated by blanks.
bool IsOneOf(std::string_view rule, std::string_view check) {
  return std::ranges::count(base::Split(check, ' '), rule) > 0;
}

// A claim about source is put to the rules that look for it.
void PutToRule(const std::string& check, const Subject& subject, std::span<const Finding> found,
               Finding& finding) {
  if (subject.sources.empty()) return;
  for (const Finding& one : found) {
    if (!IsOneOf(one.rule, check)) continue;
    if (finding.evidence.empty() && !one.evidence.empty()) {
      finding.place = one.place;
      finding.flow = one.flow;
      finding.effect = one.effect;
      finding.fix = one.fix;
    }
    finding.evidence.insert(finding.evidence.end(), one.evidence.begin(), one.evidence.end());
    finding.against.insert(finding.against.end(), one.against.begin(), one.against.end());
  }
  // What the rule found speaks for the claim, whatever else it acquitted.
  if (!finding.evidence.empty()) finding.against.clear();
  if (!finding.evidence.empty() || !finding.against.empty()) return;
  std::string files;
  for (const SourceFile& source : subject.sources)
    files += (files.empty() ? "" : ", ") + source.path;
  finding.against.push_back({EvidenceKind::kSourceRule, fmt::format("{}, over {}", check, files),
                             "no place that it describes"});
}

// A claim about a filter is put to the guarantee: proved, the author refutes it.
void PutToProof(FilterView& view, const std::string& check, Finding& finding) {
  const Topic* const topic = FindTopic(check);
  if (topic == nullptr) return;
  finding.guarantee = check;
  finding.effect = topic->effect;
  const prove::Finding proof = view.Prove(check);
  if (proof.verdict != prove::Verdict::kRefuted) return;
  const auto open = view.OpenCalls(*view.Find(check));
  if (open.empty()) return;
  const Finding shown = OpenFinding(view, *topic, open);
  finding.evidence = shown.evidence;
  finding.reach = shown.reach;
  finding.bounded_by = shown.bounded_by;
  finding.witness = shown.witness;
  finding.place = shown.place;
  finding.flow = shown.flow;
  finding.undecided = shown.undecided;
}

base::Result<Claim> ReadClaim(const nlohmann::json& json, std::size_t number,
                              std::string_view file) {
  const auto text = [&](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  Claim claim = {text("vulnerability"), text("reason"), text("impact")};
  if (claim.vulnerability.empty()) {
    return base::InvalidInput(
        fmt::format("read {}: claim {} has no \"vulnerability\"", base::Escape(file), number + 1));
  }
  return claim;
}

}  // namespace

base::Result<std::vector<Claim>> ParseClaims(std::string_view text, std::string_view file) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded())
    return base::InvalidInput(fmt::format("read {}: it is no valid JSON", base::Escape(file)));
  const bool is_form = json.is_object() && json.contains("security_researcher");
  const nlohmann::json& list = is_form ? json.at("security_researcher") : json;
  if (!list.is_array()) {
    return base::InvalidInput(
        fmt::format("read {}: it has neither a list of claims nor \"security_researcher\"",
                    base::Escape(file)));
  }
  if (list.size() > kMaxClaims) {
    return base::InvalidInput(
        fmt::format("read {}: it has more than {} claims", base::Escape(file), kMaxClaims));
  }
  std::vector<Claim> claims;
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto claim = list[i].is_object() ? ReadClaim(list[i], i, file)
                                     : ReadClaim(nlohmann::json::object(), i, file);
    if (!claim) return claim.error();
    claims.push_back(*std::move(claim));
  }
  return claims;
}

std::string CheckOf(const Claim& claim) {
  for (const std::string& text :
       {Lower(claim.vulnerability), Lower(claim.vulnerability + " " + claim.reason)}) {
    const auto found =
        std::ranges::find_if(AllTerms(), [&](const Terms& terms) { return terms.Fit(text); });
    if (found != AllTerms().end()) return found->check;
  }
  return {};
}

std::vector<Finding> FileClaims(std::span<const Claim> claims, const Subject& subject,
                                std::span<const Finding> found) {
  std::vector<Finding> filed;
  std::optional<FilterView> view;
  if (HasFilter(subject)) view.emplace(subject);
  for (const Claim& claim : claims) {
    const std::string check = CheckOf(claim);
    Finding finding;
    finding.rule = check.empty() ? "claim/unmatched" : "claim/" + check;
    finding.vulnerability = claim.vulnerability;
    finding.reason = claim.reason;
    finding.impact = claim.impact;
    finding.effect = Severity::kMedium;
    finding.place = {.file = subject.file};
    if (IsSourceCheck(check)) {
      PutToRule(check, subject, found, finding);
    } else if (view && !check.empty()) {
      PutToProof(*view, check, finding);
    }
    const bool is_tried =
        !finding.evidence.empty() || !finding.against.empty() || !finding.guarantee.empty();
    if (!is_tried) {
      finding.evidence.push_back({EvidenceKind::kModelOpinion, "reading the review",
                                  "it claims this; nothing in the subject decides it"});
    }
    filed.push_back(std::move(finding));
  }
  return filed;
}

}  // namespace bailey::review
