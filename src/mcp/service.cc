#include "mcp/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "mcp/json_schema.h"
#include "mcp/json_text.h"
#include "mcp/replies.h"
#include "mcp/tools.h"
#include "mcp/versions.h"

namespace bailey::mcp {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kVersions[] = {"2025-11-25", "2025-06-18"};  // newest first

struct Request {
  Id id;
  std::string method;
  Json params;
  bool stateless = false;
};

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string ResultReply(const Request& request, Json result) {
  if (request.stateless) result["resultType"] = "complete";
  return fmt::format("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{}}}\n", ToJson(request.id),
                     Dump(result));
}

Json ServerInfo(const ServiceInfo& info) {
  return {{"name", info.name}, {"version", info.version}};
}

Json Initialize(const ServiceInfo& info, const Json& params) {
  const Json version = params.value("protocolVersion", Json());
  const std::string asked = version.is_string() ? version.get<std::string>() : "";
  const bool known = std::ranges::find(kVersions, asked) != std::end(kVersions);
  return {{"protocolVersion", known ? asked : std::string(kVersions[0])},
          {"capabilities", {{"tools", Json::object()}}},
          {"serverInfo", ServerInfo(info)},
          {"instructions", info.instructions}};
}

Json Discover(const ServiceInfo& info) {
  return {{"supportedVersions", {kStatelessVersion, kVersions[0], kVersions[1]}},
          {"capabilities", {{"tools", Json::object()}}},
          {"serverInfo", ServerInfo(info)},
          {"instructions", info.instructions},
          {"_meta", {{"io.modelcontextprotocol/serverInfo", ServerInfo(info)}}},
          {"ttlMs", 0},
          {"cacheScope", "private"}};
}

}  // namespace

bool Cancellation::Watch(int descriptor, Stop stop) {
  const std::scoped_lock lock(mutex_);
  descriptor_ = descriptor;
  stop_ = stop;
  return !cancelled_;
}

void Cancellation::Forget() {
  const std::scoped_lock lock(mutex_);
  stop_ = nullptr;
}

void Cancellation::Cancel() {
  const std::scoped_lock lock(mutex_);
  cancelled_ = true;
  // One that has ended meanwhile needs none.
  if (stop_) (void)stop_(descriptor_);
}

struct Service::Tools {
  std::vector<ServedTool> list;
  Json definitions = Json::array();
  std::map<std::string, nlohmann::json, std::less<>> schemas;
};

Service::Service(ServiceInfo info, std::vector<ServedTool> tools)
    : info_(std::move(info)), tools_(std::make_unique<Tools>()) {
  for (const ServedTool& tool : tools) {
    tools_->definitions.push_back(Json::parse(tool.definition));
    tools_->schemas[tool.name] = nlohmann::json::parse(tool.definition).at("inputSchema");
  }
  tools_->list = std::move(tools);
}

Service::~Service() = default;

namespace {

// The structured part is passed on as it is.
std::string CallReply(const Request& request, const ToolResult& result) {
  return fmt::format(
      "{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{\"content\":[{{\"type\":\"text\",\"text\":{}}}]"
      "{}{},"
      "\"isError\":{}{}}}}}\n",
      ToJson(request.id), Quote(result.text),
      result.structured.empty() ? "" : ",\"structuredContent\":", result.structured,
      result.is_error, request.stateless ? ",\"resultType\":\"complete\"" : "");
}

}  // namespace

std::string Service::Answer(const std::string& line, Cancellation& cancellation) {
  Scanner scanner;
  (void)scanner.Take(line);
  const Head& head = scanner.GetHead();
  if (head.method == "notifications/cancelled") Cancel(line);
  if (!head.method || !head.id) return {};
  const Json message = Json::parse(line, nullptr, false);
  // Half a surrogate pair, which the scanner lets pass.
  if (message.is_discarded())
    return ErrorReply(head.id, kParseError, "read request: a text in it is no Unicode");
  Request request = {*head.id, *head.method, message.value("params", Json::object()), false};
  if (!request.params.is_object())
    return ErrorReply(request.id, kInvalidParams, "read request: its params are no object");
  const Json meta = request.params.value("_meta", Json::object());
  if (meta.is_object() && meta.contains(kVersionKey)) {
    request.stateless = meta[kVersionKey] == kStatelessVersion;
    if (!request.stateless) {
      return ErrorReply(request.id, kUnsupportedVersion,
                        fmt::format("read request: version {} is not spoken here without a "
                                    "handshake",
                                    Dump(meta[kVersionKey])));
    }
  }
  if (request.method == "initialize")
    return ResultReply(request, Initialize(info_, request.params));
  if (request.method == "server/discover") {
    request.stateless = true;
    return ResultReply(request, Discover(info_));
  }
  if (request.method == "ping") return ResultReply(request, Json::object());
  if (request.method == "tools/list") {
    Json result = {{"tools", tools_->definitions}};
    if (request.stateless) result.update({{"ttlMs", 0}, {"cacheScope", "private"}});
    return ResultReply(request, std::move(result));
  }
  if (request.method != "tools/call") {
    return ErrorReply(
        request.id, kMethodNotFound,
        fmt::format("answer {}: there is no such method", base::Escape(request.method)));
  }
  const auto call = ReadCall(line);
  if (!call) return ErrorReply(request.id, kInvalidParams, call.error().text);
  const auto tool = std::ranges::find(tools_->list, call->tool, &ServedTool::name);
  if (tool == tools_->list.end()) {
    return ErrorReply(
        request.id, kInvalidParams,
        fmt::format("call tool \"{}\": there is no such tool", base::Escape(call->tool)));
  }
  const std::string arguments = call->arguments.empty() ? "{}" : call->arguments;
  if (const auto fault =
          FindFault(nlohmann::json::parse(arguments), tools_->schemas.at(call->tool))) {
    return CallReply(request, {fmt::format("call tool \"{}\": {}", call->tool, *fault), "", true});
  }
  return CallReply(request, tool->call(arguments, cancellation));
}

std::string Service::Answer(const std::string& line) {
  Cancellation nobody_cancels;
  return Answer(line, nobody_cancels);
}

std::shared_ptr<Cancellation> Service::Begin(const Id& id) {
  auto cancellation = std::make_shared<Cancellation>();
  const std::scoped_lock lock(mutex_);
  return running_.emplace(id, cancellation).second ? cancellation : nullptr;
}

void Service::End(const Id& id) {
  const std::scoped_lock lock(mutex_);
  running_.erase(id);
}

void Service::Cancel(const std::string& line) {
  const Json message = Json::parse(line, nullptr, false);
  if (message.is_discarded()) return;
  const Json params = message.value("params", Json::object());
  if (!params.is_object() || !params.contains("requestId")) return;
  const Json& asked = params["requestId"];
  const Id id = {asked.is_string(), asked.is_string() ? asked.get<std::string>() : asked.dump()};
  const std::scoped_lock lock(mutex_);
  if (const auto found = running_.find(id); found != running_.end()) found->second->Cancel();
}

void Service::CancelAll() {
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, cancellation] : running_) cancellation->Cancel();
}

}  // namespace bailey::mcp
