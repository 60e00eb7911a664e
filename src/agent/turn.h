// One answer of a model: what it says, and the tools that it wants called. Put together from the
// pieces of a stream, as OpenAI-compatible servers send them.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bailey::agent {

struct ToolCall {
  std::string id;
  std::string tool;       // by the name that the model was given
  std::string arguments;  // JSON, if the model wrote any
  bool operator==(const ToolCall&) const = default;
};

struct Turn {
  std::string text;
  std::vector<ToolCall> calls;
  std::uint64_t tokens_in = 0, tokens_out = 0;
  bool operator==(const Turn&) const = default;
};

// Server-sent events (the HTML standard, 9.2): the data of each, as bytes come.
class EventReader {
 public:
  std::vector<std::string> Take(std::string_view bytes);
  // What stands there when the stream has ended: no event yet.
  const std::string& Rest() const { return line_; }

 private:
  std::string line_, data_;
  bool has_data_ = false, ends_in_cr_ = false;
};

class TurnBuilder {
 public:
  // A piece of a stream ("[DONE]" ends it), or a whole answer. kInvalidInput for what is neither.
  base::Status Take(std::string_view data);
  // The text that came since this was asked last.
  std::string TakeShown();
  // kUnsupported where the model refused, or its answer was cut off at its limit of tokens: asking
  // again would not help. kInvalidInput for an answer that has no end, or nothing in it.
  base::Result<Turn> Finish();

 private:
  base::Status TakeMessage(const nlohmann::json& message);
  void TakeCall(const nlohmann::json& call, std::size_t index);

  Turn turn_;
  std::map<std::size_t, ToolCall> calls_;
  std::string finish_, refusal_;
  std::size_t shown_ = 0;
  bool is_done_ = false;
};

}  // namespace bailey::agent
