#include "mcp/scanner.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "mcp/json_text.h"

namespace bailey::mcp {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"jsonrpc", "id",     "method",
                                                    "params",  "result", "error"};

bool IsBlank(unsigned char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool IsDigit(unsigned char c) { return c >= '0' && c <= '9'; }

// How many bytes from the beginning are plain text within a string: whole blocks, which the
// compiler turns into vector code, as wide as the processor has it.
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
__attribute__((target_clones("avx2", "default")))
#endif
std::size_t
PlainBlocks(std::string_view bytes) {
  constexpr std::size_t kBlock = 64;
  std::size_t at = 0;
  for (; at + kBlock <= bytes.size(); at += kBlock) {
    unsigned char special = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
      // Control characters, and what is not ASCII, which is negative.
      const auto c = static_cast<signed char>(bytes[at + i]);
      special = static_cast<unsigned char>(special | (c == '"') | (c == '\\') | (c < 0x20));
    }
    if (special != 0) break;
  }
  return at;
}

}  // namespace

std::string ToJson(const Id& id) { return id.is_string ? Quote(id.text) : id.text; }

std::size_t Scanner::Take(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size() && !at_end_) {
    if (!fault_.empty()) {
      const void* end = std::memchr(bytes.data() + at, '\n', bytes.size() - at);
      if (end == nullptr) return bytes.size();
      at_end_ = true;
      return static_cast<std::size_t>(static_cast<const char*>(end) - bytes.data()) + 1;
    }
    if (mode_ == Mode::kString && following_ == 0 && kept_ == Kept::kNothing) {
      at += PlainBlocks(bytes.substr(at));
      if (at == bytes.size()) break;
    }
    const auto c = static_cast<unsigned char>(bytes[at]);
    if (c == '\n') {
      End();
      at_end_ = true;
    } else {
      Step(c);
    }
    ++at;
  }
  return at;
}

void Scanner::End() {
  if (!fault_.empty() || mode_ == Mode::kStart || mode_ == Mode::kDone) return;
  Fail("it ends in the middle");
}

void Scanner::Step(unsigned char c) {
  switch (mode_) {
    case Mode::kString:
      return StepString(c);
    case Mode::kEscape:
      return StepEscape(c);
    case Mode::kHex:
      return StepHex(c);
    case Mode::kNumber:
      if (StepNumber(c)) return;
      if (!CanNumberEnd()) return Fail("a number is not whole");
      EndValue();
      return StepOutside(c);
    case Mode::kWord:
      if (c != static_cast<unsigned char>(word_.front())) return Fail("a value is none of JSON's");
      word_.remove_prefix(1);
      if (word_.empty()) EndValue();
      return;
    case Mode::kStart:
    case Mode::kValue:
    case Mode::kFirstName:
    case Mode::kName:
    case Mode::kColon:
    case Mode::kFirstElement:
    case Mode::kComma:
    case Mode::kDone:
      return StepOutside(c);
  }
}

void Scanner::StepOutside(unsigned char c) {
  if (mcp::IsBlank(c)) return;
  switch (mode_) {
    case Mode::kStart:
      if (c == '[') return Fail("it is a batch, which no version since 2025-06-18 has");
      if (c != '{') return Fail("it is no JSON object");
      return Open(true);
    case Mode::kFirstName:
      if (c == '}') return Close(true);
      [[fallthrough]];
    case Mode::kName:
      if (c != '"') return Fail("a name is missing");
      return BeginString(true);
    case Mode::kColon:
      if (c != ':') return Fail("a colon is missing");
      mode_ = Mode::kValue;
      return;
    case Mode::kFirstElement:
      if (c == ']') return Close(false);
      return Begin(c);
    case Mode::kComma: {
      const bool object = objects_[depth_ - 1u];
      if (c == ',') {
        mode_ = object ? Mode::kName : Mode::kValue;
        return;
      }
      if (c != (object ? '}' : ']')) return Fail("a comma or a bracket is missing");
      return Close(object);
    }
    case Mode::kDone:
      return Fail("something follows it on its line");
    default:
      return Begin(c);
  }
}

void Scanner::Begin(unsigned char c) {
  const bool scalar = c == '"' || c == '-' || IsDigit(c) || c == 'n';
  if (kept_ == Kept::kId && !scalar) return Fail("its id is no text or number");
  if (kept_ == Kept::kMethod && c != '"') return Fail("its method is no text");
  switch (c) {
    case '{':
      return Open(true);
    case '[':
      return Open(false);
    case '"':
      return BeginString(false);
    case 't':
      word_ = "rue";
      break;
    case 'f':
      word_ = "alse";
      break;
    case 'n':
      if (kept_ == Kept::kId) head_.has_id = true;
      kept_ = Kept::kNothing;
      word_ = "ull";
      break;
    default:
      if (c != '-' && !IsDigit(c)) return Fail("a value is none of JSON's");
      number_ = c == '-' ? Number::kMinus : c == '0' ? Number::kZero : Number::kInteger;
      Keep(static_cast<char>(c));
      mode_ = Mode::kNumber;
      return;
  }
  mode_ = Mode::kWord;
}

void Scanner::Open(bool object) {
  if (depth_ == kMostDepth) return Fail("it nests too deep");
  objects_[depth_++] = object;
  kept_ = Kept::kNothing;
  mode_ = object ? Mode::kFirstName : Mode::kFirstElement;
}

void Scanner::Close(bool object) {
  if (objects_[depth_ - 1u] != object) return Fail("a bracket closes what it did not open");
  --depth_;
  EndValue();
}

void Scanner::EndValue() {
  if (mode_ == Mode::kNumber && kept_ == Kept::kId) {
    head_.has_id = true;
    head_.id = Id{false, text_};
  }
  kept_ = Kept::kNothing;
  text_.clear();
  mode_ = depth_ == 0 ? Mode::kDone : Mode::kComma;
}

void Scanner::BeginString(bool is_name) {
  is_name_ = is_name;
  if (is_name) kept_ = depth_ == 1 ? Kept::kName : Kept::kNothing;
  text_.clear();
  too_long_ = false;
  surrogate_ = 0;
  mode_ = Mode::kString;
}

void Scanner::EndString() {
  FlushSurrogate();
  if (is_name_) return EndName();
  if (too_long_ && kept_ != Kept::kNothing) return Fail("its id or method is too long");
  if (kept_ == Kept::kId) {
    head_.has_id = true;
    head_.id = Id{true, text_};
  }
  if (kept_ == Kept::kMethod) head_.method = text_;
  EndValue();
}

void Scanner::EndName() {
  mode_ = Mode::kColon;
  if (kept_ != Kept::kName) return;
  kept_ = Kept::kNothing;
  if (too_long_) return;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (!std::ranges::equal(text_, kNames[i], {}, lower)) continue;
    const auto bit = static_cast<std::uint8_t>(1u << i);
    if (text_ != kNames[i]) return Fail("a name of the protocol is written with capitals");
    if (seen_ & bit) return Fail("a name of the protocol comes twice");
    seen_ = static_cast<std::uint8_t>(seen_ | bit);
    if (kNames[i] == "id") kept_ = Kept::kId;
    if (kNames[i] == "method") kept_ = Kept::kMethod;
    if (kNames[i] == "result") head_.has_result = true;
    if (kNames[i] == "error") head_.has_error = true;
  }
  text_.clear();
}

void Scanner::Keep(char c) {
  if (kept_ == Kept::kNothing) return;
  if (text_.size() >= kMostName) {
    too_long_ = true;
    if (mode_ == Mode::kNumber) Fail("its id or method is too long");
    return;
  }
  text_ += c;
}

void Scanner::StepString(unsigned char c) {
  if (following_ > 0) {
    if (c < least_ || c > most_) return Fail("it is no UTF-8");
    --following_;
    least_ = 0x80;
    most_ = 0xbf;
    return Keep(static_cast<char>(c));
  }
  if (c == '"') return EndString();
  if (c == '\\') {
    mode_ = Mode::kEscape;
    return;
  }
  FlushSurrogate();
  if (c < 0x20) return Fail("a text holds a control character");
  if (c >= 0x80) {
    if (c < 0xc2 || c > 0xf4) return Fail("it is no UTF-8");
    following_ = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    // Neither overlong forms, nor surrogates, nor beyond U+10FFFF.
    least_ = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    most_ = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
  }
  Keep(static_cast<char>(c));
}

void Scanner::StepEscape(unsigned char c) {
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (c == 'u') {
    hex_left_ = 4;
    hex_ = 0;
    mode_ = Mode::kHex;
    return;
  }
  const std::size_t which = kLetters.find(static_cast<char>(c));
  if (which == std::string_view::npos) return Fail("a text holds an escape that JSON has not");
  FlushSurrogate();
  mode_ = Mode::kString;
  Keep(kMeanings[which]);
}

void Scanner::StepHex(unsigned char c) {
  unsigned digit = 0;
  if (IsDigit(c)) {
    digit = c - '0';
  } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
    digit = (c | 0x20u) - 'a' + 10;
  } else {
    return Fail("a text holds an escape that JSON has not");
  }
  hex_ = static_cast<std::uint16_t>(hex_ << 4 | digit);
  if (--hex_left_ > 0) return;
  mode_ = Mode::kString;
  if (surrogate_ != 0 && hex_ >= 0xdc00 && hex_ <= 0xdfff) {
    const std::uint32_t high = surrogate_ - 0xd800u;
    surrogate_ = 0;
    return KeepCodePoint(0x10000u + (high << 10) + (hex_ - 0xdc00u));
  }
  FlushSurrogate();
  if (hex_ >= 0xd800 && hex_ <= 0xdbff) {
    surrogate_ = hex_;
    return;
  }
  KeepCodePoint(hex_ >= 0xdc00 && hex_ <= 0xdfff ? 0xfffd : hex_);
}

// Half a pair is what readers disagree about: in an id or a method it is a fault.
void Scanner::FlushSurrogate() {
  if (surrogate_ == 0) return;
  surrogate_ = 0;
  KeepCodePoint(0xfffd);
}

void Scanner::KeepCodePoint(std::uint32_t point) {
  if (kept_ == Kept::kNothing) return;
  if (point == 0xfffd && kept_ != Kept::kName) return Fail("its id or method is no Unicode");
  for (const char c : Utf8(point)) Keep(c);
}

bool Scanner::CanNumberEnd() const {
  return number_ == Number::kZero || number_ == Number::kInteger || number_ == Number::kFraction ||
         number_ == Number::kExponent;
}

// False where `c` is not part of the number.
bool Scanner::StepNumber(unsigned char c) {
  const bool digit = IsDigit(c);
  const bool point = c == '.', e = c == 'e' || c == 'E', sign = c == '+' || c == '-';
  Number next = number_;
  switch (number_) {
    case Number::kMinus:
      if (!digit) return false;
      next = c == '0' ? Number::kZero : Number::kInteger;
      break;
    case Number::kZero:
    case Number::kInteger:
      if (digit && number_ == Number::kZero) return false;
      if (!digit && !point && !e) return false;
      next = digit ? Number::kInteger : point ? Number::kPoint : Number::kE;
      break;
    case Number::kPoint:
    case Number::kFraction:
      if (!digit && !(e && number_ == Number::kFraction)) return false;
      next = digit ? Number::kFraction : Number::kE;
      break;
    case Number::kE:
    case Number::kSign:
    case Number::kExponent:
      if (!digit && !(sign && number_ == Number::kE)) return false;
      next = digit ? Number::kExponent : Number::kSign;
      break;
  }
  number_ = next;
  Keep(static_cast<char>(c));
  return true;
}

}  // namespace bailey::mcp
