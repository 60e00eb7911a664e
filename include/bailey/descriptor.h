// What the other headers share: results that may be errors, and open files with an owner.
#pragma once

#include <expected>
#include <string>

namespace bailey {

// What went wrong, whole: "file:line:column: text", and for policy text the line with a caret.
template <class T>
using Expected = std::expected<T, std::string>;

// An open file, closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int Number() const { return number_; }
  // From now on the caller's to close.
  int Release();

 private:
  int number_;
};

}  // namespace bailey
