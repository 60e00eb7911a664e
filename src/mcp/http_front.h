// A server of Streamable HTTP without its sockets and processes: connections in, messages of
// servers out. Whoever does the input and output moves the bytes, and tells the time.
//
//   HttpFront front(rules, limits, make_name);
//   front.Opened(connection, now);  front.FromClient(connection, bytes, now);
//   Write(front.ToClient(connection));  front.Wrote(connection, size, now);
//   for (auto server : front.TakeWanted()) Start(server);
//   front.FromServer(server, bytes);  Write(front.ToServer(server));
//
// With sessions (2025-06-18, 2025-11-25) each has a server of its own; without (2026-07-28) one
// server is shared, and another is started where two clients use the same id at the same time.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mcp/http_admission.h"
#include "mcp/http_message.h"
#include "mcp/http_reader.h"
#include "mcp/http_session.h"

namespace bailey::mcp {

using ServerNumber = std::uint64_t;

struct HttpFrontLimits {
  HttpLimits request;
  std::size_t connections = 128;
  std::size_t sessions = 16;
  std::size_t shared = 4;              // servers of those without a session
  std::size_t unanswered = 64;         // requests of one session
  std::size_t waiting = 256u << 10;    // bytes for one client, above which its server waits
  std::size_t undelivered = 8u << 20;  // bytes for a server that does not read
  std::chrono::seconds head{10};       // for a head to come, from its first byte
  std::chrono::seconds request_time{60};
  std::chrono::seconds idle{120};  // a connection without a request
  std::chrono::seconds stuck{60};  // a client that does not read
  std::chrono::seconds session{3600};
};

class HttpFront : private HttpOutlet {
 public:
  // `make_name`: of a session; nobody can guess it.
  HttpFront(HttpRules rules, const HttpFrontLimits& limits, std::function<std::string()> make_name)
      : rules_(std::move(rules)), limits_(limits), make_name_(std::move(make_name)) {}

  // For one more connection: an idle one makes room for it.
  bool HasRoom() const;
  void Opened(ConnectionId connection, HttpClock::time_point now);
  void FromClient(ConnectionId connection, std::string_view bytes, HttpClock::time_point now);
  void ClientGone(ConnectionId connection);
  const std::string& ToClient(ConnectionId connection) const;
  void Wrote(ConnectionId connection, std::size_t size, HttpClock::time_point now);
  // Everything was said to it; or it is to be broken off.
  bool IsOver(ConnectionId connection) const;

  // Servers to start, and those that nobody needs any more.
  std::vector<ServerNumber> TakeWanted() { return std::exchange(wanted_, {}); }
  std::vector<ServerNumber> TakeUnwanted() { return std::exchange(unwanted_, {}); }
  void FromServer(ServerNumber server, std::string_view bytes);
  std::string& ToServer(ServerNumber server);
  // False where a client has enough to read.
  bool ReadsServer(ServerNumber server) const;
  void ServerGone(ServerNumber server, std::string_view why);

  void Tick(HttpClock::time_point now);
  bool HasServer(ServerNumber server) const { return servers_.contains(server); }

 private:
  enum class State : std::uint8_t { kReading, kAnswering, kEnding, kBroken };
  struct Connection {
    explicit Connection(const HttpLimits& limits) : reader(limits) {}
    HttpReader reader;
    std::string out;
    State state = State::kReading;
    bool admitted = false, keep = true;
    bool known = false;              // a request of it was admitted once
    HttpClock::time_point since;     // a request began, or the last one ended
    HttpClock::time_point progress;  // it last read
    ServerNumber server = 0;
  };
  struct Server {
    HttpSession session;
    HttpClock::time_point used;
  };

  void Send(ConnectionId connection, std::string_view bytes) override;
  void Done(ConnectionId connection) override;
  void Break(ConnectionId connection) override;

  // The one that has waited longest for a request; 0 where none does.
  ConnectionId LongestIdle() const;
  void Settle(HttpClock::time_point now);
  void Proceed(ConnectionId id, Connection& connection, HttpClock::time_point now);
  void Handle(ConnectionId id, Connection& connection, HttpClock::time_point now);
  void Post(ConnectionId id, Connection& connection, HttpClock::time_point now);
  void Get(ConnectionId id, Connection& connection, HttpClock::time_point now);
  void Delete(ConnectionId id, Connection& connection);
  void Deliver(ConnectionId id, Connection& connection, Server& server, HttpMessage message,
               HttpClock::time_point now);
  void Fail(ConnectionId id, HttpFault fault);
  void Reply(ConnectionId id, int status, std::string_view fields);
  std::map<ServerNumber, Server>::iterator FindSession(const HttpHead& head);
  // Null where there is no room.
  Server* Start(bool with_session, HttpClock::time_point now);
  Server* Shared(const HttpMessage& message, HttpClock::time_point now);
  // The session that nobody has used for longest makes room; not one that somebody listens to.
  bool MakeRoom();
  void End(std::map<ServerNumber, Server>::iterator server, std::string_view why);
  void EndRefused();

  HttpRules rules_;
  HttpFrontLimits limits_;
  std::function<std::string()> make_name_;
  std::map<ConnectionId, Connection> connections_;
  std::map<ServerNumber, Server> servers_;
  ServerNumber last_server_ = 0;
  std::vector<ServerNumber> wanted_, unwanted_;
  std::vector<ConnectionId> done_;
  std::string nothing_;
};

}  // namespace bailey::mcp
