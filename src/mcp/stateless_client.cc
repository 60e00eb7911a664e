// A client without sessions (2026-07-28) before a server that has one. It is the one client of one
// session; what the session would ask its client goes into the answer of the request that it is
// for, and comes back with a request that is made again.
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

constexpr std::array<std::string_view, 9> kOnlyInSessions = {
    "initialize", "ping",       "logging/setLevel", "resources/subscribe", "resources/unsubscribe",
    "tasks/get",  "tasks/list", "tasks/result",     "tasks/cancel"};
// What may be answered with a question.
constexpr std::array<std::string_view, 3> kCanAsk = {"tools/call", "prompts/get", "resources/read"};
// What a server may ask, and the capability of the client that has to show it.
struct Asking {
  std::string_view method, capability;
};
constexpr std::array<Asking, 3> kQuestions = {{{"elicitation/create", "elicitation"},
                                               {"sampling/createMessage", "sampling"},
                                               {"roots/list", "roots"}}};
constexpr std::string_view kAnswerKey = "answer";
constexpr std::ptrdiff_t kMostQuestions = 16;  // each may hold an answer
constexpr int kResourceNotFound = -32002;

bool IsTrue(std::string_view text, std::initializer_list<std::string_view> names) {
  return RawAt(text, names) == "true";
}

class StatelessClient : public Translation {
 public:
  StatelessClient(Wires& wires, const TranslationLimits& limits, std::string_view opened)
      : wires_(wires), limits_(limits), opened_(opened) {}

  void FromClient(const Head& head, std::string_view line) override;
  void FromServer(const Head& head, std::string_view line) override;
  std::optional<std::string> Begin(const Head& head, std::string_view beginning) override;
  void Ended(const Head& head) override;
  void TooLong(const Head& head) override;
  std::optional<Clock::time_point> Deadline() const override;
  void Expire(Clock::time_point now) override;

 private:
  // A request, by the id that the server knows it by.
  struct Open {
    Id client;
    std::string method, subject;
    std::vector<std::string_view> capabilities;
    bool hears_log = false;
    // The server has asked something, and the client was told so.
    std::optional<std::string> state;
    std::optional<Id> question;  // nothing where the server has taken it back
    std::string asked;           // as the client is told
    std::string answer;          // that came before the client came back
    Clock::time_point until;
  };
  struct Subscription {
    bool tools = false, prompts = false, resources = false;
    std::vector<std::string> uris;
  };

  void ClientRequest(const Id& id, const std::string& method, std::string_view line);
  void Retry(const Id& id, std::string_view line, const std::string& state);
  void Cancel(std::string_view line);
  void Discover(const Id& id);
  void Listen(const Id& id, std::string_view line);
  void Unlisten(const Id& id);
  void SetLogLevel(std::string_view line);
  void Own(std::string_view method, std::string_view params);

  std::string Answer(const Open& open, std::string_view answer) const;
  void ServerAsks(const Id& id, const std::string& method, std::string_view line);
  void ServerSays(const std::string& method, std::string_view line);
  void Tell(const Id& id, const Open& open);
  Open* Asker();
  bool Has(std::initializer_list<std::string_view> capability) const {
    return IsTrue(opened_, capability);
  }

  Wires& wires_;
  TranslationLimits limits_;
  std::string opened_;  // the server's answer to initialize
  std::map<Id, Open> open_;
  std::map<Id, Subscription> subscriptions_;
  std::string log_level_;
  std::uint64_t last_ = 0;
};

void StatelessClient::FromClient(const Head& head, std::string_view line) {
  if (head.method && head.id) return ClientRequest(*head.id, *head.method, line);
  if (head.method == "notifications/cancelled") return Cancel(line);
  if (head.method == "notifications/progress") wires_.to_server += line;
}

void StatelessClient::ClientRequest(const Id& id, const std::string& method,
                                    std::string_view line) {
  const auto version = VersionOf(line);
  if (version != kStatelessVersion) {
    wires_.to_client += fmt::format(
        R"({{"jsonrpc":"2.0","id":{},"error":{{"code":{},"message":{},"data":{{"supported":["{}"],"requested":{}}}}}}})"
        "\n",
        ToJson(id), kUnsupportedVersion,
        Quote(version ? fmt::format("read request: version {} is not spoken here", *version)
                      : "read request: it does not say its version"),
        kStatelessVersion, Quote(version.value_or("")));
    return;
  }
  if (method == "server/discover") return Discover(id);
  if (method == "subscriptions/listen") return Listen(id, line);
  if (std::ranges::find(kOnlyInSessions, method) != kOnlyInSessions.end()) {
    wires_.to_client +=
        ErrorReply(id, kMethodNotFound,
                   fmt::format("answer {}: {} has no such method", method, kStatelessVersion));
    return;
  }
  if (const auto state = TextAt(line, {"params", "requestState"})) return Retry(id, line, *state);
  Open open = {.client = id,
               .method = method,
               .subject = {},
               .capabilities = {},
               .state = {},
               .question = {},
               .asked = {},
               .answer = {},
               .until = {}};
  const bool can_ask = std::ranges::find(kCanAsk, method) != kCanAsk.end();
  if (can_ask) {
    open.subject = RawAt(line, {"params", "name"}) + RawAt(line, {"params", "uri"}) +
                   RawAt(line, {"params", "arguments"});
    for (const Asking& one : kQuestions)
      if (FindPath(line, {"params", "_meta", kClientCapabilitiesKey, one.capability}))
        open.capabilities.push_back(one.capability);
  }
  open.hears_log = TextAt(line, {"params", "_meta", kLogLevelKey}).has_value();
  SetLogLevel(line);
  const std::string request = WithoutEnvelope(line);
  // The client may use an id again that has been answered with a question.
  const bool is_free = !open_.contains(id);
  const Id known = is_free ? id : Id{true, fmt::format("{}{}", limits_.own, ++last_)};
  open_.emplace(known, std::move(open));
  wires_.to_server += is_free ? request : Edited(request, {IdEdit(request, known).value()});
}

void StatelessClient::SetLogLevel(std::string_view line) {
  const std::string level = RawAt(line, {"params", "_meta", kLogLevelKey});
  if (level.empty() || level == log_level_) return;
  if (!FindPath(opened_, {"result", "capabilities", "logging"})) return;
  log_level_ = level;
  Own("logging/setLevel", fmt::format("{{\"level\":{}}}", level));
}

// A request of this side's own, whose answer nobody waits for.
void StatelessClient::Own(std::string_view method, std::string_view params) {
  wires_.to_server += Request({true, fmt::format("{}{}", limits_.own, ++last_)}, method, params);
}

void StatelessClient::Discover(const Id& id) {
  const auto capabilities = FindPath(opened_, {"result", "capabilities"});
  const auto instructions = RawAt(opened_, {"result", "instructions"});
  const auto info = RawAt(opened_, {"result", "serverInfo"});
  std::string members = fmt::format(
      R"("resultType":"complete","supportedVersions":["{}"],"capabilities":{},"ttlMs":0,"cacheScope":"private")",
      kStatelessVersion,
      // Tasks are an extension now, and a level of logging stands in each request.
      capabilities ? Without(opened_, *capabilities, {"tasks"}) : "{}");
  if (!instructions.empty()) members += ",\"instructions\":" + instructions;
  if (!info.empty())
    members +=
        fmt::format(",\"serverInfo\":{},\"_meta\":{{\"{}\":{}}}", info, kServerInfoKey, info);
  wires_.to_client += Result(id, fmt::format("{{{}}}", members));
}

void StatelessClient::Listen(const Id& id, std::string_view line) {
  Subscription made;
  const auto wants = [&](std::string_view what) {
    return IsTrue(line, {"params", "notifications", what});
  };
  made.tools = wants("toolsListChanged") && Has({"result", "capabilities", "tools", "listChanged"});
  made.prompts =
      wants("promptsListChanged") && Has({"result", "capabilities", "prompts", "listChanged"});
  made.resources =
      wants("resourcesListChanged") && Has({"result", "capabilities", "resources", "listChanged"});
  const auto uris = FindPath(line, {"params", "notifications", "resourceSubscriptions"});
  if (uris && Has({"result", "capabilities", "resources", "subscribe"}))
    for (const Range uri : Elements(line, *uris)) made.uris.emplace_back(uri.In(line));
  std::string kept;
  const auto keep = [&](bool does, std::string_view what) {
    if (does) kept = JoinMembers(kept, fmt::format("\"{}\":true", what));
  };
  keep(made.tools, "toolsListChanged");
  keep(made.prompts, "promptsListChanged");
  keep(made.resources, "resourcesListChanged");
  std::string list;
  for (const std::string& uri : made.uris) {
    Own("resources/subscribe", fmt::format("{{\"uri\":{}}}", uri));
    list = JoinMembers(list, uri);
  }
  if (!list.empty()) kept = JoinMembers(kept, fmt::format("\"resourceSubscriptions\":[{}]", list));
  wires_.to_client +=
      Notification("notifications/subscriptions/acknowledged",
                   fmt::format("{{\"_meta\":{{\"{}\":{}}},\"notifications\":{{{}}}}}",
                               kSubscriptionKey, ToJson(id), kept));
  subscriptions_.insert_or_assign(id, std::move(made));
}

void StatelessClient::Unlisten(const Id& id) {
  const auto found = subscriptions_.find(id);
  if (found == subscriptions_.end()) return;
  const auto uris = std::move(found->second.uris);
  subscriptions_.erase(found);
  for (const std::string& uri : uris) {
    const bool is_wanted = std::ranges::any_of(subscriptions_, [&](const auto& one) {
      return std::ranges::find(one.second.uris, uri) != one.second.uris.end();
    });
    if (!is_wanted) Own("resources/unsubscribe", fmt::format("{{\"uri\":{}}}", uri));
  }
}

// The server answers the request that it has had all the time.
void StatelessClient::Retry(const Id& id, std::string_view line, const std::string& state) {
  const auto found =
      std::ranges::find_if(open_, [&](const auto& one) { return one.second.state == state; });
  const std::string subject = RawAt(line, {"params", "name"}) + RawAt(line, {"params", "uri"}) +
                              RawAt(line, {"params", "arguments"});
  if (found == open_.end() || found->second.subject != subject) {
    wires_.to_client += ErrorReply(id, kInvalidParams,
                                   "go on with the request: its requestState is of no request that "
                                   "waits, or of another one");
    return;
  }
  Open& open = found->second;
  const auto answer = RawAt(line, {"params", "inputResponses", kAnswerKey});
  open.client = id;
  if (open.question && answer.empty()) return Tell(id, open);
  open.state.reset();
  if (!open.answer.empty()) {
    wires_.to_client += Answer(open, open.answer);
    open_.erase(found);
    return;
  }
  if (open.question) wires_.to_server += Result(*open.question, answer);
  open.question.reset();
}

void StatelessClient::Cancel(std::string_view line) {
  const auto value = FindPath(line, {"params", "requestId"});
  if (!value) return;
  const auto text = StringIn(line, *value);
  const Id id = {text.has_value(), text ? *text : std::string(value->In(line))};
  if (subscriptions_.contains(id)) return Unlisten(id);
  const auto found =
      std::ranges::find_if(open_, [&](const auto& one) { return one.second.client == id; });
  if (found == open_.end()) return;
  wires_.to_server += CancelNotice(found->first, "the client has given it up");
  open_.erase(found);
}

// From the server.

// As the client is to hear it: under its id, and with what its era's results say of themselves.
std::string StatelessClient::Answer(const Open& open, std::string_view answer) const {
  std::vector<Edit> edits;
  if (auto edit = IdEdit(answer, open.client)) edits.push_back(*std::move(edit));
  if (auto edit = ResultEdit(answer, open.method)) edits.push_back(*std::move(edit));
  const auto code = FindPath(answer, {"error", "code"});
  if (code && code->In(answer) == fmt::format("{}", kResourceNotFound))
    edits.push_back({*code, fmt::format("{}", static_cast<int>(kInvalidParams))});
  return Edited(answer, std::move(edits));
}

void StatelessClient::FromServer(const Head& head, std::string_view line) {
  if (head.method && head.id) return ServerAsks(*head.id, *head.method, line);
  if (head.method) return ServerSays(*head.method, line);
  if (!head.id) {  // an error about nothing that it could read
    wires_.to_client += line;
    return;
  }
  const auto found = open_.find(*head.id);
  if (found == open_.end()) return;  // to a request of this side's own
  if (found->second.state) {
    found->second.question.reset();
    found->second.answer = line;
    return;
  }
  wires_.to_client += Answer(found->second, line);
  open_.erase(found);
}

std::optional<std::string> StatelessClient::Begin(const Head& head, std::string_view beginning) {
  if (!FindPath(beginning, {"result"})) return std::nullopt;
  if (head.id) {
    const auto found = open_.find(*head.id);
    if (found == open_.end() || found->second.state || !IdEdit(beginning, *head.id))
      return std::nullopt;
    return Answer(found->second, beginning);
  }
  std::optional<std::string> begun;
  for (const auto& [id, open] : open_) {
    std::string one = Answer(open, beginning);
    if (head.has_id || open.state || open.client != id || (begun && *begun != one))
      return std::nullopt;
    begun = std::move(one);
  }
  return begun;
}

void StatelessClient::Ended(const Head& head) {
  if (head.id) open_.erase(*head.id);
}

void StatelessClient::TooLong(const Head& head) {
  const std::string why =
      fmt::format("translate the message: it is longer than {} bytes", limits_.held);
  if (head.method && head.id) wires_.to_server += ErrorReply(head.id, kInvalidRequest, why);
  if (head.method || !head.id) return;
  const auto found = open_.find(*head.id);
  if (found == open_.end()) return;
  wires_.to_client += ErrorReply(found->second.client, kInternalError, why);
  open_.erase(found);
}

// Which request a question is for, the session does not say: it is known where there is one alone.
StatelessClient::Open* StatelessClient::Asker() {
  if (std::ranges::count_if(open_, [](const auto& one) { return one.second.state.has_value(); }) >=
      kMostQuestions)
    return nullptr;
  Open* asker = nullptr;
  for (auto& [id, open] : open_) {
    if (open.state || std::ranges::find(kCanAsk, open.method) == kCanAsk.end()) continue;
    if (asker) return nullptr;
    asker = &open;
  }
  return asker;
}

void StatelessClient::ServerAsks(const Id& id, const std::string& method, std::string_view line) {
  if (method == "ping") {
    wires_.to_server += Result(id, "{}");
    return;
  }
  const auto asking = std::ranges::find(kQuestions, method, &Asking::method);
  if (asking == kQuestions.end()) {
    wires_.to_server +=
        ErrorReply(id, kMethodNotFound, "ask the client: it is not asked such a thing");
    return;
  }
  Open* const open = Asker();
  if (!open) {
    wires_.to_server += ErrorReply(id, kInternalError,
                                   "ask the client: it speaks without sessions, where a question "
                                   "belongs to a request, and not exactly one is open");
    return;
  }
  if (std::ranges::find(open->capabilities, asking->capability) == open->capabilities.end()) {
    wires_.to_server += ErrorReply(
        id, kMethodNotFound,
        fmt::format("ask the client: its request does not say that it has {}", asking->capability));
    return;
  }
  const std::string params = RawAt(line, {"params"});
  open->state = fmt::format("{}state-{}", limits_.own, ++last_);
  open->question = id;
  open->until = Clock::now() + limits_.question;
  open->asked = fmt::format("{{\"method\":{}{}{}}}", Quote(method),
                            params.empty() ? "" : ",\"params\":", params);
  Tell(open->client, *open);
}

void StatelessClient::Tell(const Id& id, const Open& open) {
  wires_.to_client += Result(
      id, fmt::format(
              R"({{"resultType":"input_required","inputRequests":{{"{}":{}}},"requestState":{}}})",
              kAnswerKey, open.asked, Quote(*open.state)));
}

void StatelessClient::ServerSays(const std::string& method, std::string_view line) {
  if (method == "notifications/cancelled") {
    // Its question is answered by going on.
    const auto value = FindPath(line, {"params", "requestId"});
    for (auto& [id, open] : open_)
      if (value && open.question && ToJson(*open.question) == value->In(line))
        open.question.reset();
    return;
  }
  if (method == "notifications/message") {
    const bool is_heard =
        std::ranges::any_of(open_, [](const auto& one) { return one.second.hears_log; });
    if (is_heard) wires_.to_client += line;
    return;
  }
  const bool tools = method == "notifications/tools/list_changed";
  const bool prompts = method == "notifications/prompts/list_changed";
  const bool resources = method == "notifications/resources/list_changed";
  const bool updated = method == "notifications/resources/updated";
  if (tools) wires_.tools_changed();
  if (!tools && !prompts && !resources && !updated) {
    if (!method.starts_with("notifications/tasks/")) wires_.to_client += line;
    return;
  }
  const std::string uri = RawAt(line, {"params", "uri"});
  for (const auto& [id, one] : subscriptions_) {
    const bool has_uri = updated && std::ranges::find(one.uris, uri) != one.uris.end();
    if (!((tools && one.tools) || (prompts && one.prompts) || (resources && one.resources) ||
          has_uri))
      continue;
    const auto meta = fmt::format("\"_meta\":{{\"{}\":{}}}", kSubscriptionKey, ToJson(id));
    wires_.to_client += Notification(
        method, fmt::format("{{{}}}", JoinMembers(meta, updated ? "\"uri\":" + uri : "")));
  }
}

std::optional<Translation::Clock::time_point> StatelessClient::Deadline() const {
  std::optional<Clock::time_point> first;
  for (const auto& [id, open] : open_)
    if (open.state && (!first || open.until < *first)) first = open.until;
  return first;
}

// The client has not come back: the server is not left waiting.
void StatelessClient::Expire(Clock::time_point now) {
  for (auto one = open_.begin(); one != open_.end();) {
    const auto current = one++;
    const Open& open = current->second;
    if (!open.state || open.until > now) continue;
    if (open.question)
      wires_.to_server += ErrorReply(open.question, kInternalError, "ask the client: no answer");
    wires_.to_server += CancelNotice(current->first, "the client has not come back");
    open_.erase(current);
  }
}

}  // namespace

std::unique_ptr<Translation> ForStatelessClient(Wires& wires, const TranslationLimits& limits,
                                                std::string_view opened) {
  return std::make_unique<StatelessClient>(wires, limits, opened);
}

}  // namespace bailey::mcp
