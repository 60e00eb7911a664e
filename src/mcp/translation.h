// One client before one server of the other era of the protocol: what each says, said so that the
// other understands it. mcp/translator.h finds out which translation is needed.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mcp/scanner.h"

namespace bailey::mcp {

// Where a translation's messages go, each with its newline.
struct Wires {
  std::string to_client, to_server;
  std::function<void()> tools_changed;  // the server's list of tools is not what it was
};

struct TranslationLimits {
  // The ids of its own requests begin so.
  std::string own = "bailey-translate-";
  std::size_t held = 4u << 20;     // what has to be whole
  std::size_t window = 64u << 10;  // of a longer answer, what is looked at before it is passed on
  std::chrono::seconds probe{10};  // a server that says nothing for so long does not know the probe
  std::chrono::seconds question{600};  // until a client has to come back with an answer
};

class Translation {
 public:
  using Clock = std::chrono::steady_clock;

  virtual ~Translation() = default;
  // A whole message without a fault, with its newline.
  virtual void FromClient(const Head& head, std::string_view line) = 0;
  virtual void FromServer(const Head& head, std::string_view line) = 0;
  // The beginning of a long answer, as it is to be passed on; nothing where the whole is needed.
  // Its id may come last: then it has to be good for whoever waits. Ended follows.
  virtual std::optional<std::string> Begin(const Head& head, std::string_view beginning) = 0;
  virtual void Ended(const Head& head) = 0;
  // A message that has to be whole and is too long for that.
  virtual void TooLong(const Head& head) = 0;
  virtual std::optional<Clock::time_point> Deadline() const { return std::nullopt; }
  virtual void Expire(Clock::time_point) {}
};

// For a client without sessions (2026-07-28), before a server that has them. `opened`: the
// server's answer to initialize.
std::unique_ptr<Translation> ForStatelessClient(Wires& wires, const TranslationLimits& limits,
                                                std::string_view opened);
// For a client with a session, before a server without them. `initialize`: the client's request;
// `discovered`: the server's answer to server/discover. Answers the client.
std::unique_ptr<Translation> ForSessionClient(Wires& wires, const TranslationLimits& limits,
                                              std::string_view initialize,
                                              std::string_view discovered);

}  // namespace bailey::mcp
