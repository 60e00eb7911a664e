// Reads JSON-RPC messages, one a line, as their bytes come, and never builds a document of them:
// what it keeps of a message of any length is what stands in its head.
//
//   Scanner scanner;
//   const std::size_t taken = scanner.Take(bytes);     // at most one message, with its newline
//   if (scanner.IsAtEnd() && scanner.Fault().empty()) Use(scanner.GetHead());
//   scanner.Reset();
//
// A message without a fault is one JSON object (RFC 8259) in UTF-8, no deeper than kMostDepth, in
// which none of the names "jsonrpc", "id", "method", "params", "result" and "error" comes twice,
// nor in another mixture of capitals: two readers of one message must not see two messages.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bailey::mcp {

// As JSON-RPC has it. Numbers are compared by their text: 1 and 1.0 are two ids.
struct Id {
  bool is_string = false;
  std::string text;  // decoded
  auto operator<=>(const Id&) const = default;
};
// As it stands in a message.
std::string ToJson(const Id& id);

struct Head {
  std::optional<Id> id;  // null is none
  bool has_id = false;   // also null
  std::optional<std::string> method;
  bool has_result = false, has_error = false;
};

class Scanner {
 public:
  static constexpr std::size_t kMostDepth = 256;
  static constexpr std::size_t kMostName = 256;  // bytes of an id, a method

  // Takes bytes up to the end of the message; returns how many.
  std::size_t Take(std::string_view bytes);
  // The newline has been taken.
  bool IsAtEnd() const { return at_end_; }
  // Nothing but blanks so far.
  bool IsBlank() const { return mode_ == Mode::kStart && fault_.empty(); }
  // The object's last brace has been taken.
  bool IsClosed() const { return mode_ == Mode::kDone; }
  // Why it is no message; empty while nothing is wrong. After a fault the rest is passed over.
  std::string_view Fault() const { return fault_; }
  const Head& GetHead() const { return head_; }
  void Reset() { *this = Scanner(); }
  // The bytes have ended: what is left open is a fault.
  void End();

 private:
  enum class Mode : std::uint8_t {
    kStart,
    kValue,
    kFirstName,
    kName,
    kColon,
    kFirstElement,
    kComma,
    kString,
    kEscape,
    kHex,
    kNumber,
    kWord,
    kDone,
  };
  enum class Number : std::uint8_t {
    kMinus,
    kZero,
    kInteger,
    kPoint,
    kFraction,
    kE,
    kSign,
    kExponent
  };
  enum class Kept : std::uint8_t { kNothing, kName, kId, kMethod };

  void Step(unsigned char c);
  void StepOutside(unsigned char c);
  void StepString(unsigned char c);
  void StepEscape(unsigned char c);
  void StepHex(unsigned char c);
  bool StepNumber(unsigned char c);
  bool CanNumberEnd() const;
  void Begin(unsigned char c);
  void Open(bool object);
  void Close(bool object);
  void BeginString(bool is_name);
  void EndString();
  void EndValue();
  void EndName();
  void Keep(char c);
  void KeepCodePoint(std::uint32_t point);
  void FlushSurrogate();
  void Fail(std::string_view fault) { fault_ = fault; }

  Mode mode_ = Mode::kStart;
  Number number_ = Number::kMinus;
  Kept kept_ = Kept::kNothing;  // what the value that comes, or this text, is
  bool is_name_ = false;
  bool at_end_ = false;
  std::bitset<kMostDepth> objects_;  // by depth; the others are arrays
  std::uint16_t depth_ = 0;
  std::uint8_t seen_ = 0;  // which of the known names
  // Of a character of several bytes: how many follow, and where the next must lie.
  std::uint8_t following_ = 0, least_ = 0x80, most_ = 0xbf;
  std::uint8_t hex_left_ = 0;
  std::uint16_t hex_ = 0, surrogate_ = 0;
  std::string_view word_;  // what is left of true, false, null
  std::string_view fault_;
  std::string text_;  // what is kept
  bool too_long_ = false;
  Head head_;
};

}  // namespace bailey::mcp
