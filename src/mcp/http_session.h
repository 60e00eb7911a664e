// One server behind HTTP, and who waits for what it says: requests that came in by POST, each with
// a connection until it is answered, and a stream of its own for what belongs to none.
//
// Its first message decides how a request is answered: an answer as one JSON text, whatever comes
// before it as a stream of events, and so what takes long. An answer is passed on as it comes.
// Events are kept for a while, so that a client whose connection broke can go on where it was.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/http_reply.h"
#include "mcp/scanner.h"

namespace bailey::mcp {

using HttpClock = std::chrono::steady_clock;
using ConnectionId = std::uint64_t;  // 0: none

// Where answers go.
class HttpOutlet {
 public:
  virtual void Send(ConnectionId connection, std::string_view bytes) = 0;
  // The answer is whole.
  virtual void Done(ConnectionId connection) = 0;
  // The answer stays a piece: the connection is closed.
  virtual void Break(ConnectionId connection) = 0;

 protected:
  ~HttpOutlet() = default;
};

struct HttpRequestInfo {
  Id id;
  std::string method;
  std::optional<Id> progress_token;
  bool can_resume = false;  // its client knows what an event without a message is
};

class HttpSession {
 public:
  // `name`: what its client calls it by; empty: it is shared by requests that need no session.
  HttpSession(HttpOutlet& outlet, std::string name) : outlet_(outlet), name_(std::move(name)) {}

  // One message, checked and in one line. False where that id is in use.
  bool Request(ConnectionId connection, HttpRequestInfo info, std::string_view line,
               HttpClock::time_point now);
  void Notify(std::string_view line);
  // A stream of events, from after `last` where that is said. False where somebody has it.
  bool Listen(ConnectionId connection, const std::optional<EventId>& last,
              HttpClock::time_point now);
  void ConnectionGone(ConnectionId connection);

  void FromServer(std::string_view bytes);
  std::string& ToServer() { return to_server_; }
  // Everybody who waits hears of it.
  void ServerGone(std::string_view why);
  // Begins streams for who waits long, and keeps quiet ones alive.
  void Tick(HttpClock::time_point now);

  const std::string& Name() const { return name_; }
  // The server has agreed to a session: what its client may use its name for.
  bool IsEstablished() const { return established_; }
  // It never will.
  bool IsRefused() const { return refused_; }
  bool IsInUse(const Id& id) const { return exchanges_.contains(id); }
  std::size_t Unanswered() const { return exchanges_.size(); }
  bool HasConnections() const;
  std::vector<ConnectionId> Connections() const;

 private:
  // What was asked, until it is answered.
  struct Exchange {
    ConnectionId connection = 0;
    std::uint64_t stream = 0;
    HttpRequestInfo info;
    HttpClock::time_point last;
    std::uint64_t events = 0;
    bool is_stream = false;
  };
  struct Kept {
    EventId id;
    std::string text;
  };
  enum class Flow : std::uint8_t { kDeciding, kPassing, kHolding, kDropping };

  void TakeChunk(std::string_view chunk, bool at_end);
  void Decide();
  void Pass(std::string_view chunk);
  void EndPassing();
  void Whole();
  void Answer(Exchange& exchange, std::string_view line);
  void FailExchange(Exchange& exchange, std::string_view why);
  void Forget(const Id& id);
  Exchange* HeardBy(std::string_view line);
  void SendAside(std::string_view line);
  void SendOnListener(std::string_view line);
  void BeginStream(Exchange& exchange);
  void SendEvent(Exchange& exchange, std::string_view line);
  std::string Numbered(const EventId& id) const;
  void Keep(const EventId& id, std::string_view event);
  std::string StreamFields() const { return SessionField(name_); }

  HttpOutlet& outlet_;
  std::string name_;
  bool established_ = false, refused_ = false;
  std::string to_server_;
  std::map<Id, Exchange> exchanges_;
  std::uint64_t streams_ = 0;

  ConnectionId listener_ = 0;
  std::uint64_t listener_events_ = 0;
  HttpClock::time_point listener_last_{};
  std::deque<std::string> unheard_;
  std::size_t unheard_bytes_ = 0;
  std::deque<Kept> kept_;
  std::size_t kept_bytes_ = 0;

  Scanner scanner_;
  std::string line_;
  Flow flow_ = Flow::kDeciding;
  std::optional<Id> passing_;  // whose answer is passed on
};

}  // namespace bailey::mcp
