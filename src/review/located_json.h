// JSON whose values know their line and column.
//
//   auto text = LocatedJson::Parse(bytes, "config.json");
//   if (!text) return text.error();              // "read config.json: it is not JSON", with a
//   place const auto& mounts = text->Root()["mounts"]; Place place = text->At("/mounts/0"); // a
//   JSON pointer (RFC 6901)
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "review/record.h"

namespace bailey::review {

class LocatedJson {
 public:
  // Texts above 1 MiB, nested deeper than 64, or with a name twice in one object are refused.
  static base::Result<LocatedJson> Parse(std::string_view text, std::string file);

  const nlohmann::json& Root() const { return root_; }
  // The place of the value; of a pointer that leads nowhere, that of the file.
  Place At(const std::string& pointer) const;
  // "read config.json: mounts[0].type is not a string", at that place.
  base::Error ErrorAt(const std::string& pointer, std::string_view cause) const;

 private:
  std::string file_;
  nlohmann::json root_;
  std::map<std::string, Place> places_;
};

}  // namespace bailey::review
