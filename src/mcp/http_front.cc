#include "mcp/http_front.h"

#include <fmt/format.h>

#include <algorithm>

#include "mcp/replies.h"
#include "mcp/versions.h"

namespace bailey::mcp {
namespace {

HttpFault Fault(int status, std::string text, std::string fields = "") {
  return {status, std::move(text), std::move(fields), kInvalidRequest};
}

}  // namespace

// Connections.

ConnectionId HttpFront::LongestIdle() const {
  ConnectionId longest = 0;
  HttpClock::time_point since;
  for (const auto& [id, connection] : connections_) {
    if (connection.state != State::kReading || connection.reader.IsInside() ||
        !connection.out.empty())
      continue;
    if (longest != 0 && connection.since >= since) continue;
    longest = id;
    since = connection.since;
  }
  return longest;
}

bool HttpFront::HasRoom() const {
  return connections_.size() < limits_.connections || LongestIdle() != 0;
}

void HttpFront::Opened(ConnectionId id, HttpClock::time_point now) {
  if (connections_.size() >= limits_.connections)
    if (const ConnectionId idle = LongestIdle(); idle != 0)
      connections_.at(idle).state = State::kEnding;
  auto& connection = connections_.try_emplace(id, limits_.request).first->second;
  connection.since = connection.progress = now;
}

void HttpFront::FromClient(ConnectionId id, std::string_view bytes, HttpClock::time_point now) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  if (connection.state == State::kEnding || connection.state == State::kBroken) return;
  if (!connection.reader.IsInside()) connection.since = now;
  connection.reader.Take(bytes);
  if (connection.state == State::kReading) Proceed(id, connection, now);
  Settle(now);
}

void HttpFront::ClientGone(ConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  const ServerNumber server = found->second.server;
  connections_.erase(found);
  if (const auto of = servers_.find(server); of != servers_.end())
    of->second.session.ConnectionGone(id);
}

const std::string& HttpFront::ToClient(ConnectionId id) const {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nothing_ : found->second.out;
}

void HttpFront::Wrote(ConnectionId id, std::size_t size, HttpClock::time_point now) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  found->second.out.erase(0, size);
  found->second.progress = now;
}

bool HttpFront::IsOver(ConnectionId id) const {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return true;
  const Connection& connection = found->second;
  return connection.state == State::kBroken ||
         (connection.state == State::kEnding && connection.out.empty());
}

void HttpFront::Send(ConnectionId id, std::string_view bytes) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  if (found->second.out.empty()) found->second.progress = HttpClock::now();
  found->second.out += bytes;
}

void HttpFront::Done(ConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  found->second.server = 0;
  if (found->second.state == State::kAnswering) done_.push_back(id);
}

void HttpFront::Break(ConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  found->second.state = State::kBroken;
  found->second.server = 0;
}

// What was sent ahead is read when its turn has come; not from within, which a client could make
// as deep as it likes.
void HttpFront::Settle(HttpClock::time_point now) {
  while (!done_.empty()) {
    const ConnectionId id = done_.back();
    done_.pop_back();
    const auto found = connections_.find(id);
    if (found == connections_.end() || found->second.state != State::kAnswering) continue;
    Connection& connection = found->second;
    connection.state = connection.keep ? State::kReading : State::kEnding;
    if (!connection.keep) continue;
    connection.admitted = false;
    connection.since = now;
    connection.reader.Next();
    Proceed(id, connection, now);
  }
  EndRefused();
}

void HttpFront::Proceed(ConnectionId id, Connection& connection, HttpClock::time_point now) {
  if (connection.reader.Fault()) return Fail(id, *connection.reader.Fault());
  const HttpHead* const head = connection.reader.Head();
  if (!head) return;
  if (!connection.admitted) {
    if (auto fault = Refuse(*head, rules_)) return Fail(id, *std::move(fault));
    connection.admitted = connection.known = true;
    if (head->expects_continue) connection.out += "HTTP/1.1 100 Continue\r\n\r\n";
    connection.reader.WantBody();
    if (connection.reader.Fault()) return Fail(id, *connection.reader.Fault());
  }
  if (!connection.reader.IsWhole()) return;
  connection.keep = head->keep_alive;
  connection.state = State::kAnswering;
  Handle(id, connection, now);
}

void HttpFront::Fail(ConnectionId id, HttpFault fault) {
  Connection& connection = connections_.at(id);
  connection.out += FaultReply(fault);
  connection.state = State::kEnding;
  connection.server = 0;
}

void HttpFront::Reply(ConnectionId id, int status, std::string_view fields) {
  connections_.at(id).out += WholeReply(status, "", "", fields);
  Done(id);
}

// Requests.

void HttpFront::Handle(ConnectionId id, Connection& connection, HttpClock::time_point now) {
  const std::string& method = connection.reader.Head()->method;
  if (method == "POST") return Post(id, connection, now);
  if (connection.reader.Head()->version == kStatelessVersion)
    return Fail(
        id, Fault(405, "read request: there is only POST without a session", "Allow: POST\r\n"));
  if (method == "GET") return Get(id, connection, now);
  Delete(id, connection);
}

std::map<ServerNumber, HttpFront::Server>::iterator HttpFront::FindSession(const HttpHead& head) {
  return std::ranges::find_if(servers_, [&](const auto& one) {
    return one.second.session.IsEstablished() && one.second.session.Name() == *head.session;
  });
}

void HttpFront::Post(ConnectionId id, Connection& connection, HttpClock::time_point now) {
  const HttpHead& head = *connection.reader.Head();
  auto message = ReadMessage(head, std::move(connection.reader.Body()));
  if (!message) return Fail(id, message.error());
  Server* server = nullptr;
  if (message->is_stateless) {
    server = Shared(*message, now);
  } else if (head.session) {
    const auto found = FindSession(head);
    if (found == servers_.end())
      return Fail(id, Fault(404, "read request: there is no such session"));
    server = &found->second;
  } else if (message->method == "initialize" && message->kind == MessageKind::kRequest) {
    server = Start(true, now);
  } else {
    return Fail(id, Fault(400, "read request: Mcp-Session-Id is missing"));
  }
  if (!server)
    return Fail(id, Fault(503, "start server: there are too many", "Retry-After: 10\r\n"));
  Deliver(id, connection, *server, *std::move(message), now);
}

void HttpFront::Deliver(ConnectionId id, Connection& connection, Server& server,
                        HttpMessage message, HttpClock::time_point now) {
  server.used = now;
  if (server.session.ToServer().size() > limits_.undelivered)
    return Fail(id,
                Fault(503, "pass on the request: the server does not read", "Retry-After: 10\r\n"));
  if (message.kind != MessageKind::kRequest) {
    server.session.Notify(message.line);
    return Reply(id, 202, "");
  }
  if (server.session.Unanswered() >= limits_.unanswered)
    return Fail(id, Fault(503, "pass on the request: too many wait for their answers already",
                          "Retry-After: 10\r\n"));
  connection.server = std::ranges::find_if(servers_, [&](const auto& one) {
                        return &one.second == &server;
                      })->first;
  if (!server.session.Request(id, std::move(message.info), message.line, now))
    return Fail(id, Fault(400, "read request: its id is in use"));
}

void HttpFront::Get(ConnectionId id, Connection& connection, HttpClock::time_point now) {
  const HttpHead& head = *connection.reader.Head();
  if (!head.session) return Fail(id, Fault(400, "read request: Mcp-Session-Id is missing"));
  const auto found = FindSession(head);
  if (found == servers_.end())
    return Fail(id, Fault(404, "read request: there is no such session"));
  std::optional<EventId> last;
  if (head.last_event) {
    last.emplace();
    if (!ParseEventId(*head.last_event, *last))
      return Fail(id, Fault(400, "read request: its Last-Event-ID is none of this server's"));
  }
  connection.server = found->first;
  found->second.used = now;
  if (!found->second.session.Listen(id, last, now))
    return Fail(id, Fault(409, "listen: this stream has a listener already"));
}

void HttpFront::Delete(ConnectionId id, Connection& connection) {
  const HttpHead& head = *connection.reader.Head();
  if (!head.session) return Fail(id, Fault(400, "read request: Mcp-Session-Id is missing"));
  const auto found = FindSession(head);
  if (found == servers_.end())
    return Fail(id, Fault(404, "read request: there is no such session"));
  End(found, "its session was ended");
  Reply(id, 204, "");
}

// Servers.

HttpFront::Server* HttpFront::Start(bool with_session, HttpClock::time_point now) {
  const auto is_of_kind = [&](const auto& one) {
    return one.second.session.Name().empty() != with_session;
  };
  const std::size_t most = with_session ? limits_.sessions : limits_.shared;
  const auto count = static_cast<std::size_t>(std::ranges::count_if(servers_, is_of_kind));
  if (count >= most && !(with_session && MakeRoom())) return nullptr;
  const ServerNumber number = ++last_server_;
  wanted_.push_back(number);
  return &servers_
              .emplace(number, Server{HttpSession(*this, with_session ? make_name_() : ""), now})
              .first->second;
}

HttpFront::Server* HttpFront::Shared(const HttpMessage& message, HttpClock::time_point now) {
  for (auto& [number, server] : servers_) {
    if (!server.session.Name().empty()) continue;
    if (message.kind != MessageKind::kRequest || !server.session.IsInUse(message.info.id))
      return &server;
  }
  return Start(false, now);
}

bool HttpFront::MakeRoom() {
  auto oldest = servers_.end();
  for (auto one = servers_.begin(); one != servers_.end(); ++one) {
    const Server& server = one->second;
    if (server.session.Name().empty() || server.session.HasConnections()) continue;
    if (oldest == servers_.end() || server.used < oldest->second.used) oldest = one;
  }
  if (oldest == servers_.end()) return false;
  End(oldest, "its session made room for another");
  return true;
}

void HttpFront::End(std::map<ServerNumber, Server>::iterator server, std::string_view why) {
  server->second.session.ServerGone(why);
  unwanted_.push_back(server->first);
  servers_.erase(server);
}

void HttpFront::EndRefused() {
  for (auto one = servers_.begin(); one != servers_.end();) {
    const auto current = one++;
    if (current->second.session.IsRefused()) End(current, "there is no session");
  }
}

void HttpFront::FromServer(ServerNumber number, std::string_view bytes) {
  const auto found = servers_.find(number);
  if (found == servers_.end()) return;
  found->second.session.FromServer(bytes);
  Settle(HttpClock::now());
}

std::string& HttpFront::ToServer(ServerNumber number) {
  const auto found = servers_.find(number);
  return found == servers_.end() ? nothing_ : found->second.session.ToServer();
}

bool HttpFront::ReadsServer(ServerNumber number) const {
  const auto found = servers_.find(number);
  if (found == servers_.end()) return false;
  return std::ranges::none_of(found->second.session.Connections(), [&](ConnectionId id) {
    return ToClient(id).size() > limits_.waiting;
  });
}

void HttpFront::ServerGone(ServerNumber number, std::string_view why) {
  const auto found = servers_.find(number);
  if (found == servers_.end()) return;
  found->second.session.ServerGone(why);
  servers_.erase(found);
  Settle(HttpClock::now());
}

void HttpFront::Tick(HttpClock::time_point now) {
  for (auto& [id, connection] : connections_) {
    const auto waited = now - connection.since;
    if (!connection.out.empty() && now - connection.progress > limits_.stuck) {
      connection.state = State::kBroken;
      continue;
    }
    if (connection.state != State::kReading) continue;
    const bool inside = connection.reader.IsInside();
    if (!inside && waited > (connection.known ? limits_.idle : limits_.head))
      connection.state = State::kEnding;
    if (inside && waited > (connection.admitted ? limits_.request_time : limits_.head))
      Fail(id, Fault(408, "read request: it did not come in time"));
  }
  for (auto one = servers_.begin(); one != servers_.end();) {
    const auto current = one++;
    Server& server = current->second;
    server.session.Tick(now);
    if (server.session.HasConnections()) server.used = now;
    if (now - server.used > limits_.session) End(current, "nobody used its session");
  }
  Settle(now);
}

}  // namespace bailey::mcp
