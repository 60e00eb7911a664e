#include "network/http.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/address.h"
#include "base/text.h"

namespace bailey::network {
namespace {

constexpr std::size_t kMostLine = 65536;
constexpr std::string_view kMethods[] = {"GET",     "HEAD",  "POST",    "PUT",  "DELETE",
                                         "OPTIONS", "TRACE", "CONNECT", "PATCH"};

std::string_view TextOf(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool IsTokenByte(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kOthers.contains(c);
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, IsTokenByte);
}

char Small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, Small, Small);
}

std::string_view TrimBlanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// A line without its end, LF or CRLF, and how long it was with it. 0: it has not ended.
std::pair<std::string_view, std::size_t> LineAt(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return {text, 0};
  std::string_view line = text.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return {line, end + 1};
}

bool HasControl(std::string_view line) {
  return std::ranges::any_of(line, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

std::string ReadFirstLine(std::string_view line, HttpRequest& request) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return "its first line is no request";
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  request.version = line.substr(last + 1);
  if (request.version == "HTTP/2.0") return "HTTP/2 without TLS cannot be looked into";
  if (request.version != "HTTP/1.0" && request.version != "HTTP/1.1")
    return "its version is not HTTP/1";
  if (!IsToken(request.method) || request.target.empty() ||
      request.target.find_first_of(" \t") != std::string_view::npos)
    return "its first line is no request";
  return "";
}

std::string ReadHeader(std::string_view line, HttpRequest& request) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon)))
    return "a header is malformed";
  request.headers.push_back({line.substr(0, colon), TrimBlanks(line.substr(colon + 1))});
  return "";
}

std::vector<std::string_view> ValuesOf(const HttpRequest& request, std::string_view name) {
  std::vector<std::string_view> values;
  for (const HttpHeader& header : request.headers)
    if (EqualsIgnoringCase(header.name, name)) values.push_back(header.value);
  return values;
}

bool ListHas(std::string_view list, std::string_view word) {
  return std::ranges::any_of(base::Split(list, ','), [word](std::string_view part) {
    return EqualsIgnoringCase(TrimBlanks(part), word);
  });
}

// "http://host:port/path": the part that names the server.
std::optional<std::string_view> AuthorityOfTarget(std::string_view target) {
  const std::size_t scheme = target.find("://");
  if (target.starts_with('/') || target == "*" || scheme == std::string_view::npos)
    return std::nullopt;
  const std::string_view rest = target.substr(scheme + 3);
  return rest.substr(0, rest.find_first_of("/?#"));
}

}  // namespace

FirstBytes Classify(ByteView bytes) {
  std::string_view text = TextOf(bytes);
  // Servers pass over empty lines before a request (RFC 9112, 2.2).
  while (text.starts_with('\r') || text.starts_with('\n')) text.remove_prefix(1);
  if (text.empty()) return bytes.size() > 64 ? FirstBytes::kOther : FirstBytes::kUnknownYet;
  if (bytes[0] == 22) {
    if (bytes.size() == 1) return FirstBytes::kUnknownYet;
    return bytes[1] == 3 ? FirstBytes::kTls : FirstBytes::kOther;
  }
  const auto [line, size] = LineAt(text);
  if (!IsTokenByte(line.empty() ? '\0' : line[0])) return FirstBytes::kOther;
  if (HasControl(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line))
    return FirstBytes::kOther;
  const std::string_view word = line.substr(0, line.find_first_of(" \t"));
  const bool method =
      word.size() < line.size() &&
      std::ranges::any_of(kMethods, [&](auto known) { return EqualsIgnoringCase(word, known); });
  if (method) return FirstBytes::kHttp;
  if (size == 0) return line.size() < kMostLine ? FirstBytes::kUnknownYet : FirstBytes::kHttp;
  std::string small(line);
  std::ranges::transform(small, small.begin(), Small);
  return small.contains("http/") ? FirstBytes::kHttp : FirstBytes::kOther;
}

HttpHead ReadHttpHead(ByteView bytes) {
  const std::string_view text = TextOf(bytes);
  HttpHead head;
  HttpRequest request;
  bool first = true;
  for (std::size_t at = 0;;) {
    const auto [line, size] = LineAt(text.substr(at));
    if (at + (size == 0 ? line.size() : size) > kMostHeadBytes) {
      head.refused = "its head is too long";
      return head;
    }
    if (size == 0) return head;
    at += size;
    if (line.empty() && first) continue;
    if (line.empty()) {
      request.size = at;
      head.request = std::move(request);
      return head;
    }
    if (HasControl(line)) head.refused = "its head has control characters";
    if (head.refused.empty())
      head.refused = first ? ReadFirstLine(line, request) : ReadHeader(line, request);
    if (!head.refused.empty()) return head;
    first = false;
  }
}

std::optional<Authority> ReadAuthority(std::string_view text) {
  Authority authority;
  std::string_view host = text;
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && !text.ends_with(']')) {
    host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    unsigned port = 0;
    const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (digits.size() > 5 || status != std::errc() || end != digits.data() + digits.size() ||
        port == 0 || port > 65535)
      return std::nullopt;
    authority.port = static_cast<std::uint16_t>(port);
  }
  const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (const auto address = base::ParseAddress(host); address && bracketed == host.contains(':')) {
    authority.text = base::ToString(*address);
    return authority;
  }
  authority.host = egress::Host::Parse(host);
  if (bracketed || !authority.host) return std::nullopt;
  authority.text = authority.host->Text();
  return authority;
}

std::optional<HttpBody> BodyOf(const HttpRequest& request) {
  const auto lengths = ValuesOf(request, "content-length");
  const auto codings = ValuesOf(request, "transfer-encoding");
  HttpBody body;
  if (!codings.empty()) {
    body.chunked = codings.size() == 1 && EqualsIgnoringCase(codings[0], "chunked") &&
                   lengths.empty() && request.version == "HTTP/1.1";
    if (!body.chunked) return std::nullopt;
    return body;
  }
  if (lengths.empty()) return body;
  const std::string_view digits = lengths[0];
  const auto [end, status] =
      std::from_chars(digits.data(), digits.data() + digits.size(), body.length);
  if (lengths.size() > 1 || digits.empty() || status != std::errc() ||
      end != digits.data() + digits.size() || digits[0] == '-')
    return std::nullopt;
  return body;
}

HttpRequests HttpRequests::ForBody(const HttpBody& body) {
  HttpRequests requests;
  requests.chunked_ = body.chunked;
  requests.left_ = body.length;
  requests.state_ = body.chunked      ? State::kChunkSize
                    : body.length > 0 ? State::kBody
                                      : State::kHead;
  return requests;
}

std::string HttpRequests::Check(const HttpRequest& request) {
  if (request.method == "CONNECT") return "it asks for a tunnel (CONNECT)";
  const auto hosts = ValuesOf(request, "host");
  if (hosts.size() > 1) return "it names two hosts";
  if (hosts.empty() && request.version == "HTTP/1.1") return "it names no host";
  std::vector<std::string_view> named = hosts;
  if (const auto authority = AuthorityOfTarget(request.target)) named.push_back(*authority);
  for (const std::string_view text : named) {
    const auto authority = ReadAuthority(text);
    if (!authority || authority->host != host_)
      return fmt::format("it is for {}, and the connection for {}",
                         authority ? authority->text : "no name", host_->Text());
  }
  const auto body = BodyOf(request);
  if (!body) return "how long its body is, is said in no way or in two";
  chunked_ = body->chunked;
  left_ = body->length;
  for (const std::string_view value : ValuesOf(request, "upgrade")) {
    if (ListHas(value, "h2c")) return "HTTP/2 without TLS cannot be looked into";
    // Behind others it could not be told which answer is the one to it.
    if (seen_ > 0) return "it changes the protocol of a connection in use";
    waits_ = true;
  }
  ++seen_;
  return "";
}

// A line of a chunked body; false when there is none yet, or it was refused.
bool HttpRequests::LookAtLine(ByteView bytes, Step& step) {
  const auto [line, size] = LineAt(TextOf(bytes));
  if (size == 0) {
    if (line.size() > kMostLine) step.refused = "a line of its body is too long";
    return false;
  }
  step.pass += size;
  if (state_ == State::kChunkEnd) {
    if (!line.empty()) step.refused = "a chunk of its body is longer than it says";
    state_ = State::kChunkSize;
  } else if (state_ == State::kTrailers) {
    if (line.empty()) state_ = State::kHead;
  } else {
    const std::string_view digits = TrimBlanks(line.substr(0, line.find(';')));
    const auto [end, status] =
        std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
    if (digits.empty() || status != std::errc() || end != digits.data() + digits.size())
      step.refused = "a chunk of its body says no length";
    state_ = left_ == 0 ? State::kTrailers : State::kBody;
  }
  if (HasControl(line)) step.refused = "a line of its body has control characters";
  return step.refused.empty();
}

HttpRequests::Step HttpRequests::Look(ByteView bytes) {
  Step step;
  while (step.refused.empty()) {
    const ByteView rest = bytes.subspan(step.pass);
    if (state_ == State::kOpaque) {
      step.pass = bytes.size();
      step.opaque = true;
      break;
    }
    if (state_ == State::kHead) {
      step.waits = waits_;
      if (waits_ || rest.empty() || !host_) break;
      const HttpHead head = ReadHttpHead(rest);
      step.refused = head.refused;
      if (!head.request) break;
      step.refused = Check(*head.request);
      if (!step.refused.empty()) break;
      step.pass += head.request->size;
      state_ = chunked_ ? State::kChunkSize : left_ > 0 ? State::kBody : State::kHead;
    } else if (state_ == State::kBody) {
      const std::uint64_t size = std::min<std::uint64_t>(left_, rest.size());
      step.pass += static_cast<std::size_t>(size);
      left_ -= size;
      if (left_ > 0) break;
      state_ = chunked_ ? State::kChunkEnd : State::kHead;
    } else if (!LookAtLine(rest, step)) {
      break;
    }
  }
  return step;
}

}  // namespace bailey::network
