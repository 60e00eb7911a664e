#include "base/result.h"

#include <fmt/format.h>

#include <cstring>

namespace bailey::base {

std::string ToString(const Location& location) {
  if (location.line == 0) return location.file;
  if (location.column == 0) return fmt::format("{}:{}", location.file, location.line);
  return fmt::format("{}:{}:{}", location.file, location.line, location.column);
}

std::string ToString(const Error& error) {
  std::string text = ToString(error.location);
  if (!text.empty()) text += ": ";
  text += error.text;
  if (!error.excerpt.empty()) text += "\n" + error.excerpt;
  return text;
}

Error InvalidInput(std::string text) {
  return {.code = ErrorCode::kInvalidInput, .text = std::move(text)};
}

Error Unsupported(std::string text) {
  return {.code = ErrorCode::kUnsupported, .text = std::move(text)};
}

Error Violation(std::string text) {
  return {.code = ErrorCode::kViolation, .text = std::move(text)};
}

Error Internal(std::string text) { return {.code = ErrorCode::kInternal, .text = std::move(text)}; }

Error SystemError(std::string text, int number) {
  return {.code = ErrorCode::kSystem,
          .text = fmt::format("{}: {}", text, strerrordesc_np(number)),
          .system_errno = number};
}

}  // namespace bailey::base
