#include "mcp/http_reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "mcp/replies.h"

namespace bailey::mcp {
namespace {

std::string_view ReasonOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

}  // namespace

std::string WholeReply(int status, std::string_view type, std::string_view body,
                       std::string_view fields) {
  const std::string kind =
      type.empty() ? "" : fmt::format("Content-Type: {}\r\nCache-Control: no-store\r\n", type);
  return fmt::format("HTTP/1.1 {} {}\r\n{}{}Content-Length: {}\r\n\r\n{}", status, ReasonOf(status),
                     kind, fields, body.size(), body);
}

std::string FaultReply(const HttpFault& fault) {
  return WholeReply(fault.status, kJson, ErrorReply(std::nullopt, fault.code, fault.text),
                    fault.fields + "Connection: close\r\n");
}

std::string StreamHead(std::string_view type, std::string_view fields) {
  return fmt::format(
      "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nCache-Control: no-store\r\n{}"
      "Transfer-Encoding: chunked\r\n\r\n",
      type, fields);
}

std::string Chunk(std::string_view bytes) {
  if (bytes.empty()) return {};  // an empty one would be the last
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

std::string SessionField(std::string_view session) {
  return session.empty() ? "" : fmt::format("Mcp-Session-Id: {}\r\n", session);
}

std::string ToString(const EventId& id) { return fmt::format("{}-{}", id.stream, id.number); }

bool ParseEventId(std::string_view text, EventId& id) {
  const char* const end = text.data() + text.size();
  const auto stream = std::from_chars(text.data(), end, id.stream);
  if (stream.ec != std::errc() || stream.ptr == end || *stream.ptr != '-') return false;
  const auto number = std::from_chars(stream.ptr + 1, end, id.number);
  return number.ec == std::errc() && number.ptr == end;
}

std::string EventBegin(std::string_view id) {
  return id.empty() ? "data: " : fmt::format("id: {}\ndata: ", id);
}

std::string Event(std::string_view id, std::string_view message) {
  return fmt::format("{}{}{}", EventBegin(id), OneLine(message), kEventEnd);
}

std::string OneLine(std::string_view bytes) {
  std::string line(bytes);
  std::ranges::replace(line, '\r', ' ');
  std::ranges::replace(line, '\n', ' ');
  return line;
}

}  // namespace bailey::mcp
