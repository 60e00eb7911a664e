// What the two halves of the gateway say to each other, in messages of one size. The decider holds
// the policy, makes every connection to the outside and parses nothing of the program's; the worker
// holds connected sockets, parses, and can make none.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/unique_fd.h"
#include "egress/host.h"
#include "egress/rule.h"
#include "os/errno.h"

namespace bailey::network {

enum class WireKind : std::uint8_t {
  // To the worker.
  kRelay,        // with two descriptors: the program's connection and the one outside
  kAnswer,       // to kQuestion
  kProxyAnswer,  // to kProxyQuestion; with the connection outside where it says yes
  kFlowAnswer,   // to kFlowQuestion; the same
  kPauseProxy,   // accept no more of the proxy's connections, or (verdict 1) again
  kOver,         // the program is gone: flows have no end of their own
  // To the decider.
  kQuestion,       // of the name service
  kProxyQuestion,  // where a client of the proxy wants to go
  kFlowQuestion,   // the first datagram from one place to another
  kEnded,          // a connection or a flow; how much went through, and why it ended
  kSaw,            // something refused by the worker itself; `what` 1: for want of room
};

// Why a connection or a flow ends whose descriptors could not be handed over.
inline constexpr std::string_view kNoDescriptors = "there was no descriptor left for it";

struct WireAddress {
  std::uint8_t size = 0;  // 0: none
  std::array<std::uint8_t, 16> bytes{};

  WireAddress() = default;
  explicit WireAddress(const base::Address& address);
  std::optional<base::Address> Get() const;
};

struct Wire {
  WireKind kind = WireKind::kEnded;
  std::uint8_t what = 0;     // a kind of question, an outcome
  std::uint8_t verdict = 0;  // of an answer
  std::uint8_t checked = 0;  // the connection is for `host` and no other
  std::uint16_t port = 0, from_port = 0;
  std::uint8_t protocol = 0, through_proxy = 0;
  std::uint16_t text_size = 0;
  std::uint64_t id = 0;
  std::uint64_t up = 0, down = 0;
  WireAddress address, address6;
  WireAddress from;
  std::array<char, 256> text{};  // a host, or why something ended

  std::string_view Text() const { return {text.data(), std::min<std::size_t>(text_size, 256)}; }
  // Cut to what fits.
  void SetText(std::string_view value);
  std::span<const std::uint8_t> Bytes() const {
    return {reinterpret_cast<const std::uint8_t*>(this), sizeof(*this)};
  }
};

struct WireIn {
  Wire message;
  std::vector<base::UniqueFd> descriptors;
};

// One end. What cannot be sent yet waits here in order.
class Channel {
 public:
  explicit Channel(base::UniqueFd socket) : socket_(std::move(socket)) {}
  int Descriptor() const { return socket_.Get(); }
  void Send(const Wire& message, std::vector<base::UniqueFd> descriptors = {});
  // Sends what it can; an error is the other end gone.
  os::SysStatus Flush();
  bool IsWaiting() const { return !waiting_.empty(); }
  std::size_t Waiting() const { return waiting_.size(); }
  // nullopt: none now. EPIPE: the other end is gone. A message that should have descriptors and has
  // none came when this process could have no more.
  os::SysResult<std::optional<WireIn>> Receive();

 private:
  base::UniqueFd socket_;
  std::deque<WireIn> waiting_;
};

}  // namespace bailey::network
