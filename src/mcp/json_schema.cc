#include "mcp/json_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/text.h"

namespace bailey::mcp {
namespace {

using Json = nlohmann::json;
using Fault = std::optional<std::string>;

constexpr int kMostDepth = 64;

bool HasType(const Json& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "number") return value.is_number();
  if (type != "integer") return false;
  return value.is_number_integer() ||
         (value.is_number_float() &&
          value.get<double>() == static_cast<double>(value.get<std::int64_t>()));
}

// Characters, as schemas count them.
std::size_t Length(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

class Checker {
 public:
  explicit Checker(const Json& root) : root_(root) {}

  Fault Check(const Json& value, const Json& schema, const std::string& place, int depth) {
    if (schema.is_boolean())
      return schema.get<bool>() ? Fault() : fmt::format("{}: nothing is allowed here", Name(place));
    if (!schema.is_object()) return std::nullopt;
    if (depth > kMostDepth) return fmt::format("{}: the schema nests too deep", Name(place));
    if (auto fault = CheckType(value, schema, place)) return fault;
    if (auto fault = CheckReference(value, schema, place, depth)) return fault;
    if (auto fault = CheckBounds(value, schema, place)) return fault;
    if (auto fault = CheckCombined(value, schema, place, depth)) return fault;
    if (value.is_object()) return CheckObject(value, schema, place, depth);
    if (value.is_array()) return CheckArray(value, schema, place, depth);
    return std::nullopt;
  }

 private:
  static std::string Name(const std::string& place) {
    return place.empty() ? "the arguments" : place;
  }

  static Fault CheckType(const Json& value, const Json& schema, const std::string& place) {
    if (const auto type = schema.find("type"); type != schema.end()) {
      const bool one = type->is_string() && HasType(value, type->get<std::string>());
      const bool many = type->is_array() && std::ranges::any_of(*type, [&](const Json& name) {
                          return name.is_string() && HasType(value, name.get<std::string>());
                        });
      if (!one && !many)
        return fmt::format("{}: it is no {}", Name(place),
                           type->is_string() ? type->get<std::string>() : type->dump());
    }
    if (const auto values = schema.find("enum"); values != schema.end() && values->is_array())
      if (std::ranges::find(*values, value) == values->end())
        return fmt::format("{}: it is none of {}", Name(place), values->dump());
    if (const auto only = schema.find("const"); only != schema.end() && value != *only)
      return fmt::format("{}: it is not {}", Name(place), only->dump());
    return std::nullopt;
  }

  Fault CheckReference(const Json& value, const Json& schema, const std::string& place, int depth) {
    const auto reference = schema.find("$ref");
    if (reference == schema.end() || !reference->is_string()) return std::nullopt;
    const std::string text = *reference;
    if (!text.starts_with('#')) return fmt::format("{}: its schema lies elsewhere", Name(place));
    // The library throws for a pointer that is none.
    try {
      return Check(value, root_.at(Json::json_pointer(text.substr(1))), place, depth + 1);
    } catch (const Json::exception&) {
      return fmt::format("{}: its schema refers to nothing", Name(place));
    }
  }

  static Fault CheckBounds(const Json& value, const Json& schema, const std::string& place) {
    const auto compare = [&](const char* word, double have, bool least, bool strict) -> Fault {
      const auto bound = schema.find(word);
      if (bound == schema.end() || !bound->is_number()) return std::nullopt;
      const double limit = *bound;
      const bool holds =
          least ? (strict ? have > limit : have >= limit) : (strict ? have < limit : have <= limit);
      if (holds) return std::nullopt;
      return fmt::format("{}: its {} is {}", Name(place), word, bound->dump());
    };
    Fault fault;
    const auto both = [&](const char* least, const char* most, double have) {
      fault = compare(least, have, true, false);
      if (!fault) fault = compare(most, have, false, false);
    };
    if (value.is_number()) {
      const double have = value;
      both("minimum", "maximum", have);
      if (!fault) fault = compare("exclusiveMinimum", have, true, true);
      if (!fault) fault = compare("exclusiveMaximum", have, false, true);
    }
    if (value.is_string())
      both("minLength", "maxLength",
           static_cast<double>(Length(value.get_ref<const std::string&>())));
    if (value.is_array()) both("minItems", "maxItems", static_cast<double>(value.size()));
    if (value.is_object())
      both("minProperties", "maxProperties", static_cast<double>(value.size()));
    return fault;
  }

  Fault CheckCombined(const Json& value, const Json& schema, const std::string& place, int depth) {
    const auto count = [&](const Json& list) {
      return std::ranges::count_if(
          list, [&](const Json& part) { return !Check(value, part, place, depth + 1); });
    };
    if (const auto all = schema.find("allOf"); all != schema.end() && all->is_array())
      for (const Json& part : *all)
        if (auto fault = Check(value, part, place, depth + 1)) return fault;
    if (const auto any = schema.find("anyOf"); any != schema.end() && any->is_array())
      if (count(*any) == 0) return fmt::format("{}: it is of no form that is allowed", Name(place));
    if (const auto one = schema.find("oneOf"); one != schema.end() && one->is_array())
      if (count(*one) != 1)
        return fmt::format("{}: it is not of exactly one form that is allowed", Name(place));
    if (const auto no = schema.find("not"); no != schema.end())
      if (!Check(value, *no, place, depth + 1))
        return fmt::format("{}: it is of a form that is not allowed", Name(place));
    return std::nullopt;
  }

  Fault CheckObject(const Json& value, const Json& schema, const std::string& place, int depth) {
    const Json properties = schema.value("properties", Json::object());
    if (const auto required = schema.find("required"); required != schema.end())
      for (const Json& name : *required)
        if (name.is_string() && !value.contains(name.get<std::string>()))
          return fmt::format("{}: \"{}\" is missing", Name(place),
                             base::Escape(name.get<std::string>()));
    for (const auto& [name, part] : value.items()) {
      const std::string inside =
          place.empty() ? base::Escape(name) : place + "." + base::Escape(name);
      if (properties.is_object() && properties.contains(name)) {
        if (auto fault = Check(part, properties.at(name), inside, depth + 1)) return fault;
      } else if (const auto other = schema.find("additionalProperties"); other != schema.end()) {
        if (*other == false) return fmt::format("{}: there is no such argument", inside);
        if (auto fault = Check(part, *other, inside, depth + 1)) return fault;
      }
    }
    return std::nullopt;
  }

  Fault CheckArray(const Json& value, const Json& schema, const std::string& place, int depth) {
    const auto items = schema.find("items");
    if (items == schema.end()) return std::nullopt;
    for (std::size_t i = 0; i < value.size(); ++i)
      if (auto fault = Check(value[i], *items, fmt::format("{}[{}]", place, i), depth + 1))
        return fault;
    return std::nullopt;
  }

  const Json& root_;
};

}  // namespace

std::optional<std::string> FindFault(const Json& value, const Json& schema) {
  return Checker(schema).Check(value, schema, "", 0);
}

}  // namespace bailey::mcp
