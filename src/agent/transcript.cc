#include "agent/transcript.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/text.h"

namespace bailey::agent {
namespace {

using Json = nlohmann::json;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

constexpr std::string_view kEnds[] = {"done", "error", "invalid", "unknown"};
constexpr const char* kLost = "How this call ended is not known: the agent was stopped during it.";

Json ToJson(const Started& started) {
  return {{"type", "start"},          {"version", 1},
          {"goal", started.goal},     {"model", started.model},
          {"system", started.system}, {"tools", started.tools}};
}

Json ToJson(const Turn& turn) {
  Json json = {{"type", "model"},
               {"text", turn.text},
               {"calls", Json::array()},
               {"tokens_in", turn.tokens_in},
               {"tokens_out", turn.tokens_out}};
  for (const ToolCall& call : turn.calls)
    json["calls"].push_back({{"id", call.id}, {"tool", call.tool}, {"arguments", call.arguments}});
  return json;
}

Json ToJson(const Called& called) {
  return {{"type", "call"},
          {"id", called.id},
          {"tool", called.tool},
          {"end", ToString(called.end)},
          {"text", called.text}};
}

Json ToJson(const Ended& ended) { return {{"type", "end"}, {"why", ended.why}}; }

// Throws nlohmann's exceptions for what is not there.
std::optional<Entry> FromJson(const Json& json) {
  const auto type = json.at("type").get<std::string>();
  if (type == "start") {
    if (json.at("version") != 1) return std::nullopt;
    return Started{json.at("goal"), json.at("model"), json.at("system"), json.at("tools")};
  }
  if (type == "model") {
    Turn turn{.text = json.at("text"),
              .calls = {},
              .tokens_in = json.at("tokens_in"),
              .tokens_out = json.at("tokens_out")};
    for (const Json& call : json.at("calls"))
      turn.calls.push_back({call.at("id"), call.at("tool"), call.at("arguments")});
    return turn;
  }
  if (type == "call") {
    const auto end = json.at("end").get<std::string>();
    for (std::size_t i = 0; i < std::size(kEnds); ++i) {
      if (kEnds[i] == end)
        return Called{json.at("id"), json.at("tool"), static_cast<CallEnd>(i), json.at("text")};
    }
  }
  if (type == "end") return Ended{json.at("why")};
  return std::nullopt;
}

base::Error Fault(std::string_view cause, std::string_view file, std::uint32_t line) {
  base::Error error = base::InvalidInput(fmt::format("read transcript: {}", cause));
  error.location = {std::string(file), line, 0};
  return error;
}

}  // namespace

std::string_view ToString(CallEnd end) { return kEnds[static_cast<std::size_t>(end)]; }

std::string ToJsonLine(const Entry& entry) {
  return std::visit([](const auto& one) { return ToJson(one); }, entry)
             .dump(-1, ' ', false, Json::error_handler_t::replace) +
         '\n';
}

base::Result<Transcript> Transcript::Create(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return base::SystemError(fmt::format("make transcript {}", base::Escape(path)), errno);
  return Transcript(path, ::fdopen(descriptor, "w"));
}

base::Result<Transcript> Transcript::Append(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "ae");
  if (!file)
    return base::SystemError(fmt::format("write transcript {}", base::Escape(path)), errno);
  return Transcript(path, file);
}

base::Status Transcript::Add(const Entry& entry) {
  const std::string line = ToJsonLine(entry);
  const bool is_written = std::fwrite(line.data(), 1, line.size(), file_.get()) == line.size() &&
                          std::fflush(file_.get()) == 0;
  if (is_written) return {};
  return base::SystemError(fmt::format("write transcript {}", base::Escape(path_)), errno);
}

base::Result<std::vector<Entry>> ReadTranscript(std::string_view text, std::string_view file) {
  std::vector<Entry> entries;
  std::uint32_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t newline = text.find('\n');
    if (newline == std::string_view::npos) break;  // half a line
    const std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline + 1);
    const auto fault = [&](std::string_view cause) { return Fault(cause, file, number); };
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object()) return fault("no JSON object");
    try {
      auto entry = FromJson(json);
      if (!entry) return fault("an entry of a kind or version that is not known");
      if (entries.empty() != std::holds_alternative<Started>(*entry))
        return fault("the first entry, and no other, says what was started");
      entries.push_back(*std::move(entry));
    } catch (const Json::exception&) {
      return fault("an entry without all that it should have");
    }
  }
  if (entries.empty()) return Fault("it is empty", file, 1);
  return entries;
}

std::vector<Message> MessagesOf(const std::vector<Entry>& entries) {
  std::vector<Message> messages;
  std::vector<std::string> open;  // calls without an end
  const auto close = [&] {
    for (const std::string& id : std::exchange(open, {}))
      messages.push_back({Message::Role::kTool, kLost, {}, id});
  };
  for (const Entry& entry : entries) {
    std::visit(
        Overloaded{[&](const Started& started) {
                     messages.push_back({Message::Role::kSystem, started.system, {}, {}});
                     messages.push_back({Message::Role::kUser, started.goal, {}, {}});
                   },
                   [&](const Turn& turn) {
                     close();
                     messages.push_back({Message::Role::kAssistant, turn.text, turn.calls, {}});
                     for (const ToolCall& call : turn.calls) open.push_back(call.id);
                   },
                   [&](const Called& called) {
                     std::erase(open, called.id);
                     messages.push_back({Message::Role::kTool, called.text, {}, called.id});
                   },
                   [](const Ended&) {}},
        entry);
  }
  close();
  return messages;
}

}  // namespace bailey::agent
