#include "model/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "model/schema.h"

namespace bailey::model {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

std::uint64_t TokensOf(const Json& usage, const char* name) {
  return usage.contains(name) && usage[name].is_number_unsigned() ? usage[name].get<std::uint64_t>()
                                                                  : 0;
}

std::string StringAt(const Json& object, const char* name) {
  return object.contains(name) && object[name].is_string() ? object[name].get<std::string>()
                                                           : std::string();
}

}  // namespace

struct Client::Try {
  std::optional<Json> answer;
  std::optional<base::Error> error;
  bool may_pass = false;
  std::optional<milliseconds> wait;
};

std::string Spending::ToString() const {
  std::string text = fmt::format("{} request{}, {} tokens in, {} out", requests,
                                 requests == 1 ? "" : "s", tokens_in, tokens_out);
  if (price) {
    constexpr double kMillion = 1e6;
    text +=
        fmt::format(", cost {:.4f}", static_cast<double>(tokens_in) * price->in / kMillion +
                                         static_cast<double>(tokens_out) * price->out / kMillion);
  }
  return text;
}

Client::Client(Endpoint endpoint, Limits limits, std::optional<Price> price, Post post)
    : endpoint_(std::move(endpoint)),
      limits_(limits),
      post_(std::move(post)),
      sleep_([](milliseconds time) { std::this_thread::sleep_for(time); }) {
  while (endpoint_.url.ends_with('/')) endpoint_.url.pop_back();
  spending_.price = price;
}

base::Error Client::Failed(base::ErrorCode code, std::string_view cause) const {
  return CannotAsk(endpoint_, code, cause);
}

base::Result<Json> Client::Ask(const Question& question) {
  if (const auto status = CheckEndpoint(endpoint_); !status) return status.error();
  if (!IsStrict(question.schema)) {
    return Failed(base::ErrorCode::kInternal, "the schema is not strict");
  }
  const auto end = Clock::now() + limits_.per_question;
  milliseconds wait = limits_.first_wait;
  for (unsigned tried = 1;; ++tried) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
    if (left <= milliseconds(0)) {
      return Failed(base::ErrorCode::kSystem,
                    fmt::format("no answer within {} ms", limits_.per_question.count()));
    }
    Try attempt = AskOnce(question, left);
    if (attempt.answer) return *std::move(attempt.answer);
    const milliseconds pause = attempt.wait.value_or(wait);
    const bool in_time = Clock::now() + pause < end;
    if (!attempt.may_pass || tried == limits_.tries || !in_time) return *attempt.error;
    sleep_(pause);
    wait *= 2;
  }
}

Client::Try Client::AskOnce(const Question& question, milliseconds time_limit) {
  Json messages = Json::array();
  for (const Message& message : question.messages) {
    messages.push_back({{"role", message.role}, {"content", message.content}});
  }
  const Json body = {
      {"model", endpoint_.model},
      {"messages", std::move(messages)},
      {"temperature", 0},
      {"max_tokens", limits_.most_tokens},
      {"response_format",
       {{"type", "json_schema"},
        {"json_schema",
         {{"name", question.schema_name}, {"strict", true}, {"schema", question.schema}}}}}};
  HttpRequest request = {.url = endpoint_.url + "/chat/completions",
                         .headers = {"Content-Type: application/json"},
                         .body = body.dump(-1, ' ', false, Json::error_handler_t::replace),
                         .time_limit = time_limit,
                         .most_bytes = limits_.most_bytes};
  if (!endpoint_.key.empty()) {
    request.headers.push_back("Authorization: Bearer " + endpoint_.key);
  }
  ++spending_.requests;
  const auto answer = post_(request);
  if (!answer) {
    return {.error = Failed(base::ErrorCode::kSystem, answer.error().text), .may_pass = true};
  }
  return Read(*answer, question.schema);
}

Client::Try Client::Read(const HttpAnswer& answer, const Json& schema) {
  using enum base::ErrorCode;
  constexpr long kTooMany = 429;
  if (answer.status != 200) {
    Try failed = {
        .error = Failed(kSystem, fmt::format("status {}: {}", answer.status, CauseIn(answer.body))),
        .may_pass = answer.status == kTooMany || answer.status >= 500};
    if (answer.retry_after) failed.wait = *answer.retry_after;
    return failed;
  }
  const auto no_answer = [this](std::string_view cause) {
    return Try{.error = Failed(kInvalidInput, cause), .may_pass = true};
  };
  const Json parsed = Json::parse(answer.body, nullptr, false);
  if (parsed.is_discarded()) return no_answer("the server's answer is no JSON");
  if (!parsed.is_object()) return no_answer("the server's answer is no object");
  if (parsed.contains("usage") && parsed["usage"].is_object()) {
    spending_.tokens_in += TokensOf(parsed["usage"], "prompt_tokens");
    spending_.tokens_out += TokensOf(parsed["usage"], "completion_tokens");
  }
  if (!parsed.contains("choices") || !parsed["choices"].is_array() || parsed["choices"].empty() ||
      !parsed["choices"][0].is_object() || !parsed["choices"][0].contains("message") ||
      !parsed["choices"][0]["message"].is_object()) {
    return no_answer("the server's answer has no message");
  }
  const Json& choice = parsed["choices"][0];
  const Json& message = choice["message"];
  const std::string reason = StringAt(choice, "finish_reason");
  if (const std::string refusal = StringAt(message, "refusal"); !refusal.empty()) {
    return {.error = Failed(kUnsupported, "it refused: " + Shortened(refusal))};
  }
  if (reason == "content_filter") return {.error = Failed(kUnsupported, "its answer was filtered")};
  if (reason == "length") {
    return {.error = Failed(kInvalidInput, fmt::format("its answer was cut off (at most {} tokens)",
                                                       limits_.most_tokens))};
  }
  const Json content = Json::parse(StringAt(message, "content"), nullptr, false);
  if (content.is_discarded()) return no_answer("its answer is no JSON");
  if (const auto fault = FindFault(content, schema)) {
    return no_answer("its answer is not of the schema: " + *fault);
  }
  return {.answer = content};
}

}  // namespace bailey::model
