#include "mcp/http_reader.h"

#include <fmt/format.h>

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <initializer_list>
#include <utility>

namespace bailey::mcp {
namespace {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::string_body>;
using Fields = Parser::value_type;

// Of requests that a client may send ahead no more is kept than this.
constexpr std::size_t kMostAhead = 256 << 10;

std::string Text(const Fields& fields, std::string_view name) {
  const auto found = fields.find(boost::beast::string_view(name.data(), name.size()));
  return found == fields.end() ? std::string() : std::string(found->value());
}

std::optional<std::string> Optional(const Fields& fields, std::string_view name) {
  const auto found = fields.find(boost::beast::string_view(name.data(), name.size()));
  if (found == fields.end()) return std::nullopt;
  return std::string(found->value());
}

std::optional<HttpFault> FindFault(const Fields& fields) {
  if (fields.version() != 11) return HttpFault{505, "read request: it is not HTTP/1.1", "", -32600};
  for (const char* name :
       {"Host", "Origin", "Authorization", "Content-Type", "Content-Length", "Transfer-Encoding",
        "Mcp-Session-Id", "MCP-Protocol-Version", "Last-Event-ID", "Mcp-Method", "Mcp-Name"}) {
    if (fields.count(name) > 1)
      return HttpFault{400, fmt::format("read request: it has {} twice", name), "", -32600};
  }
  if (fields.count("Content-Length") > 0 && fields.count("Transfer-Encoding") > 0)
    return HttpFault{400, "read request: its length is said twice", "", -32600};
  return std::nullopt;
}

HttpFault FaultOf(const boost::system::error_code& error) {
  if (error == http::error::header_limit)
    return {431, "read request: its head is too long", "", -32600};
  if (error == http::error::body_limit)
    return {413, "read request: its body is too long", "", -32600};
  return {400, fmt::format("read request: {}", error.message()), "", -32600};
}

}  // namespace

struct HttpReader::State {
  explicit State(const HttpLimits& chosen) : limits(chosen) { Begin(); }

  void Begin() {
    parser.emplace();
    parser->header_limit(static_cast<std::uint32_t>(limits.head));
    parser->body_limit(limits.body);
    parser->eager(false);
    head.reset();
    wants_body = false;
  }

  bool MayGoOn() const {
    return !fault && !buffer.empty() && !parser->is_done() && (wants_body || !head);
  }

  void Advance() {
    while (MayGoOn()) {
      boost::system::error_code error;
      const std::size_t taken =
          parser->put(boost::asio::const_buffer(buffer.data(), buffer.size()), error);
      buffer.erase(0, taken);
      if (error == http::error::need_more) {
        error = {};
        if (taken == 0) break;
      }
      if (error) {
        fault = FaultOf(error);
        return;
      }
      if (!head && parser->is_header_done()) ReadHead();
      if (taken == 0) break;
    }
    // A head that does not end is as long as what is kept of it.
    if (!fault && !head && buffer.size() > limits.head)
      fault = HttpFault{431, "read request: its head is too long", "", -32600};
  }

  void ReadHead() {
    const Fields& fields = parser->get();
    fault = FindFault(fields);
    HttpHead read;
    read.method = std::string(fields.method_string());
    read.target = std::string(fields.target());
    read.host = Optional(fields, "Host");
    read.origin = Optional(fields, "Origin");
    read.authorization = Optional(fields, "Authorization");
    read.content_type = Text(fields, "Content-Type");
    read.accept = Text(fields, "Accept");
    read.session = Optional(fields, "Mcp-Session-Id");
    read.version = Optional(fields, "MCP-Protocol-Version");
    read.last_event = Optional(fields, "Last-Event-ID");
    read.rpc_method = Optional(fields, "Mcp-Method");
    read.rpc_name = Optional(fields, "Mcp-Name");
    read.keep_alive = parser->keep_alive();
    read.expects_continue = boost::beast::iequals(fields["Expect"], "100-continue");
    head = std::move(read);
  }

  HttpLimits limits;
  std::optional<Parser> parser;
  std::optional<HttpHead> head;
  std::optional<HttpFault> fault;
  std::string buffer;
  bool wants_body = false;
};

HttpReader::HttpReader(const HttpLimits& limits) : state_(std::make_unique<State>(limits)) {}
HttpReader::HttpReader(HttpReader&&) noexcept = default;
HttpReader& HttpReader::operator=(HttpReader&&) noexcept = default;
HttpReader::~HttpReader() = default;

void HttpReader::Take(std::string_view bytes) {
  if (state_->fault) return;
  state_->buffer += bytes;
  state_->Advance();
  if (!state_->fault && state_->buffer.size() > kMostAhead)
    state_->fault = HttpFault{400, "read request: too much is sent ahead", "", -32600};
}

const HttpHead* HttpReader::Head() const { return state_->head ? &*state_->head : nullptr; }

void HttpReader::WantBody() {
  state_->wants_body = true;
  state_->Advance();
}

bool HttpReader::IsWhole() const {
  return state_->head && !state_->fault && state_->parser->is_done();
}

std::string& HttpReader::Body() { return state_->parser->get().body(); }
const std::optional<HttpFault>& HttpReader::Fault() const { return state_->fault; }
bool HttpReader::IsInside() const { return state_->head || !state_->buffer.empty(); }

void HttpReader::Next() {
  state_->Begin();
  state_->Advance();
}

}  // namespace bailey::mcp
