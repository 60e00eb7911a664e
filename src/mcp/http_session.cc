#include "mcp/http_session.h"

#include <fmt/format.h>

#include <algorithm>

#include "mcp/json_text.h"
#include "mcp/replies.h"

namespace bailey::mcp {
namespace {

// Longer answers are passed on before they are whole.
constexpr std::size_t kWindow = 64 << 10;
// What has to be whole before it is known whose it is.
constexpr std::size_t kMostHeld = 5 << 20;
constexpr std::size_t kMostUnheard = 64, kMostUnheardBytes = 1 << 20;
constexpr std::size_t kMostKept = 256, kMostKeptBytes = 512 << 10;
// Before clients and what stands between lose patience with a head that does not come.
constexpr std::chrono::seconds kQuiet{15};

std::optional<Id> IdIn(std::string_view text, Range value) {
  if (const auto string = StringIn(text, value)) return Id{true, *string};
  const std::string_view plain = value.In(text);
  if (plain.empty() || plain.front() == '{' || plain.front() == '[') return std::nullopt;
  return Id{false, std::string(plain)};
}

std::optional<Id> Inside(std::string_view text, std::initializer_list<std::string_view> names) {
  const auto range = FindPath(text, names);
  return range ? IdIn(text, *range) : std::nullopt;
}

}  // namespace

bool HttpSession::Request(ConnectionId connection, HttpRequestInfo info, std::string_view line,
                          HttpClock::time_point now) {
  const Id id = info.id;
  const auto [place, added] =
      exchanges_.emplace(id, Exchange{connection, ++streams_, std::move(info), now, 0, false});
  if (!added) return false;
  to_server_ += line;
  return true;
}

void HttpSession::Notify(std::string_view line) { to_server_ += line; }

bool HttpSession::Listen(ConnectionId connection, const std::optional<EventId>& last,
                         HttpClock::time_point now) {
  Exchange* resumed = nullptr;
  if (last && last->stream > 0) {
    for (auto& [id, exchange] : exchanges_)
      if (exchange.stream == last->stream) resumed = &exchange;
    // What was passed on already cannot be said again.
    if (resumed && (resumed->connection != 0 || passing_ == resumed->info.id)) return false;
  } else if (listener_ != 0) {
    return false;
  }
  outlet_.Send(connection, StreamHead(kEvents, StreamFields()));
  if (last)
    for (const Kept& kept : kept_)
      if (kept.id.stream == last->stream && kept.id.number > last->number)
        outlet_.Send(connection, Chunk(kept.text));
  if (resumed) {
    resumed->connection = connection;
    resumed->last = now;
    return true;
  }
  if (last && last->stream > 0) {  // its request is answered: there is no more to come
    outlet_.Send(connection, kLastChunk);
    outlet_.Done(connection);
    return true;
  }
  listener_ = connection;
  listener_last_ = now;
  while (!unheard_.empty()) {
    const std::string line = std::move(unheard_.front());
    unheard_.pop_front();
    SendOnListener(line);
  }
  unheard_bytes_ = 0;
  return true;
}

void HttpSession::ConnectionGone(ConnectionId connection) {
  if (listener_ == connection) listener_ = 0;
  for (auto& [id, exchange] : exchanges_) {
    if (exchange.connection != connection) continue;
    exchange.connection = 0;
    // Without sessions a client gives a request up by closing; with one it may come back.
    if (name_.empty()) to_server_ += CancelNotice(id, "the client has closed its connection");
  }
}

bool HttpSession::HasConnections() const {
  return listener_ != 0 || std::ranges::any_of(exchanges_, [](const auto& one) {
           return one.second.connection != 0;
         });
}

std::vector<ConnectionId> HttpSession::Connections() const {
  std::vector<ConnectionId> connections;
  if (listener_ != 0) connections.push_back(listener_);
  for (const auto& [id, exchange] : exchanges_)
    if (exchange.connection != 0) connections.push_back(exchange.connection);
  return connections;
}

// From the server.

void HttpSession::FromServer(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t taken = scanner_.Take(bytes);
    const bool at_end = scanner_.IsAtEnd();
    TakeChunk(bytes.substr(0, at_end ? taken - 1 : taken), at_end);
    bytes.remove_prefix(taken);
    if (!at_end) continue;
    if (flow_ == Flow::kPassing)
      EndPassing();
    else if (!scanner_.IsBlank() && scanner_.Fault().empty())
      Whole();
    scanner_.Reset();
    line_.clear();
    if (line_.capacity() > 2 * kWindow) line_.shrink_to_fit();
    flow_ = Flow::kDeciding;
    passing_.reset();
  }
}

void HttpSession::TakeChunk(std::string_view chunk, bool at_end) {
  if (flow_ == Flow::kPassing) return Pass(chunk);
  if (flow_ == Flow::kDropping) return;
  line_ += chunk;
  if (flow_ == Flow::kDeciding && line_.size() > kWindow && !at_end) Decide();
  if (flow_ != Flow::kPassing && line_.size() > kMostHeld) {
    flow_ = Flow::kDropping;
    std::string().swap(line_);
  }
}

// A message is longer than the window: whose it is may stand at its end only. One answer that is
// waited for has to be this.
void HttpSession::Decide() {
  const Head& head = scanner_.GetHead();
  flow_ = Flow::kHolding;
  if (head.method || !scanner_.Fault().empty()) return;
  if (head.id && exchanges_.contains(*head.id)) passing_ = head.id;
  if (!head.has_id && exchanges_.size() == 1) passing_ = exchanges_.begin()->first;
  if (!passing_) return;
  flow_ = Flow::kPassing;
  Exchange& exchange = exchanges_.at(*passing_);
  if (exchange.is_stream) {
    const EventId id = {exchange.stream, ++exchange.events};
    outlet_.Send(exchange.connection, Chunk(EventBegin(Numbered(id))));
  } else {
    if (exchange.info.method == "initialize") established_ = !name_.empty();
    outlet_.Send(exchange.connection, StreamHead(kJson, StreamFields()));
  }
  const std::string begin = std::move(line_);
  line_.clear();
  Pass(begin);
}

void HttpSession::Pass(std::string_view chunk) {
  const auto found = exchanges_.find(*passing_);
  if (found == exchanges_.end() || found->second.connection == 0) return;
  const ConnectionId connection = found->second.connection;
  outlet_.Send(connection, found->second.is_stream ? Chunk(OneLine(chunk)) : Chunk(chunk));
}

void HttpSession::EndPassing() {
  const auto found = exchanges_.find(*passing_);
  if (found == exchanges_.end()) return;
  const Exchange exchange = found->second;
  const bool is_whole = scanner_.Fault().empty() && scanner_.GetHead().id == *passing_;
  if (exchange.is_stream && !is_whole) {
    // Its line is cut; an error follows.
    outlet_.Send(exchange.connection, Chunk(kEventEnd));
    return;
  }
  exchanges_.erase(found);
  if (!is_whole) return outlet_.Break(exchange.connection);
  if (exchange.is_stream) outlet_.Send(exchange.connection, Chunk(kEventEnd));
  outlet_.Send(exchange.connection, kLastChunk);
  outlet_.Done(exchange.connection);
}

void HttpSession::Whole() {
  const Head& head = scanner_.GetHead();
  if (!head.method) {
    if (!head.id) return;
    const auto found = exchanges_.find(*head.id);
    if (found == exchanges_.end()) return;
    Exchange exchange = std::move(found->second);
    exchanges_.erase(found);
    if (flow_ == Flow::kDropping)
      return FailExchange(exchange,
                          fmt::format("it is longer than {} bytes, its id comes last, and several "
                                      "requests wait",
                                      kMostHeld));
    return Answer(exchange, line_);
  }
  if (flow_ == Flow::kDropping) return;
  if (Exchange* const exchange = HeardBy(line_)) return SendEvent(*exchange, line_);
  SendAside(line_);
}

void HttpSession::Answer(Exchange& exchange, std::string_view line) {
  if (exchange.info.method == "initialize" && !name_.empty()) {
    established_ = scanner_.GetHead().has_result;
    refused_ = !established_;
  }
  if (exchange.is_stream) {
    SendEvent(exchange, line);
    outlet_.Send(exchange.connection, kLastChunk);
  } else {
    outlet_.Send(exchange.connection, WholeReply(200, kJson, line, refused_ ? "" : StreamFields()));
  }
  outlet_.Done(exchange.connection);
}

void HttpSession::FailExchange(Exchange& exchange, std::string_view why) {
  std::string reply =
      ErrorReply(exchange.info.id, kServerGone, fmt::format("read the server's answer: {}", why));
  reply.pop_back();
  if (exchange.is_stream) {
    SendEvent(exchange, reply);
    outlet_.Send(exchange.connection, kLastChunk);
  } else {
    outlet_.Send(exchange.connection, WholeReply(200, kJson, reply, ""));
  }
  outlet_.Done(exchange.connection);
}

// Which request a message belongs to that is no answer: the protocol says it only of some.
HttpSession::Exchange* HttpSession::HeardBy(std::string_view line) {
  const auto open = [](const auto& one) { return one.second.connection != 0; };
  if (const auto token = Inside(line, {"params", "progressToken"}))
    for (auto& [id, exchange] : exchanges_)
      if (exchange.info.progress_token == *token) return &exchange;
  if (const auto id = Inside(line, {"params", "_meta", "io.modelcontextprotocol/subscriptionId"}))
    if (const auto found = exchanges_.find(*id); found != exchanges_.end()) return &found->second;
  if (std::ranges::count_if(exchanges_, open) == 1)
    return &std::ranges::find_if(exchanges_, open)->second;
  if (listener_ != 0 || exchanges_.empty()) return nullptr;
  // One whose stream broke is told when it is resumed.
  Exchange& only = exchanges_.begin()->second;
  if (exchanges_.size() == 1 && only.is_stream && !name_.empty()) return &only;
  const auto newest = std::ranges::max_element(exchanges_, {}, [](const auto& one) {
    return std::pair(one.second.connection != 0, one.second.stream);
  });
  return newest->second.connection != 0 ? &newest->second : nullptr;
}

void HttpSession::SendAside(std::string_view line) {
  if (listener_ != 0) return SendOnListener(line);
  const bool fits = unheard_.size() < kMostUnheard &&
                    unheard_bytes_ + line.size() <= kMostUnheardBytes && !name_.empty();
  if (fits) {
    unheard_bytes_ += line.size();
    unheard_.emplace_back(line);
    return;
  }
  const Head& head = scanner_.GetHead();
  if (head.id)
    to_server_ += ErrorReply(head.id, kInternalError, "ask the client: it does not listen");
}

void HttpSession::SendOnListener(std::string_view line) {
  const EventId id = {0, ++listener_events_};
  const std::string event = Event(Numbered(id), line);
  Keep(id, event);
  outlet_.Send(listener_, Chunk(event));
}

std::string HttpSession::Numbered(const EventId& id) const {
  return name_.empty() ? "" : ToString(id);
}

void HttpSession::Keep(const EventId& id, std::string_view event) {
  if (name_.empty() || event.size() > kMostKeptBytes) return;
  kept_.push_back({id, std::string(event)});
  kept_bytes_ += event.size();
  while (kept_.size() > kMostKept || kept_bytes_ > kMostKeptBytes) {
    kept_bytes_ -= kept_.front().text.size();
    kept_.pop_front();
  }
}

void HttpSession::BeginStream(Exchange& exchange) {
  exchange.is_stream = true;
  outlet_.Send(exchange.connection, StreamHead(kEvents, StreamFields()));
}

void HttpSession::SendEvent(Exchange& exchange, std::string_view line) {
  if (!exchange.is_stream) BeginStream(exchange);
  const EventId id = {exchange.stream, ++exchange.events};
  const std::string event = Event(Numbered(id), line);
  Keep(id, event);
  outlet_.Send(exchange.connection, Chunk(event));
}

void HttpSession::ServerGone(std::string_view why) {
  auto exchanges = std::move(exchanges_);
  exchanges_.clear();
  for (auto& [id, exchange] : exchanges) {
    if (passing_ == id && flow_ == Flow::kPassing)
      outlet_.Break(exchange.connection);
    else
      FailExchange(exchange, why);
  }
  if (listener_ == 0) return;
  outlet_.Send(listener_, kLastChunk);
  outlet_.Done(listener_);
  listener_ = 0;
}

void HttpSession::Tick(HttpClock::time_point now) {
  for (auto& [id, exchange] : exchanges_) {
    const bool is_passing = flow_ == Flow::kPassing && passing_ == id;
    if (exchange.connection == 0 || is_passing || now - exchange.last < kQuiet) continue;
    exchange.last = now;
    const bool begins = !exchange.is_stream;
    // What initialize is answered with decides whether there is a session: not yet.
    if (exchange.info.method == "initialize") continue;
    if (begins) BeginStream(exchange);
    const bool primes = begins && exchange.info.can_resume && !name_.empty();
    outlet_.Send(exchange.connection,
                 Chunk(primes ? Event(Numbered({exchange.stream, 0}), "") : ":\n\n"));
  }
  if (listener_ == 0 || now - listener_last_ < kQuiet) return;
  listener_last_ = now;
  outlet_.Send(listener_, Chunk(":\n\n"));
}

}  // namespace bailey::mcp
