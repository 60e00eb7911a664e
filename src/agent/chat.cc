#include "agent/chat.h"

#include <fmt/format.h>

#include <optional>
#include <thread>
#include <utility>

namespace bailey::agent {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

Json ToJson(const Message& message) {
  switch (message.role) {
    case Message::Role::kSystem:
      return {{"role", "system"}, {"content", message.text}};
    case Message::Role::kUser:
      return {{"role", "user"}, {"content", message.text}};
    case Message::Role::kTool:
      return {{"role", "tool"}, {"tool_call_id", message.call}, {"content", message.text}};
    case Message::Role::kAssistant:
      break;
  }
  Json json = {{"role", "assistant"}, {"content", message.text}};
  for (const ToolCall& call : message.calls) {
    json["tool_calls"].push_back(
        {{"id", call.id},
         {"type", "function"},
         {"function", {{"name", call.tool}, {"arguments", call.arguments}}}});
  }
  return json;
}

// The body of an answer, as it comes: a stream of events, or one document.
class Body {
 public:
  explicit Body(const Chat::Show& show) : show_(show) {}

  // False ends the request: Status says why.
  bool Take(std::string_view bytes) {
    if (!is_stream_ && document_.empty()) {
      const std::size_t begin = bytes.find_first_not_of(" \r\n\t");
      if (begin == std::string_view::npos) return true;
      is_stream_ = bytes[begin] != '{';
    }
    if (!is_stream_) {
      document_ += bytes;
      return true;
    }
    for (const std::string& event : events_.Take(bytes)) {
      if (!Piece(event)) return false;
    }
    return true;
  }

  base::Result<Turn> Finish() {
    if (!status_) return status_.error();
    if (!is_stream_ && !document_.empty() && !Piece(document_)) return status_.error();
    return builder_.Finish();
  }
  const base::Status& GetStatus() const { return status_; }

 private:
  bool Piece(const std::string& data) {
    status_ = builder_.Take(data);
    if (status_) show_(builder_.TakeShown());
    return status_.has_value();
  }

  const Chat::Show& show_;
  EventReader events_;
  TurnBuilder builder_;
  std::string document_;
  bool is_stream_ = false;
  base::Status status_;
};

}  // namespace

struct Chat::Try {
  std::optional<Turn> turn;
  std::optional<base::Error> error;
  bool may_pass = false;
  std::optional<milliseconds> wait;
};

Chat::Chat(model::Endpoint endpoint, ChatLimits limits, Json tools, model::Post post)
    : endpoint_(std::move(endpoint)),
      limits_(limits),
      tools_(std::move(tools)),
      post_(std::move(post)),
      sleep_([](milliseconds time) { std::this_thread::sleep_for(time); }) {
  while (endpoint_.url.ends_with('/')) endpoint_.url.pop_back();
}

base::Result<Turn> Chat::Ask(const std::vector<Message>& messages, const Show& show) {
  if (const auto fits = model::CheckEndpoint(endpoint_); !fits) return fits.error();
  Json body = {{"model", endpoint_.model},
               {"messages", Json::array()},
               {"max_tokens", limits_.most_tokens},
               {"stream", true},
               {"stream_options", {{"include_usage", true}}}};
  for (const Message& message : messages) body["messages"].push_back(ToJson(message));
  if (!tools_.empty()) body["tools"] = tools_;
  const std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  const auto end = Clock::now() + limits_.per_answer;
  milliseconds wait = limits_.first_wait;
  for (unsigned tried = 1;; ++tried) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
    if (left <= milliseconds(0)) {
      return Failed(base::ErrorCode::kSystem,
                    fmt::format("no answer within {} ms", limits_.per_answer.count()));
    }
    Try attempt = AskOnce(text, left, show);
    if (attempt.turn) return *std::move(attempt.turn);
    const milliseconds pause = attempt.wait.value_or(wait);
    if (!attempt.may_pass || tried == limits_.tries || Clock::now() + pause >= end)
      return *attempt.error;
    sleep_(pause);
    wait *= 2;
  }
}

Chat::Try Chat::AskOnce(const std::string& text, milliseconds time_limit, const Show& show) {
  using enum base::ErrorCode;
  constexpr long kTooMany = 429;
  Body body(show);
  model::HttpRequest request = {
      .url = endpoint_.url + "/chat/completions",
      .headers = {"Content-Type: application/json", "Accept: text/event-stream"},
      .body = text,
      .time_limit = time_limit,
      .most_bytes = limits_.most_bytes,
      .take = [&](std::string_view bytes) { return body.Take(bytes); },
      .idle_limit = limits_.silence};
  if (!endpoint_.key.empty()) request.headers.push_back("Authorization: Bearer " + endpoint_.key);
  const auto answer = post_(request);
  if (!body.GetStatus())
    return {.error = Failed(kInvalidInput, body.GetStatus().error().text), .may_pass = true};
  if (!answer) return {.error = Failed(kSystem, answer.error().text), .may_pass = true};
  if (answer->status != 200) {
    Try failed = {.error = Failed(kSystem, fmt::format("status {}: {}", answer->status,
                                                       model::CauseIn(answer->body))),
                  .may_pass = answer->status == kTooMany || answer->status >= 500};
    if (answer->retry_after) failed.wait = *answer->retry_after;
    return failed;
  }
  auto turn = body.Finish();
  if (turn) return {.turn = *std::move(turn)};
  return {.error = Failed(turn.error().code, turn.error().text),
          .may_pass = turn.error().code == kInvalidInput};
}

}  // namespace bailey::agent
