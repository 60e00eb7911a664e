// A client with a session before a server without any (2026-07-28). Each request gets what such a
// server wants to be told; what it asks in an answer is asked of the client, and the request made
// again with what it said.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "mcp/envelope.h"
#include "mcp/replies.h"
#include "mcp/translation.h"
#include "mcp/versions.h"

namespace bailey::mcp {
namespace {

constexpr std::array<std::string_view, 3> kCanAsk = {"tools/call", "prompts/get", "resources/read"};
constexpr std::array<std::string_view, 3> kQuestions = {"elicitation/create",
                                                        "sampling/createMessage", "roots/list"};
constexpr std::array<std::string_view, 5> kNotWithout = {
    "server/discover", "tasks/get", "tasks/list", "tasks/result", "tasks/cancel"};
// A server may ask again, but not for ever.
constexpr std::size_t kMostRounds = 16;
constexpr std::size_t kMostQuestions = 16;

class SessionClient : public Translation {
 public:
  SessionClient(Wires& wires, const TranslationLimits& limits, std::string_view initialize,
                std::string_view discovered);

  void FromClient(const Head& head, std::string_view line) override;
  void FromServer(const Head& head, std::string_view line) override;
  std::optional<std::string> Begin(const Head& head, std::string_view beginning) override;
  void Ended(const Head& head) override;
  void TooLong(const Head& head) override;

 private:
  // A request, by the id that the server knows it by.
  struct Open {
    Id client;
    std::string line;  // where the server may ask back, and it is not too much to keep
    std::size_t rounds = 0;
  };
  // One that waits for what the client says.
  struct Round {
    Open open;
    std::string state;                // requestState, quoted
    std::map<Id, std::string> asked;  // names, by the ids of questions
    std::string answers;              // members
  };
  using Rounds = std::vector<Round>;

  void ClientRequest(const Id& id, const std::string& method, std::string_view line);
  void ClientAnswers(const Head& head, std::string_view line);
  void Cancel(std::string_view line);
  void Listen();
  std::string Meta() const { return Envelope(info_, capabilities_, log_level_); }
  Id OwnId() { return {true, fmt::format("{}{}", limits_.own, ++last_)}; }

  void Asked(Open open, std::string_view line);
  void Again(Round round);
  void Drop(Rounds::iterator round, std::string_view why);
  void Forget(std::map<Id, Open>::iterator open);
  std::string Answer(const Open& open, std::string_view answer) const;

  Wires& wires_;
  TranslationLimits limits_;
  std::string info_, capabilities_, log_level_;  // the client's
  std::string served_;                           // the server's capabilities
  std::map<Id, Open> open_;
  std::size_t kept_bytes_ = 0;
  Rounds rounds_;
  std::vector<std::string> uris_;
  std::optional<Id> listening_;
  std::uint64_t last_ = 0;
};

SessionClient::SessionClient(Wires& wires, const TranslationLimits& limits,
                             std::string_view initialize, std::string_view discovered)
    : wires_(wires), limits_(limits), info_(RawAt(initialize, {"params", "clientInfo"})) {
  // Tasks are no part of that version.
  if (const auto found = FindPath(initialize, {"params", "capabilities"}))
    capabilities_ = Without(initialize, *found, {"tasks"});
  served_ = RawAt(discovered, {"result", "capabilities"});
  if (served_.empty()) served_ = "{}";
  const auto asked = TextAt(initialize, {"params", "protocolVersion"});
  const bool is_known =
      asked && std::ranges::find(kSessionVersions, *asked) != kSessionVersions.end();
  std::string server = RawAt(discovered, {"result", "_meta", kServerInfoKey});
  if (server.empty()) server = RawAt(discovered, {"result", "serverInfo"});
  if (server.empty()) server = R"({"name":"unknown","version":"unknown"})";
  const std::string instructions = RawAt(discovered, {"result", "instructions"});
  Scanner scanner;
  (void)scanner.Take(initialize);
  wires_.to_client +=
      Result(scanner.GetHead().id.value_or(Id{}),
             fmt::format(R"({{"protocolVersion":"{}","capabilities":{},"serverInfo":{}{}{}}})",
                         is_known ? *asked : kNewestSessionVersion, served_, server,
                         instructions.empty() ? "" : ",\"instructions\":", instructions));
}

void SessionClient::FromClient(const Head& head, std::string_view line) {
  if (head.method && head.id) return ClientRequest(*head.id, *head.method, line);
  if (!head.method && head.id) return ClientAnswers(head, line);
  if (head.method == "notifications/initialized") return Listen();
  if (head.method == "notifications/cancelled") return Cancel(line);
}

void SessionClient::ClientRequest(const Id& id, const std::string& method, std::string_view line) {
  const auto done = [&] { wires_.to_client += Result(id, "{}"); };
  if (method == "ping") return done();
  if (method == "initialize") {
    wires_.to_client += ErrorReply(id, kInvalidRequest, "begin a session: it has begun already");
    return;
  }
  if (method == "logging/setLevel") {
    log_level_ = RawAt(line, {"params", "level"});
    return done();
  }
  if (method == "resources/subscribe" || method == "resources/unsubscribe") {
    const std::string uri = RawAt(line, {"params", "uri"});
    std::erase(uris_, uri);
    if (method == "resources/subscribe") uris_.push_back(uri);
    Listen();
    return done();
  }
  if (std::ranges::find(kNotWithout, method) != kNotWithout.end()) {
    wires_.to_client +=
        ErrorReply(id, kMethodNotFound, fmt::format("answer {}: no session has it here", method));
    return;
  }
  for (const std::string_view key : {kVersionKey, kClientInfoKey, kClientCapabilitiesKey}) {
    if (!FindPath(line, {"params", "_meta", key})) continue;
    wires_.to_client += ErrorReply(
        id, kInvalidParams, fmt::format("read request: it is of a session, and has {}", key));
    return;
  }
  Open open = {.client = id, .line = {}};
  const bool can_ask = std::ranges::find(kCanAsk, method) != kCanAsk.end();
  if (can_ask && kept_bytes_ + line.size() <= limits_.held) {
    open.line = line;
    kept_bytes_ += line.size();
  }
  open_.insert_or_assign(id, std::move(open));
  wires_.to_server += WithEnvelope(line, Meta(), "");
}

// What a session would be told anyway is asked for: one subscription, made anew when it changes.
void SessionClient::Listen() {
  std::string wanted;
  const auto want = [&](std::string_view list, std::string_view what) {
    if (RawAt(served_, {list, "listChanged"}) == "true")
      wanted = JoinMembers(wanted, fmt::format("\"{}\":true", what));
  };
  want("tools", "toolsListChanged");
  want("prompts", "promptsListChanged");
  want("resources", "resourcesListChanged");
  std::string uris;
  for (const std::string& uri : uris_) uris = JoinMembers(uris, uri);
  if (!uris.empty())
    wanted = JoinMembers(wanted, fmt::format("\"resourceSubscriptions\":[{}]", uris));
  const auto before = std::exchange(listening_, std::nullopt);
  if (!wanted.empty()) {
    listening_ = OwnId();
    wires_.to_server +=
        Request(*listening_, "subscriptions/listen",
                fmt::format("{{\"_meta\":{{{}}},\"notifications\":{{{}}}}}", Meta(), wanted));
  }
  if (before) wires_.to_server += CancelNotice(*before, "another one takes its place");
}

void SessionClient::Cancel(std::string_view line) {
  const auto value = FindPath(line, {"params", "requestId"});
  if (!value) return;
  const auto text = StringIn(line, *value);
  const Id id = {text.has_value(), text ? *text : std::string(value->In(line))};
  const auto found =
      std::ranges::find_if(open_, [&](const auto& one) { return one.second.client == id; });
  if (found != open_.end()) {
    wires_.to_server += CancelNotice(found->first, "the client has given it up");
    return Forget(found);
  }
  const auto round =
      std::ranges::find(rounds_, id, [](const Round& one) { return one.open.client; });
  if (round != rounds_.end()) Drop(round, "its request was given up");
}

void SessionClient::Forget(std::map<Id, Open>::iterator open) {
  kept_bytes_ -= open->second.line.size();
  open_.erase(open);
}

// The client's answers to what the server asked.

void SessionClient::ClientAnswers(const Head& head, std::string_view line) {
  const auto round =
      std::ranges::find_if(rounds_, [&](const Round& one) { return one.asked.contains(*head.id); });
  if (round == rounds_.end()) return;
  const std::string name = round->asked.at(*head.id);
  round->asked.erase(*head.id);
  if (head.has_error) {
    const std::string said = TextAt(line, {"error", "message"}).value_or("it refuses");
    wires_.to_client += ErrorReply(round->open.client, kInternalError,
                                   fmt::format("ask the client for \"{}\": {}", name, said));
    return Drop(round, "another question of the same request was refused");
  }
  round->answers =
      JoinMembers(round->answers, fmt::format("{}:{}", Quote(name), RawAt(line, {"result"})));
  if (!round->asked.empty()) return;
  Round whole = std::move(*round);
  rounds_.erase(round);
  Again(std::move(whole));
}

void SessionClient::Again(Round round) {
  const Id id = OwnId();
  std::string more =
      round.answers.empty() ? "" : fmt::format("\"inputResponses\":{{{}}}", round.answers);
  if (!round.state.empty()) more = JoinMembers(more, "\"requestState\":" + round.state);
  std::string request = WithEnvelope(round.open.line, Meta(), more);
  if (const auto edit = IdEdit(request, id)) request = Edited(request, {*edit});
  open_.emplace(id, std::move(round.open));
  wires_.to_server += request;
}

void SessionClient::Drop(Rounds::iterator round, std::string_view why) {
  for (const auto& [id, name] : round->asked) wires_.to_client += CancelNotice(id, why);
  kept_bytes_ -= round->open.line.size();
  rounds_.erase(round);
}

// From the server.

std::string SessionClient::Answer(const Open& open, std::string_view answer) const {
  const auto edit = IdEdit(answer, open.client);
  return edit ? Edited(answer, {*edit}) : std::string(answer);
}

void SessionClient::FromServer(const Head& head, std::string_view line) {
  if (head.method && head.id) {
    wires_.to_server +=
        ErrorReply(head.id, kMethodNotFound, "ask the client: no such request has this version");
    return;
  }
  if (head.method) {
    if (head.method == "notifications/tools/list_changed") wires_.tools_changed();
    if (head.method != "notifications/subscriptions/acknowledged") wires_.to_client += line;
    return;
  }
  if (!head.id) {
    wires_.to_client += line;
    return;
  }
  const auto found = open_.find(*head.id);
  if (found == open_.end()) return;  // a subscription's end
  if (TextAt(line, {"result", "resultType"}) == "input_required") {
    Open open = std::move(found->second);
    open_.erase(found);
    return Asked(std::move(open), line);
  }
  wires_.to_client += Answer(found->second, line);
  Forget(found);
}

std::optional<std::string> SessionClient::Begin(const Head& head, std::string_view beginning) {
  const auto result = FindPath(beginning, {"result"});
  if (!result || (head.has_id && !head.id)) return std::nullopt;
  // Questions are held until they are whole; what has said something else already is none.
  const auto members = Members(beginning, *result);
  const bool is_answer = std::ranges::any_of(members, [](const Member& one) {
    return one.name != "inputRequests" && one.name != "requestState" && one.name != "_meta" &&
           one.name != "resultType";
  });
  const bool asks = std::ranges::any_of(members, [](const Member& one) {
    return one.name == "inputRequests" || one.name == "requestState";
  });
  if (!is_answer || asks || TextAt(beginning, {"result", "resultType"}) == "input_required")
    return std::nullopt;
  if (!head.id) {
    const bool is_same =
        std::ranges::all_of(open_, [](const auto& one) { return one.second.client == one.first; });
    return is_same ? std::optional(std::string(beginning)) : std::nullopt;
  }
  const auto found = open_.find(*head.id);
  if (found == open_.end() || !IdEdit(beginning, *head.id)) return std::nullopt;
  return Answer(found->second, beginning);
}

void SessionClient::Ended(const Head& head) {
  const auto found = head.id ? open_.find(*head.id) : open_.end();
  if (found != open_.end()) Forget(found);
}

void SessionClient::TooLong(const Head& head) {
  if (head.method || !head.id) return;
  const auto found = open_.find(*head.id);
  if (found == open_.end()) return;
  wires_.to_client +=
      ErrorReply(found->second.client, kInternalError,
                 fmt::format("translate the answer: it is longer than {} bytes", limits_.held));
  Forget(found);
}

void SessionClient::Asked(Open open, std::string_view line) {
  const auto refuse = [&](std::string_view why) {
    kept_bytes_ -= open.line.size();
    wires_.to_client +=
        ErrorReply(open.client, kInternalError, fmt::format("go on with the request: {}", why));
  };
  if (open.line.empty()) return refuse("the server asks, and the request was too long to be kept");
  if (++open.rounds > kMostRounds)
    return refuse(fmt::format("the server asks more than {} times", kMostRounds));
  Round round = {std::move(open), RawAt(line, {"result", "requestState"}), {}, {}};
  const auto requests = FindPath(line, {"result", "inputRequests"});
  const auto members = requests ? Members(line, *requests) : std::vector<Member>();
  std::string questions;
  for (const Member& one : members) {
    bool ambiguous = false;
    const auto method = Find(line, one.value, "method", ambiguous);
    const auto params = Find(line, one.value, "params", ambiguous);
    const auto name = method ? StringIn(line, *method) : std::nullopt;
    if (ambiguous || !name || std::ranges::find(kQuestions, *name) == kQuestions.end() ||
        members.size() > kMostQuestions) {
      open = std::move(round.open);
      return refuse("the server asks for what no client is asked for, or for too much at once");
    }
    const Id id = OwnId();
    round.asked.emplace(id, one.name);
    questions += Request(id, *name, params ? params->In(line) : "{}");
  }
  if (round.asked.empty()) return Again(std::move(round));
  wires_.to_client += questions;
  rounds_.push_back(std::move(round));
}

}  // namespace

std::unique_ptr<Translation> ForSessionClient(Wires& wires, const TranslationLimits& limits,
                                              std::string_view initialize,
                                              std::string_view discovered) {
  return std::make_unique<SessionClient>(wires, limits, initialize, discovered);
}

}  // namespace bailey::mcp
