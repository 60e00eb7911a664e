#include "cli/agent_tools.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"
#include "cli/libexec.h"

namespace bailey::cli {
namespace {

constexpr std::size_t kMostName = 64;

// What models take for the name of a function.
std::string NameFor(std::string_view tool) {
  std::string name;
  for (const char c : tool.substr(0, kMostName)) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    name += is_letter || (c >= '0' && c <= '9') || c == '_' || c == '-' ? c : '_';
  }
  return name.empty() ? "tool" : name;
}

}  // namespace

base::Result<std::vector<std::string>> SplitCommand(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool is_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      word += text[++i];
      is_word = true;
    } else if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      is_word = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (is_word) words.push_back(std::exchange(word, ""));
      is_word = false;
    } else {
      word += c;
      is_word = true;
    }
  }
  if (quote != 0)
    return base::InvalidInput(
        fmt::format("read server \"{}\": a quote is not closed", base::Escape(text)));
  if (is_word) words.push_back(std::move(word));
  if (words.empty()) return base::InvalidInput("read server: it has no command");
  return words;
}

base::Result<AgentTools> AgentTools::Start(const ToolOptions& options,
                                           const agent::AnswerRequest& answer) {
  const auto bailey = FindBailey();
  if (!bailey) return bailey.error();
  const auto command = [&](const char* kind, const std::vector<std::string>& behind) {
    std::vector<std::string> words = {*bailey, "mcp", kind};
    if (!options.policy.empty()) words.push_back("--policy=" + options.policy);
    words.push_back("--approve=" + options.approve);
    if (!options.approve_time.empty()) words.push_back("--approve-time=" + options.approve_time);
    for (const std::string& tool : options.allow) words.push_back("--allow-tool=" + tool);
    words.insert(words.end(), behind.begin(), behind.end());
    return words;
  };
  AgentTools tools;
  const auto start = [&](std::string name, const std::vector<std::string>& words) -> base::Status {
    auto server = agent::McpClient::Start(std::move(name), words, answer, {});
    if (!server) return server.error();
    tools.servers_.push_back(*std::move(server));
    tools.Add(tools.servers_.size() - 1);
    return {};
  };
  if (!options.without_own) {
    if (const auto started = start("bailey", command("serve", {})); !started)
      return started.error();
  }
  for (const std::string& line : options.servers) {
    auto words = SplitCommand(line);
    if (!words) return words.error();
    // "--write . -- server": options of the wrap before the server's own words.
    if (!words->front().starts_with('-')) words->insert(words->begin(), "--");
    if (const auto started = start(line, command("wrap", *words)); !started) return started.error();
  }
  if (tools.tools_.empty()) return base::InvalidInput("start agent: it has no tools");
  return tools;
}

void AgentTools::Add(std::size_t server) {
  for (const agent::ServerTool& tool : servers_[server].Tools()) {
    const std::string wanted = NameFor(tool.name);
    std::string name = wanted;
    for (unsigned number = 2; places_.contains(name); ++number) {
      const std::string suffix = fmt::format("_{}", number);
      name = wanted.substr(0, kMostName - suffix.size()) + suffix;
    }
    places_[name] = {server, tool.name};
    tools_.push_back({name, tool.description, tool.schema});
  }
}

nlohmann::json AgentTools::ForModel() const {
  nlohmann::json list = nlohmann::json::array();
  for (const agent::Tool& tool : tools_) {
    list.push_back(
        {{"type", "function"},
         {"function",
          {{"name", tool.name}, {"description", tool.description}, {"parameters", tool.schema}}}});
  }
  return list;
}

base::Result<agent::Called> AgentTools::Call(const agent::ToolCall& call,
                                             const nlohmann::json& arguments) {
  const Place& place = places_.find(call.tool)->second;
  auto result = servers_[place.server].Call(place.tool, arguments);
  if (!result) return result.error();
  return agent::Called{call.id, call.tool,
                       result->is_error ? agent::CallEnd::kError : agent::CallEnd::kDone,
                       std::move(result->text)};
}

}  // namespace bailey::cli
