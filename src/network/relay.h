// Two connected sockets between which bytes pass, each way at the pace of whoever reads. What the
// program sends is looked at first where the connection is for a name: TLS by the name in its
// ClientHello, HTTP/1 by the Host of every request. What the other side sends is never held, so
// that protocols in which the server speaks first do not hang.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "egress/host.h"
#include "network/http.h"
#include "os/poller.h"

namespace bailey::network {

class Relay {
 public:
  struct Options {
    std::optional<egress::Host> host;  // what it must be for; none: nothing is looked at
    // How many bytes the program may still send there, with whoever else sends there; null: no
    // limit.
    std::shared_ptr<std::uint64_t> left;
    std::vector<std::uint8_t> to_client, to_upstream;  // said first
    bool tunnel = false;  // the other side is a proxy, and answers `to_upstream` first
    std::optional<HttpBody> only_body;  // of one request; then the program has said enough
    std::vector<std::uint8_t> read;     // of the program, already
  };
  Relay(base::UniqueFd client, base::UniqueFd upstream, Options options);

  enum class Side : std::uint8_t { kClient, kUpstream };
  // The socket can be read or written again, or its other side has said all.
  void Wake(Side side, const os::Ready& ready);

  enum class State : std::uint8_t { kWaits, kHasMore, kEnded };
  // Passes on what it can; after a fair share it has more. `scratch` bounds what one read takes,
  // and so what waits here for a reader.
  State Pump(std::span<std::uint8_t> scratch);

  // Whether something waits until it can be written there.
  bool IsFull(Side side) const { return !ends_[static_cast<std::size_t>(side)].writable; }
  int Descriptor(Side side) const { return ends_[static_cast<std::size_t>(side)].fd.Get(); }
  std::uint64_t Up() const { return up_.passed; }
  std::uint64_t Down() const { return down_.passed; }
  // Why it was cut off; empty where both sides had ended. What else was seen, as a name.
  const std::string& Why() const { return why_; }
  // Both sides will see a reset.
  void Break(std::string why);

 private:
  struct End {
    base::UniqueFd fd;
    bool readable = false, writable = false;
    bool ended = false;  // what can be read is the last
  };
  struct Line {
    std::vector<std::uint8_t> waiting;  // to be written
    std::size_t written = 0;            // of them
    bool ended = false, finished = false;
    std::uint64_t passed = 0;
  };
  enum class Looks : std::uint8_t { kNot, kFirst, kTls, kHttp };

  bool Step(Line& line, End& from, End& to, std::span<std::uint8_t> scratch);
  bool Flush(Line& line, End& to);
  bool Deliver(Line& line, End& to, std::span<const std::uint8_t> bytes);
  // Whether an end of what is said to `to` is known to follow.
  bool EndFollows(const Line& line) const;
  // Takes that many bytes of what may be sent.
  bool Charge(std::size_t size);
  bool TakeUp(std::span<const std::uint8_t> bytes);
  bool TakeDown(std::span<const std::uint8_t> bytes);
  // How much of what is held may go; 0 with why_ where none may.
  std::size_t Look();
  std::size_t LookAtFirst();
  std::size_t LookAtTls();
  std::size_t LookAtHttp();

  End ends_[2];
  Line up_, down_;
  std::optional<egress::Host> host_;
  std::shared_ptr<std::uint64_t> left_;
  bool over_ = false;  // more was sent than was left
  Looks looks_ = Looks::kNot;
  std::optional<HttpRequests> requests_;
  std::vector<std::uint8_t> held_;    // of the program, not let go yet
  std::vector<std::uint8_t> answer_;  // of the other side, where its first line matters
  bool tunnel_ = false, waits_for_answer_ = false, one_request_ = false;
  std::string why_;
};

}  // namespace bailey::network
