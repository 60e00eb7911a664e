#include "mcp/json_schema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bailey::mcp {
namespace {

TEST(JsonSchema, FindsTheFirstFault) {
  struct {
    const char* schema;
    const char* value;
    const char* fault;  // "": none
  } const rows[] = {
      {R"({"type":"object"})", "{}", ""},
      {R"({"type":"object"})", "[]", "the arguments: it is no object"},
      {R"({"type":["string","null"]})", "null", ""},
      {R"({"type":["string","null"]})", "1", "the arguments: it is no [\"string\",\"null\"]"},
      {R"({"required":["a"]})", "{}", "the arguments: \"a\" is missing"},
      {R"({"properties":{"a":{"type":"integer"}}})", R"({"a":1.0})", ""},
      {R"({"properties":{"a":{"type":"integer"}}})", R"({"a":1.5})", "a: it is no integer"},
      {R"({"additionalProperties":false})", R"({"b":1})", "b: there is no such argument"},
      {R"({"additionalProperties":{"type":"string"}})", R"({"b":1})", "b: it is no string"},
      {R"({"properties":{"a":{"items":{"type":"string"},"minItems":1}}})", R"({"a":["x",2]})",
       "a[1]: it is no string"},
      {R"({"properties":{"a":{"minItems":1}}})", R"({"a":[]})", "a: its minItems is 1"},
      {R"({"enum":[1,2]})", "3", "the arguments: it is none of [1,2]"},
      {R"({"const":"x"})", "\"y\"", "the arguments: it is not \"x\""},
      {R"({"maxLength":2})", R"("äö")", ""},
      {R"({"maxLength":2})", R"("abc")", "the arguments: its maxLength is 2"},
      {R"({"minimum":1,"exclusiveMaximum":3})", "3", "the arguments: its exclusiveMaximum is 3"},
      {R"({"anyOf":[{"type":"string"},{"type":"null"}]})", "1",
       "the arguments: it is of no form that is allowed"},
      {R"({"oneOf":[{"type":"number"},{"type":"integer"}]})", "1",
       "the arguments: it is not of exactly one form that is allowed"},
      {R"({"not":{"type":"string"}})", "\"a\"",
       "the arguments: it is of a form that is not allowed"},
      {R"({"allOf":[{"minimum":2},{"maximum":4}]})", "5", "the arguments: its maximum is 4"},
      {R"({"properties":{"a":false}})", R"({"a":1})", "a: nothing is allowed here"},
      {R"({"$defs":{"p":{"type":"string"}},"properties":{"a":{"$ref":"#/$defs/p"}}})", R"({"a":1})",
       "a: it is no string"},
      {R"({"$ref":"#"})", "1", "the arguments: the schema nests too deep"},
      {R"({"$ref":"https://example.org/s"})", "1", "the arguments: its schema lies elsewhere"},
      {R"({"$ref":"#/none"})", "1", "the arguments: its schema refers to nothing"},
  };
  for (const auto& row : rows) {
    const auto fault =
        FindFault(nlohmann::json::parse(row.value), nlohmann::json::parse(row.schema));
    EXPECT_EQ(fault.value_or(""), row.fault) << row.schema << " " << row.value;
  }
}

}  // namespace
}  // namespace bailey::mcp
