// Stands between a gateway and its server where the two sides may speak different eras of the
// protocol: 2026-07-28 knows no sessions, what came before begins with one.
//
//   Translator translator(limits, tools_changed);
//   translator.FromClient(line);  translator.FromServer(bytes);
//   Write(translator.ToServer());  Write(translator.ToClient());   // and erase what was written
//
// The client's first request says what it speaks. Whether its server does is found out by a probe,
// and never guessed: a server that knows server/discover is asked for its versions with it, and
// initialize is tried before that only for a client that has sent it. Where both speak the same,
// every byte passes as it is, and from then on none needs to come here. Else each side hears its
// own era (mcp/translation.h), or an error with its request's id.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mcp/scanner.h"
#include "mcp/translation.h"

namespace bailey::mcp {

class Translator {
 public:
  using Clock = std::chrono::steady_clock;

  Translator(const TranslationLimits& limits, std::function<void()> tools_changed)
      : limits_(limits) {
    wires_.tools_changed = std::move(tools_changed);
  }

  // One message with its newline, whole and without a fault.
  void FromClient(std::string_view line);
  void FromServer(std::string_view bytes);
  std::string& ToClient() { return wires_.to_client; }
  std::string& ToServer() { return wires_.to_server; }
  // Both sides speak the same, and nothing is held.
  bool IsPassing() const { return state_ == State::kPassing && held_.empty(); }
  // There is more to come for the server, of what the client has said already.
  bool HoldsForServer() const { return !held_.empty() || IsDeciding(); }
  std::optional<Clock::time_point> Deadline() const;
  void Expire(Clock::time_point now);

 private:
  enum class State {
    kUndecided,       // no request has come that says what the client speaks
    kProbing,         // a client without sessions; the server is asked what it speaks
    kOpening,         // it does not: a session is opened with it
    kShaking,         // a client's initialize is with the server
    kProbingRefuser,  // which has refused it, and is asked what it speaks
    kPassing,
    kTranslating,
    kRefusing,
  };
  enum class Flow { kDeciding, kPassing, kHolding, kDropping };

  bool IsDeciding() const {
    return state_ == State::kProbing || state_ == State::kOpening ||
           state_ == State::kProbingRefuser || state_ == State::kShaking;
  }
  void Take(std::string_view line);
  void SetAside();
  void Begin(const Head& head, std::string_view line);
  void HoldOrPass(const Head& head, std::string_view line);
  void Refuse(const Head& head);
  void Release();
  void OpenSession();

  void TakeChunk(std::string_view chunk);
  void Decide();
  void Whole();
  bool IsAnswerTo(const std::optional<Id>& id) const;
  void LostAnswer();
  void Probed(bool is_late);
  void Opened();
  void ShakenHands();
  void RefuserProbed();

  TranslationLimits limits_;
  Wires wires_;
  State state_ = State::kUndecided;
  std::unique_ptr<Translation> translation_;
  std::optional<Clock::time_point> deadline_;

  std::string first_;        // the client's, that says what it speaks
  std::optional<Id> probe_;  // server/discover
  std::optional<Id> open_;   // initialize
  bool probe_is_clients_ = false;
  std::string refusal_;  // why nothing can be translated; or the server's answer to initialize
  std::deque<std::string> held_;
  std::size_t held_bytes_ = 0;

  Scanner scanner_;
  std::string line_;
  std::string later_;  // for the client, when the message that is passed on is over
  Flow flow_ = Flow::kDeciding;
};

}  // namespace bailey::mcp
