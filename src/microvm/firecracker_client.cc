#include "microvm/firecracker_client.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "base/text.h"

namespace bailey::microvm {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Local = asio::local::stream_protocol;

constexpr std::uint32_t kMostHeader = 8 << 10;
constexpr std::size_t kMostAnswer = 64 << 10;
constexpr std::size_t kMostFault = 300;

// {"fault_message": "..."}, or whatever else it was.
std::string Fault(const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  const auto message = json.is_object() ? json.find("fault_message") : json.end();
  const std::string said = json.is_object() && message != json.end() && message->is_string()
                               ? message->get<std::string>()
                               : body;
  const std::string_view text = base::Trim(said);
  return text.empty()
             ? "it does not say why"
             : base::Escape(text.substr(0, kMostFault)) + (text.size() > kMostFault ? "..." : "");
}

base::Error Failed(const std::string& asked, const beast::error_code& error,
                   std::chrono::milliseconds patience) {
  if (error == beast::error::timeout)
    return base::Unsupported(fmt::format("{}: no answer within {} ms", asked, patience.count()));
  if (error == http::error::end_of_stream || error == http::error::partial_message ||
      error == asio::error::eof || error == asio::error::connection_reset ||
      error == asio::error::broken_pipe)
    return base::Unsupported(asked + ": it has closed the connection");
  if (error == http::error::body_limit || error == http::error::header_limit ||
      error == http::error::buffer_overflow)
    return base::Violation(asked + ": its answer is too long");
  if (error.category() == http::make_error_code(http::error::bad_version).category())
    return base::Violation(fmt::format("{}: its answer is not HTTP: {}", asked, error.message()));
  return base::SystemError(asked, error.value());
}

}  // namespace

struct FirecrackerClient::Connection {
  asio::io_context context{1};
  beast::basic_stream<Local> stream{context};
  beast::flat_buffer buffer{kMostHeader + kMostAnswer};

  // Runs what was begun to its end.
  void Finish() {
    context.restart();
    context.run();
  }
};

FirecrackerClient::FirecrackerClient(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}
FirecrackerClient::FirecrackerClient(FirecrackerClient&&) noexcept = default;
FirecrackerClient& FirecrackerClient::operator=(FirecrackerClient&&) noexcept = default;
FirecrackerClient::~FirecrackerClient() = default;

base::Result<FirecrackerClient> FirecrackerClient::Make(base::UniqueFd socket) {
  auto connection = std::make_unique<Connection>();
  beast::error_code error;
  connection->stream.socket().assign(Local(), socket.Get(), error);
  if (error) return base::SystemError("use Firecracker's socket", error.value());
  (void)socket.Release();  // the stream closes it
  return FirecrackerClient(std::move(connection));
}

base::Status FirecrackerClient::Send(const ApiRequest& request,
                                     std::chrono::milliseconds patience) {
  const std::string asked = fmt::format("ask Firecracker {} {}", request.method, request.path);
  http::request<http::string_body> message(http::string_to_verb(request.method), request.path, 11);
  message.set(http::field::host, "localhost");
  message.set(http::field::accept, "application/json");
  message.set(http::field::content_type, "application/json");
  message.body() = request.body;
  message.prepare_payload();
  beast::error_code error;
  const auto note = [&error](beast::error_code code, std::size_t) { error = code; };
  connection_->stream.expires_after(patience);
  http::async_write(connection_->stream, message, note);
  if (connection_->Finish(); error) return Failed(asked, error, patience);
  http::response_parser<http::string_body> parser;
  parser.header_limit(kMostHeader);
  parser.body_limit(kMostAnswer);
  http::async_read(connection_->stream, connection_->buffer, parser, note);
  if (connection_->Finish(); error) return Failed(asked, error, patience);
  if (connection_->buffer.size() > 0)
    return base::Violation(asked + ": it has said more than was asked");
  const auto status = parser.get().result_int();
  if (status == 204) return {};
  return base::Unsupported(
      fmt::format("{}: it answered {}: {}", asked, status, Fault(parser.get().body())));
}

}  // namespace bailey::microvm
