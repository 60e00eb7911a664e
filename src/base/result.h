// What a function that can fail returns.
//
//   base::Result<int> Parse(std::string_view text) {
//     if (text.empty()) return base::InvalidInput("parse number: it is empty");
//     ...
//   }
//   auto number = Parse(text);
//   if (!number) return number.error();      // an Error converts to any Result
//   Use(*number);
//
// Texts read "<verb> <object>: <cause>". No exception crosses a folder boundary.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace bailey::base {

enum class ErrorCode : std::uint8_t {
  kInvalidInput,  // the caller's text, bytes or arguments are wrong
  kUnsupported,   // this host, or this version, cannot do what was asked
  kSystem,        // a system call failed; `system_errno` says how
  kViolation,     // a promise does not hold (a filter differs from its policy)
  kInternal,      // a bug of ours
};

// A place in a text input. Lines and columns count from 1; 0 means unknown. Columns count bytes.
struct Location {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  bool operator==(const Location&) const = default;
};

// "file:line:column", leaving out what is unknown.
std::string ToString(const Location& location);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string text;
  int system_errno = 0;
  Location location;
  std::string excerpt;  // for text inputs: the line, a newline, and a caret under the column
  bool operator==(const Error&) const = default;
};

// The whole message: "file:line:column: text", and the excerpt below it where there is one.
std::string ToString(const Error& error);

Error InvalidInput(std::string text);
Error Unsupported(std::string text);
Error Violation(std::string text);
Error Internal(std::string text);
// "<text>: <strerror>"; `number` is an errno value.
Error SystemError(std::string text, int number);

template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
  Result(Error error) : std::expected<T, Error>(std::unexpect, std::move(error)) {}
};

using Status = Result<void>;

}  // namespace bailey::base
