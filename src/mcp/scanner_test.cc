#include "mcp/scanner.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace bailey::mcp {
namespace {

struct Seen {
  Head head;
  std::string fault;
};

// Fed in pieces of this size: where a piece ends must not matter.
Seen Scan(std::string_view line, std::size_t piece) {
  Scanner scanner;
  const std::string text = std::string(line) + "\n";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t taken = scanner.Take(std::string_view(text).substr(at, piece));
    EXPECT_GT(taken, 0u);
    at += taken;
    EXPECT_EQ(scanner.IsAtEnd(), at == text.size());
  }
  return {scanner.GetHead(), std::string(scanner.Fault())};
}

TEST(Scanner, ReadsHeads) {
  struct {
    const char* sentence;
    std::string line;
    std::optional<Id> id;
    std::optional<std::string> method;
    bool result, error;
  } const rows[] = {
      {"a request", R"({"jsonrpc":"2.0","id":1,"method":"ping"})", Id{false, "1"}, "ping", false,
       false},
      {"an id that is text", R"({"id":"a\"b","method":"x"})", Id{true, "a\"b"}, "x", false, false},
      {"escapes in names and values", R"({"\u0069d":"\u0041","meth\u006fd":"tools\/call"})",
       Id{true, "A"}, "tools/call", false, false},
      {"a pair of surrogates",
       R"({"id":"\ud83d\ude00"})",
       Id{true, "\xf0\x9f\x98\x80"},
       {},
       false,
       false},
      {"an answer, its id at the end",
       R"({"result":{"id":7,"method":"no"},"id":-1.5e+3})",
       Id{false, "-1.5e+3"},
       {},
       true,
       false},
      {"an error without an id", R"( { "id" : null , "error" : [ ] } )", {}, {}, false, true},
      {"a notification",
       R"({"method":"notifications/x","params":[{},[],"",1,true,null]})",
       {},
       "notifications/x",
       false,
       false},
      {"nothing at all", "{}", {}, {}, false, false},
  };
  for (const auto& row : rows)
    for (const std::size_t piece : {1u, 3u, 1000u}) {
      SCOPED_TRACE(fmt::format("{}, pieces of {}", row.sentence, piece));
      const Seen seen = Scan(row.line, piece);
      EXPECT_EQ(seen.fault, "");
      EXPECT_EQ(seen.head.id, row.id);
      EXPECT_EQ(seen.head.method, row.method);
      EXPECT_EQ(seen.head.has_result, row.result);
      EXPECT_EQ(seen.head.has_error, row.error);
    }
}

TEST(Scanner, SaysWhatIsNoMessage) {
  const std::string deep(Scanner::kMostDepth + 1, '[');
  const std::string long_id(Scanner::kMostName + 1, '1');
  struct {
    std::string line, fault;
  } const rows[] = {
      {"[{}]", "it is a batch, which no version since 2025-06-18 has"},
      {"hello", "it is no JSON object"},
      {R"({"id":1,"id":2})", "a name of the protocol comes twice"},
      {R"({"id":1,"\u0069d":2})", "a name of the protocol comes twice"},
      {R"({"method":"a","Method":"b"})", "a name of the protocol is written with capitals"},
      {R"({"id":{}})", "its id is no text or number"},
      {R"({"id":true})", "its id is no text or number"},
      {R"({"method":1})", "its method is no text"},
      {R"({"id":")" + long_id + "\"}", "its id or method is too long"},
      {R"({"id":)" + long_id + "}", "its id or method is too long"},
      {R"({"id":"\ud800"})", "its id or method is no Unicode"},
      {R"({"a":1)", "it ends in the middle"},
      {R"({"a":"b)", "it ends in the middle"},
      {R"({"a":1} x)", "something follows it on its line"},
      {R"({"a":1}{})", "something follows it on its line"},
      {R"({"a":01})", "a comma or a bracket is missing"},
      {R"({"a":-})", "a number is not whole"},
      {R"({"a":1.})", "a number is not whole"},
      {R"({"a":1e})", "a number is not whole"},
      {R"({"a":nul})", "a value is none of JSON's"},
      {R"({"a":NaN})", "a value is none of JSON's"},
      {R"({"a":'b'})", "a value is none of JSON's"},
      {R"({"a" 1})", "a colon is missing"},
      {R"({a:1})", "a name is missing"},
      {R"({"a":1,})", "a name is missing"},
      {R"({"a":[1,]})", "a value is none of JSON's"},
      {R"({"a":[1})", "a comma or a bracket is missing"},
      {R"({"a":1]})", "a comma or a bracket is missing"},
      {"{\"a\":\"\t\"}", "a text holds a control character"},
      {R"({"a":"\x"})", "a text holds an escape that JSON has not"},
      {R"({"a":"\u12g4"})", "a text holds an escape that JSON has not"},
      {"{\"a\":\"\xc0\xaf\"}", "it is no UTF-8"},
      {"{\"a\":\"\xed\xa0\x80\"}", "it is no UTF-8"},
      {"{\"a\":\"\xf4\x90\x80\x80\"}", "it is no UTF-8"},
      {"{\"a\":\"\x80\"}", "it is no UTF-8"},
      {"{\"a\":\"\xe2\x82\"}", "it is no UTF-8"},
      {"\xef\xbb\xbf{}", "it is no JSON object"},
      {R"({"a":)" + deep, "it nests too deep"},
  };
  for (const auto& row : rows)
    for (const std::size_t piece : {1u, 1000u})
      EXPECT_EQ(Scan(row.line, piece).fault, row.fault) << row.line;
}

TEST(Scanner, SkipsBlankLinesAndStopsAtEachMessage) {
  Scanner scanner;
  EXPECT_EQ(scanner.Take(" \r\n{}"), 3u);
  EXPECT_TRUE(scanner.IsAtEnd());
  EXPECT_TRUE(scanner.IsBlank());
  scanner.Reset();
  EXPECT_EQ(scanner.Take("{\"id\":1}\n{\"id\":2}\n"), 9u);
  EXPECT_EQ(scanner.GetHead().id->text, "1");
}

std::string RandomText(std::mt19937_64& random) {
  static constexpr std::string_view kPieces[] = {
      "{", "}",      "[",    "]",    ",", ":",       "\"",       "\\",   "\"id\"",     "\"a\"",
      "1", "-0.5e3", "true", "null", " ", "\\u00e9", "\xc3\xa9", "\xff", "\"method\"", "x"};
  std::string text = random() % 2 ? "{\"a\":" : "";
  for (std::size_t n = random() % 12; n > 0; --n) text += kPieces[random() % std::size(kPieces)];
  return text + (random() % 2 ? "}" : "");
}

// The slow reading that this one must agree with: a document's.
TEST(Scanner, AgreesWithAReaderOfDocuments) {
  std::mt19937_64 random(20261122);
  int objects = 0;
  for (int round = 0; round < 200'000; ++round) {
    const std::string text = RandomText(random);
    const auto parsed = nlohmann::json::parse(text, nullptr, false);
    const std::string fault = Scan(text, 1 + random() % 8).fault;
    if (parsed.is_object() && fault.empty()) ++objects;
    if (fault.empty() && text.find_first_not_of(' ') != std::string::npos) {
      ASSERT_TRUE(parsed.is_object()) << text;
    }
    // What is stricter here has a reason of its own.
    if (parsed.is_object() && !fault.empty()) {
      ASSERT_THAT(fault,
                  testing::AnyOf(testing::HasSubstr("its id"), testing::HasSubstr("its method"),
                                 testing::HasSubstr("twice")))
          << text;
    }
  }
  EXPECT_GT(objects, 1000);
}

}  // namespace
}  // namespace bailey::mcp
