#include "model/schema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bailey::model {
namespace {

using Json = nlohmann::json;

const Json kSchema = Json::parse(R"({
  "type": "object", "additionalProperties": false, "required": ["findings", "sure"],
  "properties": {
    "sure": {"type": "boolean"},
    "findings": {
      "type": "array", "maxItems": 2,
      "items": {
        "type": "object", "additionalProperties": false, "required": ["line", "kind"],
        "properties": {
          "line": {"type": "integer", "minimum": 1, "maximum": 9},
          "kind": {"type": "string", "maxLength": 4, "enum": ["good", "bad", "worse"]}
        }
      }
    }
  }
})");

TEST(FindFault, SaysTheFirstDifference) {
  struct Row {
    std::string value, want;
  };
  const std::vector<Row> rows = {
      {R"({"sure": true, "findings": [{"line": 3, "kind": "bad"}]})", ""},
      {R"({"sure": true, "findings": []})", ""},
      {R"([])", "$: no object"},
      {R"({"sure": true})", "$: findings is missing"},
      {R"({"sure": 1, "findings": []})", "$.sure: no boolean"},
      {R"({"sure": true, "findings": [], "x\n": 1})", "$: \"x\\n\" is not in the schema"},
      {R"({"sure": true, "findings": [1]})", "$.findings[0]: no object"},
      {R"({"sure": true, "findings": [{"line": 3}]})", "$.findings[0]: kind is missing"},
      {R"({"sure": true, "findings": [{"line": 3.5, "kind": "bad"}]})",
       "$.findings[0].line: no integer"},
      {R"({"sure": true, "findings": [{"line": 0, "kind": "bad"}]})",
       "$.findings[0].line: too small"},
      {R"({"sure": true, "findings": [{"line": 10, "kind": "bad"}]})",
       "$.findings[0].line: too large"},
      {R"({"sure": true, "findings": [{"line": 3, "kind": "none"}]})",
       "$.findings[0].kind: none of the values that are allowed"},
      {R"({"sure": true, "findings": [{"line": 3, "kind": "worse"}]})",
       "$.findings[0].kind: too long"},
      {R"({"sure": true, "findings": [{"line": 1, "kind": "bad"}, {"line": 1, "kind": "bad"},
                                      {"line": 1, "kind": "bad"}]})",
       "$.findings: 3 items"},
      {R"({"sure": true, "findings": null})", "$.findings: no array"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(FindFault(Json::parse(row.value), kSchema).value_or(""), row.want) << row.value;
  }
}

TEST(FindFault, KnowsWhatItDoesNotKnow) {
  EXPECT_EQ(FindFault("x", Json::parse(R"({"type": "string", "pattern": "y"})")),
            "$: the schema says pattern, which is not known");
}

TEST(IsStrict, AsksForEveryProperty) {
  EXPECT_TRUE(IsStrict(kSchema));
  Json open = kSchema;
  open.erase("additionalProperties");
  EXPECT_FALSE(IsStrict(open));
  Json optional = kSchema;
  optional["properties"]["findings"]["items"]["required"] = {"line"};
  EXPECT_FALSE(IsStrict(optional));
}

}  // namespace
}  // namespace bailey::model
