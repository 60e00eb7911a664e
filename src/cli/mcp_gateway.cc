#include "cli/mcp_gateway.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdio>
#include <utility>

#include "base/text.h"
#include "cli/commands.h"
#include "mcp/relay.h"
#include "os/piped_child.h"

namespace bailey::cli {

base::Status CallJudge::Attach(mcp::Gateway& gateway, const std::string& server,
                               std::function<approval::Action(const mcp::Call&)> action_of) {
  if (!approver_) return {};
  gateway.SetCheckCall([this, action_of = std::move(action_of)](const mcp::Call& call) {
    return Judge(action_of(call));
  });
  if (options_.approve != "elicit") return {};
  const auto limit = TimeLimit(options_);
  if (!limit) return limit.error();
  const auto resolve = [this](std::uint64_t number, std::optional<std::string_view> answer) {
    return Resolve(number, answer);
  };
  gateway.SetAsking(resolve, base::Escape(server), *limit);
  return {};
}

mcp::Verdict CallJudge::Judge(const approval::Action& action) {
  if (options_.approve != "elicit") return {approver_->Refuse(action), "", 0};
  approval::Decision decision = approver_->Consider(action);
  if (!decision.question) return {std::move(decision.refusal), "", 0};
  std::string text = approval::Describe(decision.question->card);
  text += fmt::format("workspace: until {}\n", decision.question->card.until);
  questions_.emplace(++last_, *std::move(decision.question));
  return {std::nullopt, std::move(text), last_};
}

std::optional<std::string> CallJudge::Resolve(std::uint64_t number,
                                              std::optional<std::string_view> answer) {
  const auto found = questions_.find(number);
  if (found == questions_.end()) return "it was not asked about";
  const approval::Question question = std::move(found->second);
  questions_.erase(found);
  if (!answer)
    return approver_->Resolve(question, base::Violation("ask the client: no answer came in time"));
  const approval::Answer meant = *answer == "once"        ? approval::Answer::kOnce
                                 : *answer == "session"   ? approval::Answer::kSession
                                 : *answer == "workspace" ? approval::Answer::kWorkspace
                                                          : approval::Answer::kDeny;
  return approver_->Resolve(question, meant);
}

int RunGateway(const std::string& command, mcp::Gateway& gateway,
               const std::vector<std::string>& server, bool remote) {
  auto started = os::StartPiped(server.front(), server);
  if (!started)
    return Fail(command, base::SystemError("start " + server.front(), started.error().value));
  mcp::RelayOptions streams;
  streams.note = [&](const std::string& note) {
    fmt::print(stderr, "bailey {}: {}\n", command, note);
  };
  const auto ended = mcp::Relay(gateway, *std::move(started), streams);
  if (!ended) return Fail(command, ended.error());
  const bool said_why =
      remote && WIFEXITED(ended->wait_status) && WEXITSTATUS(ended->wait_status) != 0;
  if (ended->was_wanted) return said_why ? kNo : kYes;
  fmt::print(stderr, "bailey {}: the server has ended: {}\n", command,
             mcp::HowItEnded(ended->wait_status));
  return kNo;
}

}  // namespace bailey::cli
