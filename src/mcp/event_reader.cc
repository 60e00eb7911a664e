#include "mcp/event_reader.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace bailey::mcp {
namespace {

constexpr std::size_t kMostName = 16, kMostValue = 1024;

}  // namespace

void EventReader::Take(std::string_view bytes) {
  while (!bytes.empty()) {
    if (std::exchange(after_return_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const std::size_t end = bytes.find_first_of("\r\n");
    std::string_view part = bytes.substr(0, end);
    while (!part.empty()) {
      if (field_ == Field::kName) {
        const std::size_t colon = part.find(':');
        name_ += part.substr(0, std::min(colon, kMostName + 1 - std::min(kMostName, name_.size())));
        if (colon == std::string_view::npos) break;
        part.remove_prefix(colon + 1);
        BeginValue();
        continue;
      }
      if (field_ == Field::kSpace) {
        field_ = name_ == "data" ? Field::kData : Field::kKept;
        if (part.front() == ' ') part.remove_prefix(1);
        continue;
      }
      if (field_ == Field::kData && !other_event_) data_(part);
      if (field_ == Field::kKept)
        value_ += part.substr(0, kMostValue + 1 - std::min(kMostValue + 1, value_.size()));
      break;
    }
    if (end == std::string_view::npos) return;
    after_return_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    EndLine();
  }
}

void EventReader::BeginValue() {
  field_ = Field::kPassedOver;
  if (name_ == "data" || name_ == "event" || name_ == "id" || name_ == "retry")
    field_ = Field::kSpace;
  if (name_ != "data" || other_event_) return;
  if (std::exchange(has_data_, true)) data_("\n");
}

void EventReader::EndLine() {
  const bool is_empty = field_ == Field::kName && name_.empty();
  if (name_ == "event") other_event_ = !value_.empty() && value_ != "message";
  const auto plain = [](char c) { return c > ' ' && c <= '~'; };
  if (name_ == "id" && value_.size() <= kMostValue && std::ranges::all_of(value_, plain))
    last_id_ = value_;
  std::uint32_t retry = 0;
  const auto [stop, error] = std::from_chars(value_.data(), value_.data() + value_.size(), retry);
  if (name_ == "retry" && error == std::errc() && stop == value_.data() + value_.size())
    retry_ = retry;
  name_.clear();
  value_.clear();
  field_ = Field::kName;
  if (!is_empty) return;
  if (std::exchange(has_data_, false)) end_();
  other_event_ = false;
}

}  // namespace bailey::mcp
