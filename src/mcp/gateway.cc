#include "mcp/gateway.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "mcp/elicitation.h"

namespace bailey::mcp {
namespace {

constexpr std::size_t kMostPages = 64;
constexpr std::size_t kMostWaiting = 64;
std::string TooLong(std::string_view what, std::size_t most) {
  return fmt::format("pass on {}: it is longer than {} bytes", what, most);
}

}  // namespace

// From the client: every message is read whole before any of it goes on.

void Gateway::FromClient(std::string_view bytes) {
  ClientBytes(bytes);
  TakeTranslated();
}

void Gateway::ClientBytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t taken = client_.Take(bytes);
    if (!client_too_long_) {
      client_line_ += bytes.substr(0, taken);
      client_too_long_ = client_line_.size() > options_.held;
      if (client_too_long_) std::string().swap(client_line_);
    }
    bytes.remove_prefix(taken);
    if (!client_.IsAtEnd()) continue;
    if (!client_.IsBlank()) ClientMessage();
    client_.Reset();
    client_line_.clear();
    client_too_long_ = false;
  }
}

void Gateway::ClientMessage() {
  const Head& head = client_.GetHead();
  if (!client_.Fault().empty()) {
    Say(ErrorReply(head.id, kParseError, fmt::format("read request: {}", client_.Fault())));
    return;
  }
  if (head.method && (head.has_result || head.has_error)) {
    Say(ErrorReply(head.id, kInvalidRequest, "read request: it is an answer as well"));
    return;
  }
  if (client_too_long_) {
    // The server waits for what it asked the client.
    if (!head.method && head.id) {
      Send(ErrorReply(head.id, kInternalError, TooLong("the answer", options_.held)));
    } else {
      Say(ErrorReply(head.id, kInvalidRequest, TooLong("the request", options_.held)));
    }
    return;
  }
  if (head.method && head.id) return ClientRequest(*head.id);
  if (!head.method && head.id) {
    if (const auto asked = asked_.find(*head.id); asked != asked_.end()) {
      const auto result = FindPath(client_line_, {"result"});
      return EndQuestion(asked, AnswerIn(client_line_, result), asked->second.waiting.id);
    }
  }
  if (head.method == "notifications/cancelled") ClientCancels();
  Send(client_line_);
}

void Gateway::ClientRequest(const Id& id) {
  if (pending_.contains(id) || (id.is_string && id.text.starts_with(options_.own)) ||
      std::ranges::count(waiting_, id, &Waiting::id) > 0 || IsAskedAbout(id)) {
    Say(ErrorReply(id, kInvalidRequest, "read request: its id is in use"));
    return;
  }
  if (pending_.size() + waiting_.size() >= options_.unanswered) {
    Say(ErrorReply(id, kInternalError,
                   fmt::format("pass on the request: {} wait for their answers already",
                               options_.unanswered)));
    return;
  }
  const std::string& method = *client_.GetHead().method;
  if (method == "initialize") client_elicits_ = Elicits(client_line_, false);
  if (method == "tools/call") return ClientCall(id);
  const Kind kind = method == "tools/list" ? Kind::kClientsList : Kind::kOther;
  if (kind == Kind::kClientsList) ++lists_pending_;
  pending_.emplace(id, kind);
  Send(client_line_);
}

void Gateway::ClientCall(const Id& id) {
  auto call = ReadCall(client_line_);
  if (!call) {
    Say(ErrorReply(id, kInvalidParams, call.error().text));
    return;
  }
  if (tools_.contains(call->tool) || list_is_whole_)
    return PassCall(std::move(client_line_), id, *call);
  if (waiting_.size() >= kMostWaiting || waiting_bytes_ + client_line_.size() > options_.held) {
    Say(ErrorReply(id, kInternalError, "call a tool: too many calls wait for a list"));
    return;
  }
  waiting_bytes_ += client_line_.size();
  const std::string meta = call->meta;
  waiting_.push_back({std::move(client_line_), id, *std::move(call)});
  if (own_list_asked_) return;
  own_pages_ = 0;
  AskForTools(meta, "");
}

// The answer may never come, and the client does not wait for it.
void Gateway::ClientCancels() {
  bool ambiguous = false;
  const auto params = Find(client_line_, {0, client_line_.size()}, "params", ambiguous);
  const auto value = params ? Find(client_line_, *params, "requestId", ambiguous) : std::nullopt;
  if (!value) return;
  const auto text = StringIn(client_line_, *value);
  const Id id = {text.has_value(), text ? *text : std::string(value->In(client_line_))};
  if (id.is_string && id.text.starts_with(options_.own)) return;
  Forget(id);
  ForgetQuestionsOf(id);
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.id == id; });
}

void Gateway::PassCall(std::string line, const Id& id, const Call& call) {
  const auto found = tools_.find(call.tool);
  if (found == tools_.end()) {
    Say(ErrorReply(
        id, kInvalidParams,
        fmt::format("call tool \"{}\": the server lists no such tool", base::Escape(call.tool))));
    return;
  }
  if (found->second) return RefuseCall(id, call, *found->second);
  if (resolve_ && TakesAnswer(line, id, call)) return;
  if (check_call_) {
    const Verdict verdict = check_call_(call);
    if (verdict.refusal) return RefuseCall(id, call, *verdict.refusal);
    if (!verdict.question.empty()) return Ask(std::move(line), id, call, verdict);
  }
  pending_.emplace(id, Kind::kOther);
  Send(line);
}

void Gateway::RefuseCall(const Id& id, const Call& call, std::string_view why) {
  Say(ToolErrorReply(id, fmt::format("call tool \"{}\": {}", base::Escape(call.tool), why),
                     call.IsStateless()));
}

void Gateway::AskForTools(std::string_view meta, std::string_view cursor) {
  own_list_asked_ = true;
  own_meta_ = meta;
  const Id id = {true, fmt::format("{}{}", options_.own, ++own_lists_)};
  pending_.emplace(id, Kind::kOwnList);
  ++lists_pending_;
  Send(ListRequest(id.text, meta, cursor));
}

void Gateway::ResolveWaiting() {
  auto waiting = std::move(waiting_);
  waiting_.clear();
  waiting_bytes_ = 0;
  for (Waiting& one : waiting) PassCall(std::move(one.line), one.id, one.call);
}

// From the server.

void Gateway::FromServer(std::string_view bytes) {
  if (!translator_ || translator_->IsPassing()) return ServerText(bytes);
  translator_->FromServer(bytes);
  TakeTranslated();
}

// What a translator has made of what either side has said, and of what comes of that.
void Gateway::TakeTranslated() {
  if (!translator_) return;
  to_server_ += std::exchange(translator_->ToServer(), {});
  while (!translator_->ToClient().empty()) {
    ServerText(std::exchange(translator_->ToClient(), {}));
    to_server_ += std::exchange(translator_->ToServer(), {});
  }
}

// One message, to the server.
void Gateway::Send(std::string_view line) {
  if (!translator_) {
    to_server_ += line;
    return;
  }
  translator_->FromClient(line);
  to_server_ += std::exchange(translator_->ToServer(), {});
}

// One message, to the client; not into the middle of another that is passed on.
void Gateway::Say(std::string_view line) {
  (flow_ == Flow::kPassing ? later_ : to_client_) += line;
}

void Gateway::ServerText(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t taken = server_.Take(bytes);
    ServerBytes(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (!server_.IsAtEnd()) continue;
    if (!server_.IsBlank()) ServerMessage();
    server_.Reset();
    server_line_.clear();
    if (server_line_.capacity() > 2 * options_.window) server_line_.shrink_to_fit();
    server_passed_ = 0;
    flow_ = Flow::kDeciding;
    to_client_ += std::exchange(later_, {});
  }
}

// What was asked with the id of the message that comes in.
std::optional<Gateway::Kind> Gateway::Expected() const {
  const Head& head = server_.GetHead();
  if (!head.id) return std::nullopt;
  const auto found = pending_.find(*head.id);
  if (found == pending_.end()) return std::nullopt;
  return found->second;
}

void Gateway::ServerBytes(std::string_view chunk) {
  if (flow_ == Flow::kPassing) {
    // The id may come last: before it has been looked at, the message's end is not passed on.
    const bool answers =
        server_.GetHead().has_id ? Expected() == Kind::kOther : !server_.IsClosed();
    if (!server_.Fault().empty()) return Cut(server_.Fault());
    if (!answers) return Cut("it answers nothing that was asked");
    if (server_passed_ + chunk.size() > options_.passed)
      return Cut(fmt::format("it is longer than {} bytes", options_.passed));
    server_passed_ += chunk.size();
    if (to_client_.empty() && client_now_) chunk.remove_prefix(client_now_(chunk));
    to_client_ += chunk;
    return;
  }
  if (flow_ == Flow::kDropping) return;
  server_line_ += chunk;
  const std::size_t most = server_.IsAtEnd() ? options_.held : options_.window;
  if (flow_ == Flow::kDeciding && server_line_.size() > most) Decide();
  if (flow_ == Flow::kHolding && server_line_.size() > options_.held) {
    flow_ = Flow::kDropping;
    std::string().swap(server_line_);
  }
}

// A message is longer than the window: passed on from now, held on, or dropped.
void Gateway::Decide() {
  const Head& head = server_.GetHead();
  if (!server_.Fault().empty() || (head.has_id && !head.method && !Expected())) {
    flow_ = Flow::kDropping;
    std::string().swap(server_line_);
    return;
  }
  const bool is_answer = !head.method && (head.has_result || head.has_error);
  const bool may_be_list = head.has_id ? Expected() != Kind::kOther : AwaitsList();
  if (!is_answer || may_be_list) {
    flow_ = Flow::kHolding;
    return;
  }
  flow_ = Flow::kPassing;
  server_passed_ = server_line_.size();
  to_client_ += server_line_;
  std::string().swap(server_line_);
}

void Gateway::Cut(std::string_view why) {
  to_client_ += '\n';
  flow_ = Flow::kDropping;
  const Head& head = server_.GetHead();
  // Without an id, who asked is found out at the message's end, if it comes that far.
  Note(fmt::format("cut off an answer: {}", why));
  if (!head.id || Expected() != Kind::kOther) return;
  to_client_ +=
      ErrorReply(head.id, kInternalError, fmt::format("read the server's answer: {}", why));
  Forget(*head.id);
}

void Gateway::ServerMessage() {
  const Head& head = server_.GetHead();
  if (flow_ == Flow::kPassing) {
    if (head.id) Forget(*head.id);
    return;
  }
  if (!server_.Fault().empty()) return ServerFault();
  if (flow_ == Flow::kDropping) {
    const auto kind = Expected();
    if (!head.method && !kind) return Note("dropped an answer to nothing that was asked");
    const std::string why = TooLong("the message", options_.held);
    if (head.method && head.id) Send(ErrorReply(head.id, kInvalidRequest, why));
    if (!head.method && *kind != Kind::kOwnList)
      to_client_ += ErrorReply(head.id, kInternalError, why);
    if (!head.method) Forget(*head.id);
    if (!head.method && *kind == Kind::kOwnList) {
      own_list_asked_ = false;
      ResolveWaiting();
    }
    return Note(why);
  }
  if (!head.method) return ServerAnswer();
  if (head.has_result || head.has_error) return Note("dropped a request that is an answer as well");
  // What the client answers to such an id is for the gateway.
  if (head.id && head.id->is_string && head.id->text.starts_with(options_.own)) {
    Send(ErrorReply(head.id, kInvalidRequest, "read request: its id is in use"));
    return Note("dropped a request with an id of the gateway's");
  }
  if (head.method == "notifications/tools/list_changed") ToolsHaveChanged();
  const bool is_question = resolve_ && head.method == "elicitation/create";
  to_client_ += is_question ? WithOrigin(server_line_, server_name_) : server_line_;
}

void Gateway::ServerFault() {
  const Head& head = server_.GetHead();
  Note(fmt::format("dropped a message of the server's: {}", server_.Fault()));
  const auto kind = Expected();
  if (head.method || !kind) return;
  if (*kind == Kind::kOwnList) return ListAnswer(*kind);
  to_client_ += ErrorReply(head.id, kInternalError,
                           fmt::format("read the server's answer: {}", server_.Fault()));
  Forget(*head.id);
}

void Gateway::ServerAnswer() {
  const Head& head = server_.GetHead();
  // An error about a request that it could not read has no id.
  if (!head.id && head.has_error) {
    to_client_ += server_line_;
    return;
  }
  const auto kind = Expected();
  if (!kind) return Note("dropped an answer to nothing that was asked");
  if (*kind != Kind::kOther) return ListAnswer(*kind);
  Forget(*head.id);
  to_client_ += server_line_;
}

// The reason, by tool, goes into what is known of the list; what may not be used is taken out.
std::vector<Range> Gateway::CheckList(const ToolList& list) {
  std::vector<Range> removed;
  for (const Tool& tool : list.tools) {
    auto why = check_tool_(tool);
    if (why) {
      removed.push_back(tool.range);
      Note(fmt::format("withheld tool \"{}\": {}", base::Escape(tool.name), *why));
    }
    tools_.insert_or_assign(tool.name, std::move(why));
  }
  return removed;
}

void Gateway::ListAnswer(Kind kind) {
  const Id id = *server_.GetHead().id;
  Forget(id);
  const bool readable = server_.Fault().empty();
  const auto list = readable ? ReadTools(server_line_)
                             : base::Result<std::optional<ToolList>>(base::InvalidInput(""));
  const std::vector<Range> removed = list && *list ? CheckList(**list) : std::vector<Range>();
  if (kind == Kind::kClientsList) {
    if (!list) {
      to_client_ += ErrorReply(id, kInternalError, list.error().text);
      return Note(list.error().text);
    }
    to_client_ += removed.empty() ? server_line_ : WithoutTools(server_line_, removed);
    return;
  }
  if (list && *list && (*list)->cursor && ++own_pages_ < kMostPages)
    return AskForTools(own_meta_, *(*list)->cursor);
  own_list_asked_ = false;
  list_is_whole_ = list && *list;
  ResolveWaiting();
}

void Gateway::ToolsHaveChanged() {
  tools_.clear();
  list_is_whole_ = false;
}

void Gateway::Forget(const Id& id) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;
  if (found->second != Kind::kOther) --lists_pending_;
  pending_.erase(found);
}

void Gateway::ServerEnded(std::string_view how) {
  if (flow_ == Flow::kPassing) to_client_ += '\n' + std::exchange(later_, {});
  const std::string text = fmt::format("wait for the server: it has ended: {}", how);
  for (const auto& [id, kind] : pending_)
    if (kind != Kind::kOwnList) to_client_ += ErrorReply(id, kServerGone, text);
  for (const Waiting& waiting : waiting_) to_client_ += ErrorReply(waiting.id, kServerGone, text);
  for (const auto& [question, asked] : asked_) {
    if (asked.is_stateless) continue;
    to_client_ += CancelNotice(question, "the server has ended");
    to_client_ += ErrorReply(asked.waiting.id, kServerGone, text);
  }
  asked_.clear();
  pending_.clear();
  waiting_.clear();
  lists_pending_ = 0;
}

void Gateway::Note(std::string note) {
  if (notes_left_ == 0) return;
  notes_.push_back(--notes_left_ == 0 ? "more is not said" : std::move(note));
}

std::vector<std::string> Gateway::TakeNotes() { return std::exchange(notes_, {}); }

}  // namespace bailey::mcp
