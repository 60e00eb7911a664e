#include "agent/loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "mcp/json_schema.h"

namespace bailey::agent {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostText = 64u << 10;  // of one answer of a tool, for the model

double CostOf(const model::Spending& spent, const model::Price& price) {
  constexpr double kMillion = 1e6;
  return static_cast<double>(spent.tokens_in) * price.in / kMillion +
         static_cast<double>(spent.tokens_out) * price.out / kMillion;
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

std::string Shorten(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t head = most / 2, tail = text.size() - most / 2;
  while (head > 0 && IsContinuation(text[head])) --head;
  while (tail < text.size() && IsContinuation(text[tail])) ++tail;
  return fmt::format("{}\n[... {} bytes are left out here ...]\n{}", text.substr(0, head),
                     tail - head, text.substr(tail));
}

std::optional<std::string> Loop::Exhausted() const {
  if (steps_ >= budget_.steps) return fmt::format("its {} steps are used up", budget_.steps);
  if (spent_.tokens_in + spent_.tokens_out >= budget_.tokens)
    return fmt::format("its {} tokens are used up", budget_.tokens);
  if (std::chrono::steady_clock::now() - begin_ >= budget_.time)
    return fmt::format("its time of {} ms is over", budget_.time.count());
  if (budget_.money && budget_.price && CostOf(spent_, *budget_.price) >= *budget_.money)
    return fmt::format("its {} of money are used up", *budget_.money);
  return std::nullopt;
}

Called Loop::Make(const ToolCall& call) {
  const auto invalid = [&](std::string why) {
    return Called{call.id, call.tool, CallEnd::kInvalid, "Nothing was run: " + std::move(why)};
  };
  const auto tool = std::ranges::find(tools_, call.tool, &Tool::name);
  if (tool == tools_.end())
    return invalid(fmt::format("there is no tool \"{}\".", base::Escape(call.tool)));
  // Models write nothing for no arguments.
  const Json arguments =
      Json::parse(call.arguments.empty() ? "{}" : call.arguments, nullptr, false);
  if (!arguments.is_object()) return invalid("the arguments are no JSON object.");
  if (const auto fault = mcp::FindFault(arguments, tool->schema))
    return invalid(fmt::format("the arguments are not of the tool's schema: {}.", *fault));
  auto called = parts_.call(call, arguments);
  if (!called)
    return {call.id, call.tool, CallEnd::kUnknown,
            fmt::format("How this call ended is not known: {}.", called.error().text)};
  called->text = Shorten(called->text, kMostText);
  return *std::move(called);
}

base::Result<std::string> Loop::Run(std::vector<Message> messages) {
  while (true) {
    if (auto why = Exhausted()) {
      if (const auto done = transcript_.Add(Ended{*why}); !done) return done.error();
      return *std::move(why);
    }
    ++steps_;
    auto turn = parts_.ask(messages);
    if (!turn) return turn.error();
    ++spent_.requests;
    spent_.tokens_in += turn->tokens_in;
    spent_.tokens_out += turn->tokens_out;
    if (const auto done = transcript_.Add(*turn); !done) return done.error();
    messages.push_back({Message::Role::kAssistant, turn->text, turn->calls, {}});
    for (const ToolCall& call : turn->calls) {
      const Called called = Make(call);
      if (const auto done = transcript_.Add(called); !done) return done.error();
      messages.push_back({Message::Role::kTool, called.text, {}, called.id});
      parts_.tell(call, called);
    }
    if (!turn->calls.empty()) continue;
    if (const auto done = transcript_.Add(Ended{""}); !done) return done.error();
    return std::string();
  }
}

}  // namespace bailey::agent
