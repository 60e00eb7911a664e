#include "approval/approver.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "approval/pins.h"
#include "base/text.h"

namespace bailey::approval {
namespace {

std::string SessionKey(const Action& action, const Classified& classified) {
  return Hash(fmt::format("{}\n{}\n{}\n{}\n{}", base::Escape(action.server),
                          base::Escape(action.tool), action.hash, ToString(classified.effect),
                          classified.subject));
}

// In printable ASCII, as everything on a card.
std::string Plain(std::string_view text) {
  std::string plain;
  for (const char c : base::Escape(text)) {
    if (c >= ' ' && c <= '~') plain += c;
    if (c < ' ' || c > '~') plain += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return plain;
}

}  // namespace

Card MakeCard(const Action& action, const Classified& classified) {
  Card card;
  card.title = fmt::format("{} of {}", Plain(action.tool), Plain(action.server));
  card.effect = ToString(classified.effect);
  card.why = classified.why;
  card.shown = classified.shown;
  card.workspace = Plain(action.workspace);
  card.remembered =
      classified.subject.empty()
          ? "every call of this tool with this effect, while its definition is the same"
          : "exactly this: " + classified.subject;
  const std::time_t until = std::time(nullptr) + Approver::kWorkspaceLasts.count();
  card.until = fmt::format("{:%F}", fmt::gmtime(until));
  return card;
}

std::string Describe(const Card& card) {
  std::string text = fmt::format("bailey asks: {} [{}]\n", card.title, card.effect);
  for (const std::string& line : card.shown) text += fmt::format("  {}\n", line);
  text +=
      fmt::format("  why      {}\n  where    {}\n  session and workspace remember\n           {}\n",
                  card.why, card.workspace, card.remembered);
  return text;
}

std::string ToText(const Card& card) {
  return "\n" + Describe(card) +
         fmt::format("[o]nce, for this [s]ession, for this [w]orkspace until {}, or [d]eny: ",
                     card.until);
}

std::optional<std::string> Approver::Refuse(const Action& action) {
  const std::scoped_lock lock(mutex_);
  const Decision decision = ConsiderLocked(action);
  if (!decision.question) return decision.refusal;
  const Question& question = *decision.question;
  if (options_.ask) return ResolveLocked(question, options_.ask(question.card));
  Record(action, question.classified, "nobody", false);
  return fmt::format("nobody was asked, and nothing allows it: {}", question.classified.why);
}

Decision Approver::Consider(const Action& action) {
  const std::scoped_lock lock(mutex_);
  return ConsiderLocked(action);
}

std::optional<std::string> Approver::Resolve(const Question& question,
                                             const base::Result<Answer>& answer) {
  const std::scoped_lock lock(mutex_);
  return ResolveLocked(question, answer);
}

void Approver::Record(const Action& action, const Classified& classified, std::string_view by,
                      bool allowed) {
  if (options_.record) options_.record(action, ToString(classified.effect), by, allowed);
}

Decision Approver::ConsiderLocked(const Action& action) {
  Classified classified = Classify(action, options_.read_file);
  if (classified.effect == Effect::kWiden && options_.widening)
    for (const std::string& line : options_.widening(classified.policy))
      classified.shown.push_back("more     " + Plain(line));
  std::string by;
  Decision decision;
  if (Decide(action, classified, by, decision.refusal)) {
    Record(action, classified, by, !decision.refusal);
    return decision;
  }
  decision.question = {action, classified, MakeCard(action, classified)};
  return decision;
}

bool Approver::Decide(const Action& action, const Classified& classified, std::string& by,
                      std::optional<std::string>& refusal) {
  by = "class";
  if (classified.is_green) return true;
  const auto rule = rules_.Find(action, classified);
  by = "rule";
  if (!rule) refusal = rule.error().text;
  if (rule && *rule && !**rule) refusal = "a rule denies it; `bailey approvals` lists it";
  if (refusal || *rule) return true;
  by = "session";
  if (session_.contains(SessionKey(action, classified))) return true;
  by = "option";
  // Widening a sandbox is nothing that a name of a tool can be allowed for.
  return classified.effect != Effect::kWiden &&
         options_.allowed.contains(fmt::format("{}/{}", action.server, action.tool));
}

std::optional<std::string> Approver::ResolveLocked(const Question& question,
                                                   const base::Result<Answer>& answer) {
  auto why = answer ? Remember(question, *answer) : answer.error().text;
  Record(question.action, question.classified, "person", !why);
  return why;
}

std::optional<std::string> Approver::Remember(const Question& question, Answer answer) {
  if (answer == Answer::kDeny) return "it was denied";
  if (answer == Answer::kSession) session_.insert(SessionKey(question.action, question.classified));
  if (answer == Answer::kWorkspace) {
    const auto kept = rules_.Add(question.action, question.classified, true, kWorkspaceLasts);
    if (!kept) return kept.error().text;
  }
  return std::nullopt;
}

}  // namespace bailey::approval
