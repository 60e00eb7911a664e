// The texts of answers over HTTP.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mcp/http_fault.h"

namespace bailey::mcp {

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kEvents = "text/event-stream";

// With its length. `fields`: further lines of its head, each with its end.
std::string WholeReply(int status, std::string_view type, std::string_view body,
                       std::string_view fields);
// A refusal; the connection ends with it.
std::string FaultReply(const HttpFault& fault);
// The head of an answer in chunks, status 200.
std::string StreamHead(std::string_view type, std::string_view fields);
std::string Chunk(std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
// "Mcp-Session-Id: ..."; empty for none.
std::string SessionField(std::string_view session);

// Where an event is in the streams of a session: what Last-Event-ID says.
struct EventId {
  std::uint64_t stream = 0, number = 0;
  auto operator<=>(const EventId&) const = default;
};
std::string ToString(const EventId& id);
// False where it is none.
bool ParseEventId(std::string_view text, EventId& id);
// A whole event; `id`: may be empty.
std::string Event(std::string_view id, std::string_view message);
// The line before its message.
std::string EventBegin(std::string_view id);
inline constexpr std::string_view kEventEnd = "\n\n";
// In an event a message is one line: what JSON has between its tokens becomes a blank.
std::string OneLine(std::string_view bytes);

}  // namespace bailey::mcp
