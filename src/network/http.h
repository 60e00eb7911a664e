// Requests of HTTP/1 as they pass: each must name the host that the connection is for.
//
//   HttpRequests requests(host);
//   const auto step = requests.Look(bytes);        // those that were not let go yet, from the
//   first if (step.refused) ...                          // why Forward(bytes.first(step.pass)); //
//   the rest is shown again, with more behind it
//
// Whatever two servers could read in two ways is refused: both Content-Length and
// Transfer-Encoding, two Hosts, folded lines, a bare CR, blanks before a colon. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "egress/host.h"

namespace bailey::network {

using ByteView = std::span<const std::uint8_t>;

enum class FirstBytes : std::uint8_t { kUnknownYet, kTls, kHttp, kOther };
// What a connection speaks, by what the client says first.
FirstBytes Classify(ByteView bytes);

struct HttpHeader {
  std::string_view name, value;  // views into the head
};
struct HttpRequest {
  std::string_view method, target, version;
  std::vector<HttpHeader> headers;
  std::size_t size = 0;  // bytes of the whole head
};
inline constexpr std::size_t kMostHeadBytes = 65536;

struct HttpHead {
  std::optional<HttpRequest> request;
  std::string refused;  // why it is none; empty, and no request: incomplete
};
HttpHead ReadHttpHead(ByteView bytes);

// "example.org:8080" in its parts; nullopt when the host is no name and no address, or the port no
// number.
struct Authority {
  std::optional<egress::Host> host;  // none: an address
  std::string text;                  // canonical host or address
  std::uint16_t port = 0;            // 0: none is said
};
std::optional<Authority> ReadAuthority(std::string_view text);

// How the body behind a head ends.
struct HttpBody {
  bool chunked = false;
  std::uint64_t length = 0;
};
// An error's text where it is said in two ways.
std::optional<HttpBody> BodyOf(const HttpRequest& request);

class HttpRequests {
 public:
  explicit HttpRequests(egress::Host host) : host_(std::move(host)) {}

  // The rest of one request whose head was seen.
  static HttpRequests ForBody(const HttpBody& body);

  struct Step {
    std::size_t pass = 0;
    std::string refused;  // empty: goes on
    bool opaque = false;  // from here on it is no HTTP
    bool waits = false;   // for the answer to a request to change the protocol
  };
  Step Look(ByteView bytes);
  bool IsBetweenRequests() const { return state_ == State::kHead; }
  // The first line of the answer to such a request.
  void Answered(bool switched) {
    if (switched) state_ = State::kOpaque;
    waits_ = false;
  }

 private:
  HttpRequests() = default;
  enum class State : std::uint8_t { kHead, kBody, kChunkSize, kChunkEnd, kTrailers, kOpaque };
  std::string Check(const HttpRequest& request);
  bool LookAtLine(ByteView bytes, Step& step);

  std::optional<egress::Host> host_;
  std::size_t seen_ = 0;  // requests
  State state_ = State::kHead;
  std::uint64_t left_ = 0;  // of a body or a chunk
  bool chunked_ = false;
  bool waits_ = false;
};

}  // namespace bailey::network
