#include "mcp/client_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace bailey::mcp {
namespace {

using Json = nlohmann::ordered_json;

bool IsBailey(const Json& server) {
  if (!server.contains("command") || !server["command"].is_string()) return false;
  const std::string command = server["command"];
  if (command.substr(command.rfind('/') + 1) != "bailey") return false;
  const Json args = server.value("args", Json::array());
  return args.is_array() && args.size() >= 2 && args[0] == "mcp" && args[1] == "wrap";
}

class Rewriter {
 public:
  Rewriter(const RewriteOptions& options, Rewritten& result) : options_(options), result_(result) {}

  // False where there are no servers in this object.
  bool Servers(Json& holder, const char* key) {
    if (!holder.is_object() || !holder.contains(key) || !holder[key].is_object()) return false;
    for (auto& [name, server] : holder[key].items()) {
      const std::string why = options_.undo ? Undo(server) : Wrap(name, server);
      if (why.empty()) result_.changed.push_back(name);
      if (!why.empty()) result_.unchanged.push_back(fmt::format("{}: {}", base::Escape(name), why));
    }
    return true;
  }

 private:
  // Why it stays as it is; empty where it was changed.
  std::string Wrap(const std::string& name, Json& server) {
    if (!server.is_object()) return "it is no object";
    if (IsBailey(server)) return "it goes through bailey already";
    if (!server.contains("command")) return "no command starts it";
    const Json old = server.value("args", Json::array());
    const auto is_text = [](const Json& word) { return word.is_string(); };
    if (!server["command"].is_string() || !old.is_array() || !std::ranges::all_of(old, is_text))
      return "its command and arguments are no texts";
    Json args = {"mcp", "wrap", "--name", name};
    for (const std::string& option : options_.options) args.push_back(option);
    const Json environment = server.value("env", Json::object());
    if (!environment.is_object()) return "its env is no object";
    for (const auto& [variable, value] : environment.items()) {
      args.push_back("--env");
      args.push_back(variable);
    }
    args.push_back("--");
    args.push_back(server["command"]);
    for (const Json& word : old) args.push_back(word);
    server["command"] = options_.bailey;
    // Assigned in place where it is there, so that the order of names stays.
    server["args"] = std::move(args);
    return {};
  }

  static std::string Undo(Json& server) {
    if (!server.is_object() || !IsBailey(server)) return "it does not go through bailey";
    const Json& args = server["args"];
    const auto dashes = std::ranges::find(args, Json("--"));
    if (dashes == args.end() || dashes + 1 == args.end())
      return "it names no command behind \"--\"";
    Json command = *(dashes + 1);
    Json old = Json::array();
    for (auto word = dashes + 2; word != args.end(); ++word) old.push_back(*word);
    server["command"] = std::move(command);
    server["args"] = std::move(old);
    return {};
  }

  const RewriteOptions& options_;
  Rewritten& result_;
};

// As it was indented: the blanks before the first name.
int IndentOf(std::string_view text) {
  const std::size_t line = text.find('\n');
  if (line == std::string_view::npos) return -1;
  const std::size_t name = text.find_first_not_of(" \n\r", line);
  const std::size_t begin = text.rfind('\n', name);
  return name == std::string_view::npos ? 2 : static_cast<int>(name - begin - 1);
}

}  // namespace

base::Result<Rewritten> RewriteConfig(std::string_view text, std::string_view file,
                                      const RewriteOptions& options) {
  Json parsed = Json::parse(text, nullptr, false);
  if (parsed.is_discarded()) {
    const bool has_comments = !Json::parse(text, nullptr, false, true).is_discarded();
    return base::InvalidInput(fmt::format(
        "rewrite {}: {}", file,
        has_comments ? "it has comments, which would be lost: take them out" : "it is no JSON"));
  }
  Rewritten result;
  Rewriter rewriter(options, result);
  bool any = false;
  const auto look = [&](Json& holder) {
    any = rewriter.Servers(holder, "mcpServers") || any;
    any = rewriter.Servers(holder, "servers") || any;
  };
  look(parsed);
  if (parsed.is_object() && parsed.contains("mcp")) look(parsed["mcp"]);
  if (parsed.is_object() && parsed.contains("projects") && parsed["projects"].is_object())
    for (auto& [path, project] : parsed["projects"].items()) look(project);
  if (!any) {
    return base::InvalidInput(
        fmt::format("rewrite {}: it has neither \"mcpServers\" nor \"servers\"", file));
  }
  result.text = parsed.dump(IndentOf(text)) + (text.ends_with('\n') ? "\n" : "");
  return result;
}

}  // namespace bailey::mcp
