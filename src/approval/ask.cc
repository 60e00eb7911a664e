// The two ways of asking: on a terminal, and over a socket.
#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "approval/approver.h"
#include "base/text.h"
#include "os/events.h"
#include "os/file.h"
#include "os/piped_child.h"
#include "os/question.h"
#include "os/unix_socket.h"

namespace bailey::approval {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMostAnswer = 4096;

base::Error Failed(std::string_view object, int number) {
  return base::SystemError(fmt::format("ask on {}", object), number);
}

// The line that comes before the time is over; nothing where none does.
base::Result<std::optional<std::string>> ReadLine(int from, std::string_view object,
                                                  Clock::time_point end) {
  std::string line;
  std::array<char, 256> buffer;
  while (line.find('\n') == std::string::npos) {
    const std::array<os::Interest, 1> interests = {{{from}}};
    const auto ready = os::WaitReady(interests, end);
    if (!ready) return Failed(object, ready.error().value);
    if (!*ready) return std::nullopt;
    const auto size = os::ReadOnce(from, buffer);
    if (!size && size.error().value == EAGAIN) continue;
    if (!size) return Failed(object, size.error().value);
    if (*size == 0 || line.size() > kMostAnswer) return std::nullopt;
    line.append(buffer.data(), *size);
  }
  return line.substr(0, line.find('\n'));
}

}  // namespace

std::string ToJson(const Card& card) {
  const nlohmann::ordered_json json = {{"version", 1},
                                       {"title", card.title},
                                       {"effect", card.effect},
                                       {"why", card.why},
                                       {"shown", card.shown},
                                       {"workspace", card.workspace},
                                       {"until", card.until},
                                       {"remembered", card.remembered},
                                       {"answers", {"once", "session", "workspace", "deny"}}};
  return json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

base::Result<Answer> AskOnTerminal(const Card& card, std::chrono::seconds time_limit) {
  const auto terminal = os::Open(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY);
  if (!terminal) return Failed("the terminal", terminal.error().value);
  if (const auto written = os::WriteFully(terminal->Get(), ToText(card)); !written)
    return Failed("the terminal", written.error().value);
  // After the question is on the screen: what was typed before it answers something else.
  if (const auto flushed = os::FlushTypedAhead(terminal->Get()); !flushed)
    return Failed("the terminal", flushed.error().value);
  const auto line = ReadLine(terminal->Get(), "the terminal", Clock::now() + time_limit);
  if (!line) return line.error();
  if (!*line) {
    (void)os::WriteFully(terminal->Get(), "\nno answer in time: denied\n");  // it is denied anyhow
    return base::Violation("ask on the terminal: no answer came in time");
  }
  const std::string_view word = base::Trim(**line);
  if (word == "o" || word == "once") return Answer::kOnce;
  if (word == "s" || word == "session") return Answer::kSession;
  if (word == "w" || word == "workspace") return Answer::kWorkspace;
  return Answer::kDeny;
}

base::Result<Answer> AskOnSocket(const std::string& path, const Card& card,
                                 std::chrono::seconds time_limit) {
  const auto end = Clock::now() + time_limit;
  const auto socket = os::ConnectUnix(path, os::SocketKind::kStream);
  if (!socket) return Failed(path, socket.error().value);
  const std::string text = ToJson(card) + "\n";
  for (std::string_view left = text; !left.empty();) {
    const std::array<os::Interest, 1> interests = {{{socket->Get(), true}}};
    const auto ready = os::WaitReady(interests, end);
    if (!ready || !*ready) return base::Violation("ask on " + path + ": no answer came in time");
    const auto sent = os::SendNow(socket->Get(), left);
    if (!sent && sent.error().value != EAGAIN) return Failed(path, sent.error().value);
    if (sent) left.remove_prefix(*sent);
  }
  const auto line = ReadLine(socket->Get(), path, end);
  if (!line) return line.error();
  if (!*line) return base::Violation("ask on " + path + ": no answer came in time");
  const auto answer = nlohmann::json::parse(**line, nullptr, false);
  const auto word =
      answer.is_object() ? answer.value("answer", nlohmann::json()) : nlohmann::json();
  if (word == "once") return Answer::kOnce;
  if (word == "session") return Answer::kSession;
  if (word == "workspace") return Answer::kWorkspace;
  return Answer::kDeny;
}

}  // namespace bailey::approval
