#include "review/located_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.h"

namespace bailey::review {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr std::size_t kMaxDepth = 64;

// Walks a text that is known to be JSON, and notes where each value begins. What is wrong with it
// beyond that is the first error.
class Walk {
 public:
  Walk(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  std::optional<std::string> Run() {
    while (SkipBlanks() && complaint_.empty()) Step();
    if (complaint_.empty()) return std::nullopt;
    return complaint_;
  }
  Place Here() const { return {file_, line_, static_cast<int>(at_ - line_start_) + 1, {}}; }
  std::map<std::string, Place> TakePlaces() { return std::move(places_); }

 private:
  struct Level {
    bool is_object = false;
    bool wants_name = false;
    std::size_t index = 0;
    std::string pointer;  // of what is read next
    std::string own;      // of the object or list
  };

  bool SkipBlanks() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      } else if (c != ' ' && c != '\t' && c != '\r') {
        return true;
      }
    }
    return false;
  }

  std::string_view ReadString() {
    const std::size_t start = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    const std::string_view inside = text_.substr(start, std::min(at_, text_.size()) - start);
    ++at_;
    return inside;
  }

  void Name() {
    Level& level = levels_.back();
    const Place place = Here();
    std::string name(ReadString());
    // As JSON has it, so that an escaped name is the same name.
    const auto plain = nlohmann::json::parse("\"" + name + "\"", nullptr, false);
    if (plain.is_string()) name = plain.get<std::string>();
    std::string token;
    for (const char c : name) {
      if (c == '~')
        token += "~0";
      else if (c == '/')
        token += "~1";
      else
        token += c;
    }
    level.pointer = level.own + "/" + token;
    level.wants_name = false;
    if (places_.contains(level.pointer)) {
      complaint_ = fmt::format("\"{}\" is there twice", base::Escape(name));
      at_ = static_cast<std::size_t>(place.column) - 1 + line_start_;
    }
  }

  void Begin() {
    if (levels_.empty()) {
      places_[""] = Here();
      return;
    }
    Level& level = levels_.back();
    if (!level.is_object) level.pointer = fmt::format("{}/{}", level.own, level.index++);
    places_[level.pointer] = Here();
  }

  void Step() {
    const char c = text_[at_];
    if (c == '}' || c == ']') {
      levels_.pop_back();
      ++at_;
    } else if (c == ',') {
      levels_.back().wants_name = levels_.back().is_object;
      ++at_;
    } else if (c == ':') {
      ++at_;
    } else if (c == '"' && !levels_.empty() && levels_.back().wants_name) {
      Name();
    } else {
      Value(c);
    }
  }

  void Value(char c) {
    Begin();
    if (c == '{' || c == '[') {
      if (levels_.size() == kMaxDepth) {
        complaint_ = fmt::format("it is nested deeper than {}", kMaxDepth);
        return;
      }
      const std::string own = levels_.empty() ? "" : levels_.back().pointer;
      levels_.push_back({c == '{', c == '{', 0, {}, own});
      ++at_;
    } else if (c == '"') {
      ReadString();
    } else {
      while (at_ < text_.size() &&
             std::string_view(",]} \t\r\n").find(text_[at_]) == std::string_view::npos)
        ++at_;
    }
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0, line_start_ = 0;
  int line_ = 1;
  std::vector<Level> levels_;
  std::map<std::string, Place> places_;
  std::string complaint_;
};

base::Error ErrorIn(const std::string& file, const Place& place, std::string_view cause) {
  base::Error error = base::InvalidInput(fmt::format("read {}: {}", base::Escape(file), cause));
  error.location = {file, static_cast<std::uint32_t>(place.line),
                    static_cast<std::uint32_t>(place.column)};
  return error;
}

Place PlaceOf(std::string_view text, std::size_t byte, const std::string& file) {
  const std::string_view before = text.substr(0, std::min(byte, text.size()));
  const auto newline = before.rfind('\n');
  const std::size_t start = newline == std::string_view::npos ? 0 : newline + 1;
  return {file,
          static_cast<int>(std::ranges::count(before, '\n')) + 1,
          static_cast<int>(before.size() - start) + 1,
          {}};
}

// Whether brackets outside strings nest deeper: before any parser recurses over them.
bool IsTooDeep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\') ++i;
    if (c == '"') in_string = !in_string;
    if (in_string) continue;
    if ((c == '{' || c == '[') && ++depth > kMaxDepth) return true;
    if ((c == '}' || c == ']') && depth > 0) --depth;
  }
  return false;
}

}  // namespace

base::Result<LocatedJson> LocatedJson::Parse(std::string_view text, std::string file) {
  if (text.size() > kMaxBytes)
    return ErrorIn(file, {}, fmt::format("it is larger than {} bytes", kMaxBytes));
  if (IsTooDeep(text))
    return ErrorIn(file, {}, fmt::format("it is nested deeper than {}", kMaxDepth));
  LocatedJson located;
  try {
    located.root_ = nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    const std::size_t byte = error.byte == 0 ? 0 : error.byte - 1;
    return ErrorIn(file, PlaceOf(text, byte, file), "it is not JSON");
  } catch (const nlohmann::json::out_of_range&) {
    return ErrorIn(file, {}, "a number in it is larger than any");
  }
  // A mark of byte order is no part of it.
  Walk walk(text.starts_with("\xef\xbb\xbf") ? text.substr(3) : text, file);
  if (const auto complaint = walk.Run()) return ErrorIn(file, walk.Here(), *complaint);
  located.places_ = walk.TakePlaces();
  located.file_ = std::move(file);
  return located;
}

Place LocatedJson::At(const std::string& pointer) const {
  const auto found = places_.find(pointer);
  return found == places_.end() ? Place{file_, 0, 0, {}} : found->second;
}

base::Error LocatedJson::ErrorAt(const std::string& pointer, std::string_view cause) const {
  std::string path;
  for (const std::string_view token : base::Split(pointer, '/')) {
    if (token.empty()) continue;
    const bool is_index = base::ParseNumber(token).has_value();
    path += is_index ? fmt::format("[{}]", token)
                     : fmt::format("{}{}", path.empty() ? "" : ".", base::Escape(token));
  }
  return ErrorIn(file_, At(pointer),
                 path.empty() ? std::string(cause) : fmt::format("{} {}", path, cause));
}

}  // namespace bailey::review
