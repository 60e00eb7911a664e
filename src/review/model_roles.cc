#include "review/model_roles.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "review/board.h"
#include "review/model_questions.h"
#include "review/report.h"

namespace bailey::review {
namespace {

constexpr int kNearby = 3;  // lines: models count badly

bool IsSamePlace(const Place& one, const Place& other) {
  return one.file == other.file && std::abs(one.line - other.line) <= kNearby;
}

// A opinion about a rule or a guarantee that is filed at its place already is the same finding.
bool IsSame(const Opinion& opinion, const Finding& filed) {
  if (!opinion.finding.guarantee.empty()) return filed.guarantee == opinion.finding.guarantee;
  return filed.rule == opinion.topic && IsSamePlace(filed.place, opinion.finding.place);
}

bool IsSameClaim(const Opinion& opinion, const Finding& filed) {
  return filed.rule == opinion.finding.rule && IsSamePlace(filed.place, opinion.finding.place) &&
         (opinion.topic != "other" || filed.vulnerability == opinion.finding.vulnerability);
}

void Merge(std::vector<Finding>& findings, std::vector<Opinion> opinions,
           const std::string& model) {
  const std::size_t by_rules = findings.size();
  for (Opinion& opinion : opinions) {
    const auto end = findings.begin() + static_cast<std::ptrdiff_t>(by_rules);
    const auto same = std::find_if(findings.begin(), end,
                                   [&](const Finding& one) { return IsSame(opinion, one); });
    if (same != end) {
      // Beside evidence an opinion says nothing. Without, it must not look like some.
      if (!same->evidence.empty()) {
        same->evidence.push_back({EvidenceKind::kModelOpinion,
                                  fmt::format("model {}, as researcher", model),
                                  "it files the same"});
      }
      continue;
    }
    const bool is_again = std::any_of(
        end, findings.end(), [&](const Finding& one) { return IsSameClaim(opinion, one); });
    if (!is_again) findings.push_back(std::move(opinion.finding));
  }
}

std::string InItsWords(const std::string& model, const std::string& text) {
  return fmt::format(" Model {}, as an opinion: {}", model, text);
}

void AddAnswers(Trial& trial, const std::vector<Remark>& remarks, const std::string& model) {
  for (const Remark& remark : remarks) {
    Answer& answer = trial.answers[remark.number];
    answer.reason += InItsWords(model, fmt::format("{}: {}", Name(remark.response), remark.text));
  }
}

Action ActionFor(Decision decision, Severity severity) {
  return std::ranges::find_if(ActionRows(),
                              [&](const ActionRow& one) {
                                return one.decision == decision && severity >= one.at_least;
                              })
      ->action;
}

void Rerule(Trial& trial, const std::vector<Remark>& remarks, const std::string& model) {
  for (const Remark& remark : remarks) {
    Ruling& ruling = trial.rulings[remark.number];
    if (remark.severity < ruling.severity) {
      ruling.severity = remark.severity;
      ruling.action = ActionFor(ruling.decision, ruling.severity);
    }
    ruling.justification += InItsWords(model, remark.text);
  }
}

std::vector<std::size_t> OnOpinion(const Trial& trial) {
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < trial.findings.size(); ++i) {
    if (StandingOf(trial.findings[i], trial.answers[i]) == Standing::kOpinion) {
      numbers.push_back(i);
    }
  }
  return numbers;
}

}  // namespace

base::Result<ModelRoles> ReadModelRoles(std::string_view text) {
  ModelRoles roles;
  for (const std::string_view name : base::Split(text, ',')) {
    if (name == "researcher" || name == "all") roles.researcher = true;
    if (name == "author" || name == "all") roles.author = true;
    if (name == "moderator" || name == "all") roles.moderator = true;
    if (name == "board" || name == "all") roles.board = true;
    if (name != "researcher" && name != "author" && name != "moderator" && name != "board" &&
        name != "all") {
      return base::InvalidInput(fmt::format(
          "read roles \"{}\": it is a list of researcher, author, moderator and board, or all",
          base::Escape(text)));
    }
  }
  return roles;
}

base::Result<Trial> TryWithModel(const Subject& subject, const TrialOptions& options,
                                 const ModelRoles& roles, model::Client& client) {
  if (subject.sources.empty()) {
    return base::Unsupported(
        fmt::format("ask model \"{}\" about {}: only sources are put to a model",
                    base::Escape(client.Model()), base::Escape(subject.title)));
  }
  std::vector<Finding> findings = Try(subject, options).findings;
  if (roles.researcher) {
    auto opinions = AskResearcher(subject, findings, client);
    if (!opinions) return opinions.error();
    Merge(findings, *std::move(opinions), client.Model());
  }
  Trial trial = Hear(subject, std::move(findings), options.author);
  if (roles.author && !trial.findings.empty()) {
    const auto remarks = AskAuthor(subject, trial, client);
    if (!remarks) return remarks.error();
    AddAnswers(trial, *remarks, client.Model());
  }
  if (roles.moderator) {
    const auto summary = AskModerator(trial, client);
    if (!summary) return summary.error();
    trial.summary.researcher += InItsWords(client.Model(), summary->researcher);
    trial.summary.author += InItsWords(client.Model(), summary->author);
  }
  const std::vector<std::size_t> unproven = OnOpinion(trial);
  if (roles.board && !unproven.empty()) {
    const auto remarks = AskBoard(trial, unproven, client);
    if (!remarks) return remarks.error();
    Rerule(trial, *remarks, client.Model());
  }
  return trial;
}

}  // namespace bailey::review
