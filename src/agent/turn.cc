#include "agent/turn.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "model/endpoint.h"

namespace bailey::agent {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostCalls = 64;  // in one answer

std::string StringAt(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t NumberAt(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

}  // namespace

std::vector<std::string> EventReader::Take(std::string_view bytes) {
  std::vector<std::string> events;
  const auto end_line = [&] {
    if (line_.empty()) {
      if (has_data_) events.push_back(std::exchange(data_, ""));
      has_data_ = false;
    } else if (line_.starts_with("data:")) {
      std::string_view value = std::string_view(line_).substr(5);
      if (value.starts_with(' ')) value.remove_prefix(1);
      if (has_data_) data_ += '\n';
      data_ += value;
      has_data_ = true;
    }
    line_.clear();
  };
  for (const char c : bytes) {
    const bool is_second = ends_in_cr_ && c == '\n';
    ends_in_cr_ = c == '\r';
    if (is_second) continue;
    if (c == '\n' || c == '\r') {
      end_line();
    } else {
      line_ += c;
    }
  }
  return events;
}

base::Status TurnBuilder::Take(std::string_view data) {
  if (data == "[DONE]") {
    is_done_ = true;
    return {};
  }
  const Json piece = Json::parse(data, nullptr, false);
  if (piece.is_discarded()) return base::InvalidInput("the server's answer is no JSON");
  if (!piece.is_object()) return base::InvalidInput("the server's answer is no object");
  if (piece.contains("error"))
    return base::InvalidInput("the server broke off: " + model::CauseIn(data));
  if (const auto usage = piece.find("usage"); usage != piece.end() && usage->is_object()) {
    // Some say it in every piece, and it grows.
    turn_.tokens_in = std::max(turn_.tokens_in, NumberAt(*usage, "prompt_tokens"));
    turn_.tokens_out = std::max(turn_.tokens_out, NumberAt(*usage, "completion_tokens"));
  }
  const auto choices = piece.find("choices");
  if (choices == piece.end() || !choices->is_array())
    return base::InvalidInput("the server's answer has no message");
  if (choices->empty()) return {};  // a piece with the usage alone
  const Json& choice = choices->front();
  if (!choice.is_object()) return base::InvalidInput("the server's answer has no message");
  if (const std::string reason = StringAt(choice, "finish_reason"); !reason.empty())
    finish_ = reason;
  for (const char* name : {"delta", "message"}) {
    const auto message = choice.find(name);
    if (message == choice.end() || !message->is_object()) continue;
    return TakeMessage(*message);
  }
  return {};
}

base::Status TurnBuilder::TakeMessage(const Json& message) {
  turn_.text += StringAt(message, "content");
  refusal_ += StringAt(message, "refusal");
  const auto calls = message.find("tool_calls");
  if (calls == message.end() || !calls->is_array()) return {};
  std::size_t place = 0;
  for (const Json& call : *calls) {
    if (!call.is_object()) return base::InvalidInput("the server's answer has a call that is none");
    const auto index = call.find("index");
    TakeCall(call, index != call.end() && index->is_number_unsigned() ? index->get<std::size_t>()
                                                                      : place);
    ++place;
  }
  if (calls_.size() > kMostCalls)
    return base::InvalidInput(fmt::format("it wants more than {} calls at once", kMostCalls));
  return {};
}

void TurnBuilder::TakeCall(const Json& call, std::size_t index) {
  ToolCall& known = calls_[index];
  if (const std::string id = StringAt(call, "id"); !id.empty()) known.id = id;
  const auto function = call.find("function");
  if (function == call.end() || !function->is_object()) return;
  // A name comes whole, in one piece or in each; arguments come in parts.
  if (const std::string name = StringAt(*function, "name"); !name.empty()) known.tool = name;
  known.arguments += StringAt(*function, "arguments");
}

std::string TurnBuilder::TakeShown() {
  std::string text = turn_.text.substr(shown_);
  shown_ = turn_.text.size();
  return text;
}

base::Result<Turn> TurnBuilder::Finish() {
  if (!refusal_.empty()) return base::Unsupported("it refused: " + model::Shortened(refusal_));
  if (finish_ == "content_filter") return base::Unsupported("its answer was filtered");
  if (finish_ == "length")
    return base::Unsupported("its answer was cut off at its limit of tokens");
  if (finish_.empty() && !is_done_) return base::InvalidInput("its answer has no end");
  for (auto& [index, call] : calls_) {
    if (call.id.empty()) call.id = fmt::format("call-{}", index);
    turn_.calls.push_back(std::move(call));
  }
  if (turn_.text.empty() && turn_.calls.empty()) return base::InvalidInput("its answer is empty");
  return std::move(turn_);
}

}  // namespace bailey::agent
