// What programs say to the explicit proxy: HTTP CONNECT, HTTP with a whole URL, SOCKS5 (RFC 1928).
// Pure: bytes in, what is asked and the bytes to answer with out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "egress/host.h"
#include "network/http.h"

namespace bailey::network {

struct ProxyRequest {
  enum class Kind : std::uint8_t {
    kIncomplete,
    kGreeting,  // SOCKS5: `reply` is to be sent, and the request follows
    kTunnel,    // to host or address, and port; what follows is the client's
    kForward,   // one request, to be sent on as `head`
    kRefused,   // `reply`, then the end
  };
  Kind kind = Kind::kIncomplete;
  bool socks = false;
  std::optional<egress::Host> host;  // else `address`
  std::optional<base::Address> address;
  std::uint16_t port = 0;
  std::size_t size = 0;  // bytes that it takes
  std::vector<std::uint8_t> reply;
  std::vector<std::uint8_t> head;  // of kForward: in the form that servers expect
  HttpBody body;                   // of kForward
  std::string why;                 // of kRefused
};

// `greeted`: the first exchange of SOCKS5 is done.
ProxyRequest ReadProxyRequest(ByteView bytes, bool greeted);

enum class ProxyOutcome : std::uint8_t { kConnected, kRefused, kUnreachable };
// What a client of that kind is told; nothing for a forwarded request that is connected.
std::vector<std::uint8_t> ProxyReply(const ProxyRequest& request, ProxyOutcome outcome);

// What a file says to log in with: "user:password" in one line, without control characters
// (RFC 7617, 2); nullopt where it says something else.
std::optional<std::string> ReadLogin(std::string_view text);
// The request to another proxy on the way out, and whether its answer, once whole, says yes.
// `login`: such a line, for the Basic scheme; or empty.
std::vector<std::uint8_t> TunnelRequest(const std::string& host, std::uint16_t port,
                                        std::string_view login);
struct TunnelAnswer {
  // kUnknown: it wants a login, or another one.
  enum class Kind : std::uint8_t { kIncomplete, kOpen, kUnknown, kRefused };
  Kind kind = Kind::kIncomplete;
  std::size_t size = 0;
};
TunnelAnswer ReadTunnelAnswer(ByteView bytes);

}  // namespace bailey::network
