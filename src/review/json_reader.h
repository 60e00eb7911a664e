// Members of located JSON by type: what is missing has a default, what is of another type is the
// first error.
//
//   JsonReader reader(text);
//   for (const std::string& mount : reader.Objects("/mounts"))
//     Use(reader.String(mount + "/destination"));
//   if (reader.Failed()) return reader.Error();
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "review/located_json.h"

namespace bailey::review {

// Values are named by JSON pointers. After an error everything is missing.
class JsonReader {
 public:
  explicit JsonReader(const LocatedJson& text) : text_(text) {}

  bool Has(const std::string& pointer) { return Find(pointer) != nullptr; }
  std::string String(const std::string& pointer);
  std::optional<bool> Boolean(const std::string& pointer);
  std::optional<std::int64_t> Integer(const std::string& pointer);
  std::vector<std::string> Strings(const std::string& pointer);
  // The pointers of a list's elements, each an object. A missing list has none.
  std::vector<std::string> Objects(const std::string& pointer);
  // Whether it is there; an error where it is no object.
  bool Object(const std::string& pointer);
  // Names in an object that are not among the known ones.
  std::vector<std::string> Unknown(const std::string& pointer,
                                   std::initializer_list<std::string_view> known);

  // "mounts[0].type is not a string"; the first stands.
  void Fail(const std::string& pointer, std::string_view cause);
  bool Failed() const { return error_.has_value(); }
  const base::Error& Error() const { return *error_; }
  Place At(const std::string& pointer) const { return text_.At(pointer); }

 private:
  // Null for what is not there, or null.
  const nlohmann::json* Find(const std::string& pointer);

  const LocatedJson& text_;
  std::optional<base::Error> error_;
};

}  // namespace bailey::review
