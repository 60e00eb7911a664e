// A conversation with a language model behind an OpenAI-compatible /v1/chat/completions, streamed.
//
//   Chat chat(endpoint, {}, tools);
//   auto turn = chat.Ask(messages, [](std::string_view text) { Print(text); });
//
// What may pass is tried again after a wait: no connection, silence, 429 (Retry-After) and 5xx, an
// answer that is no JSON or has no end. A refusal, a cut-off answer, any other status is an error
// at once.
#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "agent/turn.h"
#include "base/result.h"
#include "model/endpoint.h"
#include "model/http.h"

namespace bailey::agent {

struct Message {
  enum class Role { kSystem, kUser, kAssistant, kTool };
  Role role = Role::kUser;
  std::string text;
  std::vector<ToolCall> calls;  // of an assistant
  std::string call;             // of a tool: the id of the call that it answers
  bool operator==(const Message&) const = default;
};

struct ChatLimits {
  std::chrono::milliseconds per_answer{600'000};  // waits and tries included
  std::chrono::seconds silence{120};
  unsigned tries = 5;
  std::chrono::milliseconds first_wait{500};
  std::size_t most_bytes = 8u << 20;
  unsigned most_tokens = 8192;
};

class Chat {
 public:
  using Show = std::function<void(std::string_view)>;

  // `tools`: as the API has them, {"type": "function", "function": {...}} each.
  Chat(model::Endpoint endpoint, ChatLimits limits, nlohmann::json tools,
       model::Post post = model::PostByCurl);
  // For tests, which do not wait.
  void SetSleep(std::function<void(std::chrono::milliseconds)> sleep) { sleep_ = std::move(sleep); }

  // Errors read "ask model \"qwen\": <cause>".
  base::Result<Turn> Ask(const std::vector<Message>& messages, const Show& show);

 private:
  struct Try;
  Try AskOnce(const std::string& body, std::chrono::milliseconds time_limit, const Show& show);
  base::Error Failed(base::ErrorCode code, std::string_view cause) const {
    return model::CannotAsk(endpoint_, code, cause);
  }

  model::Endpoint endpoint_;
  ChatLimits limits_;
  nlohmann::json tools_;
  model::Post post_;
  std::function<void(std::chrono::milliseconds)> sleep_;
};

}  // namespace bailey::agent
