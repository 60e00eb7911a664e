// As much of JSON Schema as strict structured output has, and the answer held to it: a server may
// say that it follows a schema and not do so.
//
//   if (auto fault = FindFault(answer, schema))
//     Print(*fault);                          // "$.findings[2].line: no integer"
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace bailey::model {

// The first difference. Known words: type (one name), properties, required, additionalProperties
// (false), items, maxItems, enum, minimum, maximum, maxLength; another one is a fault itself.
// `description` is for people.
std::optional<std::string> FindFault(const nlohmann::json& value, const nlohmann::json& schema);

// What servers ask of a strict schema: in every object each property is required, and no other is
// allowed.
bool IsStrict(const nlohmann::json& schema);

}  // namespace bailey::model
