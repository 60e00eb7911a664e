// The loop: the model is asked, the tools that it wants called are called, the model is told what
// they said, until it wants none. Everything is written down before the next thing is done.
//
//   Loop loop({.ask = ..., .call = ..., .tell = ...}, tools, budget, transcript);
//   auto why = loop.Run(messages);
//
// A call goes to its server only when the tool is known and its arguments are of its schema.
// Whether it may be made is not decided here: that is the gateway's before the server, which a
// model cannot talk to.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/chat.h"
#include "agent/transcript.h"
#include "base/result.h"
#include "model/client.h"

namespace bailey::agent {

struct Budget {
  unsigned steps = 50;  // answers of the model
  std::uint64_t tokens = 1'000'000;
  std::chrono::milliseconds time{3'600'000};
  std::optional<double> money;  // only with a price
  std::optional<model::Price> price;
};

// A tool as the model knows it: names of tools of several servers may be the same.
struct Tool {
  std::string name;  // letters, digits, _ and -, 64 at most: what models take
  std::string description;
  nlohmann::json schema;
};

struct Parts {
  std::function<base::Result<Turn>(const std::vector<Message>&)> ask;
  // The answer to a call that fits its schema; an error where there is none.
  std::function<base::Result<Called>(const ToolCall&, const nlohmann::json& arguments)> call;
  std::function<void(const ToolCall&, const Called&)> tell;  // a person
};

class Loop {
 public:
  Loop(Parts parts, const std::vector<Tool>& tools, Budget budget, Transcript& transcript)
      : parts_(std::move(parts)), tools_(tools), budget_(budget), transcript_(transcript) {}

  // "" when the model has ended by itself; otherwise why it was stopped. An error: the model could
  // not be asked, or the transcript not written.
  base::Result<std::string> Run(std::vector<Message> messages);

  unsigned Steps() const { return steps_; }
  const model::Spending& Spent() const { return spent_; }

 private:
  // Why nothing more may be asked; nothing while it may.
  std::optional<std::string> Exhausted() const;
  Called Make(const ToolCall& call);

  Parts parts_;
  const std::vector<Tool>& tools_;
  Budget budget_;
  Transcript& transcript_;
  unsigned steps_ = 0;
  model::Spending spent_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// What a tool's answer of any length is made into: its begin and its end, and how much is left out.
std::string Shorten(std::string_view text, std::size_t most);

}  // namespace bailey::agent
