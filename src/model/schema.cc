#include "model/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/text.h"

namespace bailey::model {
namespace {

using Json = nlohmann::json;
using Fault = std::optional<std::string>;

constexpr std::string_view kWords[] = {
    "type",    "properties", "required",  "additionalProperties", "items", "maxItems", "enum",
    "minimum", "maximum",    "maxLength", "description"};

bool HasType(const Json& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  return type == "number" && value.is_number();
}

Fault FindIn(const Json& value, const Json& schema, const std::string& place);

Fault FindInObject(const Json& value, const Json& schema, const std::string& place) {
  const Json& properties = schema.at("properties");
  for (const Json& name : schema.at("required")) {
    if (!value.contains(name.get<std::string>())) {
      return fmt::format("{}: {} is missing", place, name.get<std::string>());
    }
  }
  for (const auto& [name, part] : value.items()) {
    if (!properties.contains(name)) {
      return fmt::format("{}: \"{}\" is not in the schema", place, base::Escape(name));
    }
    if (auto fault = FindIn(part, properties.at(name), place + "." + name)) return fault;
  }
  return std::nullopt;
}

Fault FindInArray(const Json& value, const Json& schema, const std::string& place) {
  if (schema.contains("maxItems") && value.size() > schema.at("maxItems").get<std::size_t>()) {
    return fmt::format("{}: {} items", place, value.size());
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (auto fault = FindIn(value[i], schema.at("items"), fmt::format("{}[{}]", place, i))) {
      return fault;
    }
  }
  return std::nullopt;
}

Fault FindIn(const Json& value, const Json& schema, const std::string& place) {
  for (const auto& [word, argument] : schema.items()) {
    if (std::ranges::find(kWords, word) == std::end(kWords)) {
      return fmt::format("{}: the schema says {}, which is not known", place, word);
    }
  }
  const auto type = schema.at("type").get<std::string>();
  if (!HasType(value, type)) return fmt::format("{}: no {}", place, type);
  if (schema.contains("enum")) {
    const Json& values = schema.at("enum");
    if (std::ranges::find(values, value) == values.end()) {
      return fmt::format("{}: none of the values that are allowed", place);
    }
  }
  if (value.is_number() && schema.contains("minimum") && value < schema.at("minimum")) {
    return fmt::format("{}: too small", place);
  }
  if (value.is_number() && schema.contains("maximum") && value > schema.at("maximum")) {
    return fmt::format("{}: too large", place);
  }
  if (value.is_string() && schema.contains("maxLength") &&
      value.get_ref<const std::string&>().size() > schema.at("maxLength").get<std::size_t>()) {
    return fmt::format("{}: too long", place);
  }
  if (value.is_object()) return FindInObject(value, schema, place);
  if (value.is_array()) return FindInArray(value, schema, place);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> FindFault(const Json& value, const Json& schema) {
  return FindIn(value, schema, "$");
}

bool IsStrict(const Json& schema) {
  const auto type = schema.value("type", "");
  if (type == "array") return schema.contains("items") && IsStrict(schema.at("items"));
  if (type != "object") return !type.empty();
  if (!schema.contains("properties") || !schema.contains("required")) return false;
  if (schema.value("additionalProperties", true)) return false;
  const Json& required = schema.at("required");
  for (const auto& [name, part] : schema.at("properties").items()) {
    if (std::ranges::find(required, Json(name)) == required.end() || !IsStrict(part)) return false;
  }
  return true;
}

}  // namespace bailey::model
