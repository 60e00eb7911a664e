#include "network/proxy.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "base/text.h"

namespace bailey::network {
namespace {

using Kind = ProxyRequest::Kind;

constexpr std::uint8_t kSocks5 = 5;
// RFC 1928, 6: what a reply can say.
constexpr std::uint8_t kSucceeded = 0, kNotAllowed = 2, kHostUnreachable = 4, kNoSuchCommand = 7,
                       kNoSuchAddressType = 8;

std::vector<std::uint8_t> Bytes(std::string_view text) { return {text.begin(), text.end()}; }

std::vector<std::uint8_t> SocksReply(std::uint8_t code) {
  return {kSocks5, code, 0, 1, 0, 0, 0, 0, 0, 0};
}

ProxyRequest Refuse(std::vector<std::uint8_t> reply, std::string why, bool socks) {
  ProxyRequest request;
  request.kind = Kind::kRefused;
  request.socks = socks;
  request.reply = std::move(reply);
  request.why = std::move(why);
  return request;
}

ProxyRequest RefuseHttp(std::string_view status, std::string why) {
  return Refuse(
      Bytes(fmt::format("HTTP/1.1 {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status)),
      std::move(why), false);
}

ProxyRequest ReadGreeting(ByteView bytes) {
  ProxyRequest request;
  request.socks = true;
  if (bytes.size() < 2 || bytes.size() < 2u + bytes[1]) return request;
  const auto methods = bytes.subspan(2, bytes[1]);
  if (std::ranges::count(methods, 0) == 0)
    return Refuse({kSocks5, 0xff}, "it wants a password asked for", true);
  request.kind = Kind::kGreeting;
  request.size = 2u + bytes[1];
  request.reply = {kSocks5, 0};
  return request;
}

ProxyRequest ReadSocks(ByteView bytes) {
  constexpr std::uint8_t kConnect = 1, kV4 = 1, kName = 3, kV6 = 4;
  ProxyRequest request;
  request.socks = true;
  if (bytes.size() < 5) return request;
  if (bytes[0] != kSocks5 || bytes[2] != 0)
    return Refuse(SocksReply(1), "its request is malformed", true);
  if (bytes[1] != kConnect)
    return Refuse(SocksReply(kNoSuchCommand), "it asks for more than a connection", true);
  const std::uint8_t type = bytes[3];
  if (type != kV4 && type != kV6 && type != kName)
    return Refuse(SocksReply(kNoSuchAddressType), "its address is of no known kind", true);
  const std::size_t begin = type == kName ? 5 : 4;
  const std::size_t size = type == kName ? bytes[4] : type == kV4 ? 4 : 16;
  if (bytes.size() < begin + size + 2) return request;
  const auto where = bytes.subspan(begin, size);
  if (type == kName) {
    const std::string_view text(reinterpret_cast<const char*>(where.data()), where.size());
    request.host = egress::Host::Parse(text);
    // Clients hand addresses over as names, too.
    if (!request.host) request.address = base::ParseAddress(text);
    if (!request.host && !request.address)
      return Refuse(SocksReply(kNotAllowed), "its name is none", true);
  } else {
    request.address = base::Address::FromBytes(where);
  }
  request.port = static_cast<std::uint16_t>(bytes[begin + size] << 8 | bytes[begin + size + 1]);
  request.size = begin + size + 2;
  request.kind = Kind::kTunnel;
  return request;
}

// One request and then the end: what else the client sends here may be for another host.
std::vector<std::uint8_t> HeadForServer(const HttpRequest& request, std::string_view path,
                                        const std::string& host) {
  constexpr std::string_view kOwn[] = {
      "connection", "proxy-connection", "keep-alive", "proxy-authorization",
      "te",         "upgrade",          "host"};
  std::string text = fmt::format("{} {} {}\r\nHost: {}\r\n", request.method,
                                 path.empty() ? "/" : path, request.version, host);
  for (const HttpHeader& header : request.headers) {
    std::string name(header.name);
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    if (std::ranges::count(kOwn, name) == 0)
      text += fmt::format("{}: {}\r\n", header.name, header.value);
  }
  return Bytes(text + "Connection: close\r\n\r\n");
}

ProxyRequest ReadHttp(ByteView bytes) {
  const HttpHead head = ReadHttpHead(bytes);
  if (!head.refused.empty()) return RefuseHttp("400 Bad Request", head.refused);
  ProxyRequest request;
  if (!head.request) return request;
  const bool tunnel = head.request->method == "CONNECT";
  constexpr std::string_view kScheme = "http://";
  std::string_view target = head.request->target;
  std::string_view path;
  if (!tunnel) {
    if (!target.starts_with(kScheme))
      return RefuseHttp("400 Bad Request", "its target is no http:// URL");
    target.remove_prefix(kScheme.size());
    const std::size_t slash = std::min(target.find_first_of("/?#"), target.size());
    path = target.substr(slash);
    target = target.substr(0, slash);
  }
  const auto authority = ReadAuthority(target);
  const auto body = BodyOf(*head.request);
  if (!authority || (tunnel && authority->port == 0))
    return RefuseHttp("400 Bad Request", "its host is none");
  if (!body) return RefuseHttp("400 Bad Request", "how long its body is, is said in two ways");
  request.host = authority->host;
  if (!request.host) request.address = base::ParseAddress(authority->text);
  request.port = authority->port == 0 ? 80 : authority->port;
  request.size = head.request->size;
  request.kind = tunnel ? Kind::kTunnel : Kind::kForward;
  if (tunnel) return request;
  request.body = *body;
  const std::string question = path.starts_with('?') ? "/" + std::string(path) : std::string(path);
  request.head = HeadForServer(*head.request, question, std::string(target));
  return request;
}

}  // namespace

ProxyRequest ReadProxyRequest(ByteView bytes, bool greeted) {
  if (greeted) return ReadSocks(bytes);
  if (bytes.empty()) return {};
  return bytes[0] == kSocks5 ? ReadGreeting(bytes) : ReadHttp(bytes);
}

std::vector<std::uint8_t> ProxyReply(const ProxyRequest& request, ProxyOutcome outcome) {
  if (request.socks) {
    return SocksReply(outcome == ProxyOutcome::kConnected ? kSucceeded
                      : outcome == ProxyOutcome::kRefused ? kNotAllowed
                                                          : kHostUnreachable);
  }
  if (outcome == ProxyOutcome::kRefused) return RefuseHttp("403 Forbidden", "").reply;
  if (outcome == ProxyOutcome::kUnreachable) return RefuseHttp("502 Bad Gateway", "").reply;
  if (request.kind == Kind::kForward) return {};
  return Bytes("HTTP/1.1 200 Connection established\r\n\r\n");
}

std::optional<std::string> ReadLogin(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  const std::size_t colon = text.find(':');
  const bool has_control = std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<std::uint8_t>(c);
    return byte < 0x20 || byte == 0x7f;
  });
  if (colon == std::string_view::npos || colon == 0 || has_control) return std::nullopt;
  return std::string(text);
}

std::vector<std::uint8_t> TunnelRequest(const std::string& host, std::uint16_t port,
                                        std::string_view login) {
  const std::string where =
      fmt::format(fmt::runtime(host.contains(':') ? "[{}]:{}" : "{}:{}"), host, port);
  const std::string field =
      login.empty() ? ""
                    : fmt::format("Proxy-Authorization: Basic {}\r\n", base::EncodeBase64(login));
  return Bytes(fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n{1}\r\n", where, field));
}

TunnelAnswer ReadTunnelAnswer(ByteView bytes) {
  using AnswerKind = TunnelAnswer::Kind;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos)
    return {bytes.size() > kMostHeadBytes ? AnswerKind::kRefused : AnswerKind::kIncomplete, 0};
  const bool is_http = text.starts_with("HTTP/1.") && text.size() > 12;
  if (is_http && text.substr(8, 4) == " 407") return {AnswerKind::kUnknown, end + 4};
  const bool yes = is_http && text.substr(8, 2) == " 2";
  return {yes ? AnswerKind::kOpen : AnswerKind::kRefused, end + 4};
}

}  // namespace bailey::network
