// Questions about calls, which the client shows to a person.
#include <fmt/format.h>

#include <algorithm>

#include "mcp/elicitation.h"
#include "mcp/gateway.h"
#include "mcp/json_text.h"

namespace bailey::mcp {
namespace {

constexpr std::size_t kMostQuestions = 16;

}  // namespace

void Gateway::Ask(std::string line, const Id& id, const Call& call, const Verdict& verdict) {
  const auto refuse = [&](std::string_view why) {
    (void)resolve_(verdict.number, std::nullopt);  // it is refused whatever that says
    RefuseCall(id, call, why);
  };
  const bool is_stateless = call.IsStateless();
  if (!resolve_ || !(is_stateless ? Elicits(line, true) : client_elicits_))
    return refuse("nobody can be asked: the client shows no questions (elicitation)");
  if (asked_.size() >= kMostQuestions) return refuse("too many questions are open already");
  const Id question = {true, fmt::format("{}ask-{}", options_.own, ++questions_)};
  if (is_stateless) {
    Say(AskResult(id, verdict.question, question.text));
  } else {
    Say(AskRequest(question, verdict.question));
  }
  asked_.emplace(
      question,
      Asked{{std::move(line), id, call}, verdict.number, Clock::now() + ask_limit_, is_stateless});
}

// A call without a session that comes again with an answer: what is made is the call that was asked
// about, and none that only says so.
bool Gateway::TakesAnswer(const std::string& line, const Id& id, const Call& call) {
  if (!call.IsStateless()) return false;
  const auto state = TextAt(line, {"params", "requestState"});
  const auto asked = state ? asked_.find({true, *state}) : asked_.end();
  if (asked == asked_.end() || !asked->second.is_stateless) return false;
  const Call& first = asked->second.waiting.call;
  const bool is_same = first.tool == call.tool && first.arguments == call.arguments;
  const auto response = FindPath(line, {"params", "inputResponses", kApprovalKey});
  EndQuestion(asked, is_same ? AnswerIn(line, response) : "deny", id);
  return true;
}

void Gateway::EndQuestion(std::map<Id, Asked>::iterator asked,
                          std::optional<std::string_view> answer, Id id) {
  const Asked question = std::move(asked->second);
  asked_.erase(asked);
  const auto why = resolve_(question.number, answer);
  if (why) return RefuseCall(id, question.waiting.call, *why);
  // What was approved is the tool as it was defined then.
  const auto tool = tools_.find(question.waiting.call.tool);
  if (tool == tools_.end() || tool->second)
    return RefuseCall(id, question.waiting.call, "the server's tools have changed meanwhile");
  pending_.emplace(id, Kind::kOther);
  Send(question.is_stateless ? WithId(question.waiting.line, id) : question.waiting.line);
}

bool Gateway::IsAskedAbout(const Id& call) const {
  return std::ranges::any_of(asked_, [&](const auto& one) {
    return !one.second.is_stateless && one.second.waiting.id == call;
  });
}

void Gateway::ForgetQuestionsOf(const Id& call) {
  for (auto one = asked_.begin(); one != asked_.end();) {
    const auto current = one++;
    if (current->second.is_stateless || current->second.waiting.id != call) continue;
    Say(CancelNotice(current->first, "the call was given up"));
    (void)resolve_(current->second.number, std::nullopt);  // nobody waits for what it says
    asked_.erase(current);
  }
}

std::optional<Gateway::Clock::time_point> Gateway::Deadline() const {
  std::optional<Clock::time_point> first;
  for (const auto& [id, asked] : asked_)
    if (!first || asked.until < *first) first = asked.until;
  const auto other = translator_ ? translator_->Deadline() : std::nullopt;
  return other && (!first || *other < *first) ? other : first;
}

void Gateway::Expire(Clock::time_point now) {
  for (auto one = asked_.begin(); one != asked_.end();) {
    const auto current = one++;
    if (current->second.until > now) continue;
    if (current->second.is_stateless) {
      (void)resolve_(current->second.number,
                     std::nullopt);  // its call was answered with a question
      asked_.erase(current);
      continue;
    }
    Say(CancelNotice(current->first, "no answer came in time"));
    EndQuestion(current, std::nullopt, current->second.waiting.id);
  }
  if (translator_) translator_->Expire(now);
  TakeTranslated();
}

}  // namespace bailey::mcp
