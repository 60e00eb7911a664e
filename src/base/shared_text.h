// A text that many values have in common: a pointer in each, and one copy for all of them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace bailey::base {

class SharedText {
 public:
  SharedText() = default;
  SharedText(std::string text) : text_(std::make_shared<const std::string>(std::move(text))) {}
  SharedText(const char* text) : SharedText(std::string(text)) {}

  std::string_view View() const { return text_ ? std::string_view(*text_) : std::string_view(); }
  bool operator==(const SharedText& other) const {
    return text_ == other.text_ || View() == other.View();
  }

 private:
  std::shared_ptr<const std::string> text_;
};

}  // namespace bailey::base
