// A stream of events (text/event-stream), read as its bytes come: a message may be of any length,
// and is never kept.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace bailey::mcp {

class EventReader {
 public:
  // A piece of an event's data, and an event's end, where it had any.
  using OnData = std::function<void(std::string_view)>;
  using OnEnd = std::function<void()>;
  EventReader(OnData data, OnEnd end) : data_(std::move(data)), end_(std::move(end)) {}

  void Take(std::string_view bytes);
  // What Last-Event-ID may say; empty for none. At most 1 KiB, printable ASCII.
  const std::string& LastId() const { return last_id_; }
  // How long the server wants its clients to wait before they connect again.
  std::optional<std::uint32_t> RetryMilliseconds() const { return retry_; }

 private:
  enum class Field : std::uint8_t { kName, kSpace, kData, kKept, kPassedOver };

  void BeginValue();
  void EndLine();

  OnData data_;
  OnEnd end_;
  Field field_ = Field::kName;
  std::string name_, value_;
  bool after_return_ = false;  // a newline that follows is of the same end of line
  bool has_data_ = false, other_event_ = false;
  std::string last_id_;
  std::optional<std::uint32_t> retry_;
};

}  // namespace bailey::mcp
