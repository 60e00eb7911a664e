#include "cli/agent_ask.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/text.h"
#include "base/unique_fd.h"

namespace bailey::cli {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::minutes kPatience(10);

// Lines stay lines; everything else that a terminal would act on is shown.
std::string Shown(std::string_view text) {
  std::string shown;
  for (const std::string_view line : base::Split(text, '\n')) shown += base::Escape(line) + '\n';
  return shown;
}

class Terminal {
 public:
  static std::optional<Terminal> Open() {
    base::UniqueFd file(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
    if (!file.IsOpen()) return std::nullopt;
    return Terminal(std::move(file));
  }

  void Say(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t size = ::write(file_.Get(), text.data(), text.size());
      if (size <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(size));
    }
  }

  // A line typed after this was called; nothing when the time is over or the terminal is gone.
  std::optional<std::string> Ask(std::string_view question) {
    (void)::tcflush(file_.Get(), TCIFLUSH);
    Say(question);
    std::string line;
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now()).count();
      struct pollfd wanted = {file_.Get(), POLLIN, 0};
      if (left <= 0 || ::poll(&wanted, 1, static_cast<int>(left)) <= 0) return std::nullopt;
      char c = 0;
      if (::read(file_.Get(), &c, 1) != 1) return std::nullopt;
      if (c == '\n') return line;
      line += c;
    }
  }

 private:
  explicit Terminal(base::UniqueFd file) : file_(std::move(file)) {}
  base::UniqueFd file_;
  Clock::time_point end_ = Clock::now() + kPatience;
};

// What one property of the wanted answer is given; nothing where the person gave none that fits.
std::optional<Json> AskFor(Terminal& terminal, const std::string& name, const Json& schema) {
  const std::string title =
      schema.is_object() && schema.contains("title") && schema["title"].is_string()
          ? schema["title"].get<std::string>()
          : name;
  const std::string type =
      schema.is_object() && schema.contains("type") && schema["type"].is_string()
          ? schema["type"].get<std::string>()
          : "string";
  if (type == "boolean") {
    const auto line = terminal.Ask(base::Escape(title) + "? [y/N] ");
    if (!line) return std::nullopt;
    return *line == "y" || *line == "yes";
  }
  if (type != "string") return std::nullopt;
  const auto values = schema.find("enum");
  std::string choices;
  if (values != schema.end() && values->is_array()) {
    for (const Json& value : *values)
      if (value.is_string()) choices += (choices.empty() ? "" : ", ") + value.get<std::string>();
  }
  const auto line = terminal.Ask(base::Escape(title) +
                                 (choices.empty() ? ": " : " (" + base::Escape(choices) + "): "));
  if (!line) return std::nullopt;
  if (!choices.empty() && std::ranges::find(*values, Json(*line)) == values->end())
    return std::nullopt;
  return *line;
}

}  // namespace

std::optional<Json> AnswerServer(const std::string& method, const Json& params) {
  if (method != "elicitation/create") return std::nullopt;
  const Json declined = {{"action", "decline"}};
  const auto message = params.find("message");
  const auto schema = params.find("requestedSchema");
  if (message == params.end() || !message->is_string() || schema == params.end() ||
      !schema->is_object())
    return declined;
  auto terminal = Terminal::Open();
  if (!terminal) return declined;
  terminal->Say("\n" + Shown(message->get<std::string>()));
  Json content = Json::object();
  const auto properties = schema->find("properties");
  if (properties != schema->end() && properties->is_object()) {
    for (const auto& [name, property] : properties->items()) {
      const auto value = AskFor(*terminal, name, property);
      if (!value) return declined;
      content[name] = *value;
    }
  }
  return Json{{"action", "accept"}, {"content", content}};
}

}  // namespace bailey::cli
