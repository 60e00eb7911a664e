// Questions to a language model behind an OpenAI-compatible /v1/chat/completions, answered in JSON
// of a strict schema.
//
//   model::Client client({.url = "http://127.0.0.1:8080/v1", .model = "qwen", .key = *key}, {});
//   auto answer = client.Ask({.messages = {{"system", rules}, {"user", data}},
//                             .schema_name = "findings", .schema = schema});
//   Print(client.Spent().ToString());
//
// An answer is held to the schema here too. What may pass is tried again: no connection, 429 and
// 5xx after a wait (Retry-After, or doubled from one to the next), and an answer that is no JSON or
// not of the schema. What will not pass is an error at once: a refusal, a cut-off answer, any other
// status. The key appears in no text.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/endpoint.h"
#include "model/http.h"

namespace bailey::model {

struct Limits {
  std::chrono::milliseconds per_question{120'000};  // waits included
  unsigned tries = 4;
  std::chrono::milliseconds first_wait{500};
  std::size_t most_bytes = 4u << 20;  // of an answer
  unsigned most_tokens = 8192;        // of an answer
};

// In the currency of whoever says it, for a million tokens.
struct Price {
  double in = 0, out = 0;
};

struct Message {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};

struct Question {
  std::vector<Message> messages;
  std::string schema_name;
  nlohmann::json schema;  // strict
};

struct Spending {
  unsigned requests = 0;
  std::uint64_t tokens_in = 0, tokens_out = 0;
  std::optional<Price> price;
  // "3 requests, 1200 tokens in, 340 out", and ", cost 0.0042" where a price is known.
  std::string ToString() const;
};

class Client {
 public:
  using Sleep = std::function<void(std::chrono::milliseconds)>;

  Client(Endpoint endpoint, Limits limits, std::optional<Price> price = std::nullopt,
         Post post = PostByCurl);
  // For tests, which do not wait.
  void SetSleep(Sleep sleep) { sleep_ = std::move(sleep); }

  // Errors read "ask model \"qwen\": <cause>": kSystem where no answer came, kUnsupported where the
  // model refused, kInvalidInput where its answer is none or the endpoint makes no sense.
  base::Result<nlohmann::json> Ask(const Question& question);

  const Spending& Spent() const { return spending_; }
  const std::string& Model() const { return endpoint_.model; }

 private:
  struct Try;
  Try AskOnce(const Question& question, std::chrono::milliseconds time_limit);
  Try Read(const HttpAnswer& answer, const nlohmann::json& schema);
  base::Error Failed(base::ErrorCode code, std::string_view cause) const;

  Endpoint endpoint_;
  Limits limits_;
  Post post_;
  Sleep sleep_;
  Spending spending_;
};

// The first line of a file, or a variable of the environment, without blanks around it. A file that
// others than its owner may read is an error: "read key \"key.txt\": <cause>".
base::Result<std::string> ReadKeyFile(const std::string& path);
base::Result<std::string> ReadKeyVariable(const std::string& name);

}  // namespace bailey::model
