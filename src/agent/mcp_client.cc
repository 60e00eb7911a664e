#include "agent/mcp_client.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "os/process.h"

namespace bailey::agent {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

constexpr const char* kStateless = "2026-07-28";
constexpr const char* kSession = "2025-11-25";

Json ClientInfo() { return {{"name", "bailey agent"}, {"version", "0.1.0"}}; }
Json Capabilities() { return {{"elicitation", Json::object()}}; }

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string CauseOf(const Json& answer) {
  const Json& error = answer.at("error");
  if (error.is_object() && error.contains("message") && error["message"].is_string())
    return base::Escape(error["message"].get<std::string>());
  return "an error without a message";
}

ToolResult ReadResult(const Json& result) {
  ToolResult read;
  if (const auto error = result.find("isError"); error != result.end() && error->is_boolean())
    read.is_error = error->get<bool>();
  const auto content = result.find("content");
  if (content != result.end() && content->is_array()) {
    for (const Json& part : *content) {
      if (!part.is_object()) continue;
      if (!read.text.empty()) read.text += '\n';
      const auto text = part.find("text");
      if (text != part.end() && text->is_string()) {
        read.text += text->get<std::string>();
      } else {
        const auto type = part.find("type");
        read.text += fmt::format("[{}]", type != part.end() && type->is_string()
                                             ? type->get<std::string>()
                                             : "something that is no text");
      }
    }
  }
  const auto structured = result.find("structuredContent");
  if (read.text.empty() && structured != result.end()) read.text = Dump(*structured);
  return read;
}

// False when the time is over.
base::Result<bool> WaitFor(int descriptor, short events,
                           std::chrono::steady_clock::time_point end) {
  while (true) {
    const auto left =
        std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    struct pollfd wanted = {descriptor, events, 0};
    const int ready = ::poll(&wanted, 1, static_cast<int>(std::min<long>(left, 1'000'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return base::SystemError("wait for the server", errno);
  }
}

}  // namespace

base::Result<McpClient> McpClient::Start(std::string name, const std::vector<std::string>& command,
                                         AnswerRequest answer, Limits limits) {
  auto child = os::StartPiped(command.front(), command);
  if (!child) {
    return base::SystemError(
        fmt::format("start server {}: start {}", base::Escape(name), base::Escape(command.front())),
        child.error().value);
  }
  McpClient client(std::move(name), *std::move(child), std::move(answer), limits);
  if (const auto greeted = client.Greet(); !greeted) return greeted.error();
  if (const auto listed = client.ListTools(); !listed) return listed.error();
  return client;
}

McpClient::~McpClient() {
  if (!child_.pidfd.IsOpen()) return;
  // Its standard input ends, and with it what a well-kept server does; the others are ended.
  child_.input.Reset();
  constexpr auto kPatience = std::chrono::seconds(2);
  if (const auto ended = WaitFor(child_.pidfd.Get(), POLLIN, Clock::now() + kPatience);
      !ended || !*ended) {
    (void)os::SendSignal(child_.pidfd.Get(), SIGTERM);
    if (const auto gone = WaitFor(child_.pidfd.Get(), POLLIN, Clock::now() + kPatience);
        !gone || !*gone)
      (void)os::SendSignal(child_.pidfd.Get(), SIGKILL);
  }
  (void)os::WaitFor(child_.pid);
}

base::Error McpClient::Failed(std::string_view cause) {
  is_lost_ = true;
  return base::Error{.code = base::ErrorCode::kSystem,
                     .text = fmt::format("ask server {}: {}", base::Escape(name_), cause)};
}

base::Status McpClient::Greet() {
  is_stateless_ = true;
  const auto found = Request("server/discover", Json::object(), limits_.start);
  if (!found) return found.error();
  is_stateless_ = found->contains("result");
  if (is_stateless_) return {};
  const auto begun = Request("initialize",
                             {{"protocolVersion", kSession},
                              {"capabilities", Capabilities()},
                              {"clientInfo", ClientInfo()}},
                             limits_.start);
  if (!begun) return begun.error();
  if (!begun->contains("result")) return Failed("initialize: " + CauseOf(*begun));
  return Send({{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}},
              Clock::now() + limits_.start);
}

base::Status McpClient::ListTools() {
  Json params = Json::object();
  while (true) {
    const auto answer = Request("tools/list", params, limits_.start);
    if (!answer) return answer.error();
    if (!answer->contains("result")) return Failed("list its tools: " + CauseOf(*answer));
    const Json& result = answer->at("result");
    const auto list = result.find("tools");
    if (list == result.end() || !list->is_array()) return Failed("its list of tools is none");
    for (const Json& tool : *list) {
      if (!tool.is_object() || !tool.contains("name") || !tool["name"].is_string()) continue;
      ServerTool known{.name = tool["name"].get<std::string>(),
                       .description = {},
                       .schema = tool.value("inputSchema", Json::object())};
      if (tool.contains("description") && tool["description"].is_string())
        known.description = tool["description"].get<std::string>();
      tools_.push_back(std::move(known));
      if (tools_.size() > limits_.most_tools)
        return Failed(fmt::format("it has more than {} tools", limits_.most_tools));
    }
    const auto next = result.find("nextCursor");
    if (next == result.end() || !next->is_string()) return {};
    params["cursor"] = *next;
  }
}

base::Result<ToolResult> McpClient::Call(const std::string& tool, const Json& arguments) {
  if (is_lost_) return Failed("it is not asked any more");
  const auto answer =
      Request("tools/call", {{"name", tool}, {"arguments", arguments}}, limits_.call);
  if (!answer) return answer.error();
  if (!answer->contains("result")) return ToolResult{CauseOf(*answer), true};
  const Json& result = answer->at("result");
  if (!result.is_object()) return ToolResult{"the server's result is none", true};
  const auto type = result.find("resultType");
  if (type != result.end() && *type != "complete")
    return ToolResult{"the server asks for more than this client can give", true};
  return ReadResult(result);
}

base::Result<Json> McpClient::Request(const std::string& method, Json params, milliseconds time) {
  const auto end = Clock::now() + time;
  const std::uint64_t id = ++last_id_;
  if (is_stateless_) {
    params["_meta"] = {{"io.modelcontextprotocol/protocolVersion", kStateless},
                       {"io.modelcontextprotocol/clientCapabilities", Capabilities()},
                       {"io.modelcontextprotocol/clientInfo", ClientInfo()}};
  }
  const Json request = {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}};
  if (const auto sent = Send(request, end); !sent) return sent.error();
  while (true) {
    const auto line = ReadLine(end);
    if (!line) return line.error();
    Json message = Json::parse(*line, nullptr, false);
    if (!message.is_object()) continue;  // a line that was cut, or noise
    if (message.contains("method")) {
      if (const auto answered = AnswerTo(message, end); !answered) return answered.error();
      continue;
    }
    const auto answers = message.find("id");
    if (answers == message.end() || *answers != id) continue;
    if (message.contains("result") != message.contains("error")) return message;
    return Failed("its answer is none");
  }
}

base::Status McpClient::AnswerTo(const Json& message, Clock::time_point end) {
  if (!message.contains("id")) return {};  // a notice
  Json answer = {{"jsonrpc", "2.0"}, {"id", message["id"]}};
  const Json& method = message["method"];
  const auto params = message.find("params");
  const auto result =
      method == "ping" ? Json::object()
      : method.is_string()
          ? answer_(method.get<std::string>(), params != message.end() ? *params : Json::object())
          : std::optional<Json>();
  if (result) {
    answer["result"] = *result;
  } else {
    constexpr int kNoMethod = -32601;
    answer["error"] = {{"code", kNoMethod}, {"message", "this client does not answer that"}};
  }
  return Send(answer, end);
}

base::Status McpClient::Send(const Json& message, Clock::time_point end) {
  const auto writer = os::PatientWriter::OfOwn(child_.input.Get());
  const std::string text = Dump(message) + '\n';
  for (std::string_view rest = text; !rest.empty();) {
    const auto ready = WaitFor(child_.input.Get(), POLLOUT, end);
    if (!ready) return ready.error();
    if (!*ready) return Failed("it does not read");
    const auto written = writer.Write(rest);
    if (written) rest.remove_prefix(*written);
    if (!written && written.error().value != EAGAIN) return Failed("it has ended");
  }
  return {};
}

base::Result<std::string> McpClient::ReadLine(Clock::time_point end) {
  std::size_t looked = 0;
  while (true) {
    const std::size_t newline = buffer_.find('\n', looked);
    if (newline != std::string::npos) {
      std::string line = buffer_.substr(0, newline);
      buffer_.erase(0, newline + 1);
      return line;
    }
    looked = buffer_.size();
    if (buffer_.size() > limits_.most_bytes)
      return Failed(fmt::format("its message is longer than {} bytes", limits_.most_bytes));
    const auto ready = WaitFor(child_.output.Get(), POLLIN, end);
    if (!ready) return ready.error();
    if (!*ready) return Failed("no answer in time");
    std::array<char, 65536> bytes;
    const auto size = os::ReadOnce(child_.output.Get(), bytes);
    if (!size && size.error().value == EAGAIN) continue;
    if (!size || *size == 0) return Failed("it has ended");
    buffer_.append(bytes.data(), *size);
  }
}

}  // namespace bailey::agent
