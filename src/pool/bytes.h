// Values as bytes of a message, and back: numbers of eight bytes, texts with their length.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bailey::pool {

class Writer {
 public:
  Writer& Number(std::uint64_t number);
  Writer& Text(std::string_view text);
  Writer& Texts(const std::vector<std::string>& texts);
  std::string Take() && { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Reads what a Writer wrote; what is not there, or too long, fails the whole.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  std::uint64_t Number();
  std::string Text();
  std::vector<std::string> Texts();
  // All was there, and nothing is left.
  bool IsWhole() const { return !failed_ && left_.empty(); }

 private:
  std::string_view Take(std::uint64_t size);

  std::string_view left_;
  bool failed_ = false;
};

}  // namespace bailey::pool
