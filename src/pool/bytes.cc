#include "pool/bytes.h"

#include <cstring>

namespace bailey::pool {

Writer& Writer::Number(std::uint64_t number) {
  // Both ends are on one machine.
  char bytes[sizeof(number)];
  std::memcpy(bytes, &number, sizeof(number));
  bytes_.append(bytes, sizeof(bytes));
  return *this;
}

Writer& Writer::Text(std::string_view text) {
  Number(text.size());
  bytes_ += text;
  return *this;
}

Writer& Writer::Texts(const std::vector<std::string>& texts) {
  Number(texts.size());
  for (const std::string& text : texts) Text(text);
  return *this;
}

std::string_view Reader::Take(std::uint64_t size) {
  if (size > left_.size()) failed_ = true;
  if (failed_) return {};
  const std::string_view taken = left_.substr(0, size);
  left_.remove_prefix(size);
  return taken;
}

std::uint64_t Reader::Number() {
  const std::string_view bytes = Take(sizeof(std::uint64_t));
  std::uint64_t number = 0;
  if (!failed_) std::memcpy(&number, bytes.data(), sizeof(number));
  return number;
}

std::string Reader::Text() { return std::string(Take(Number())); }

std::vector<std::string> Reader::Texts() {
  std::vector<std::string> texts;
  for (std::uint64_t left = Number(); left > 0 && !failed_; --left) texts.push_back(Text());
  return texts;
}

}  // namespace bailey::pool
