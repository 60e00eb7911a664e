// Arguments of a tool held to its input schema, before anything runs.
//
//   if (auto fault = FindFault(arguments, schema)) Refuse(*fault);   // "argv[1]: it is no string"
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace bailey::mcp {

// The first difference; nothing where there is none. Of JSON Schema 2020-12: type, enum, const,
// properties, required, additionalProperties, items, the bounds of numbers, texts, arrays and
// objects, allOf, anyOf, oneOf, not, and $ref within the schema. Other words are passed over: a
// schema may ask for more than is looked at, and the server must look itself.
std::optional<std::string> FindFault(const nlohmann::json& value, const nlohmann::json& schema);

}  // namespace bailey::mcp
