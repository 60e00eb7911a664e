// The JSON form of events: one visitor a direction, with the fields in the order of the schema.
#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "audit/event.h"

namespace bailey::audit {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kVersion = 1;

Json ToObject(const Task& task) {
  return {{"pid", task.pid}, {"inside", task.inside}, {"executable", task.executable}};
}

Json ToObject(const Argument& argument) {
  Json object = {{"name", argument.name}, {"value", argument.value}};
  if (argument.as_seen) object["as_seen"] = true;
  return object;
}

struct ToDetail {
  Json operator()(const Launch& launch) const {
    Json json = {{"policy", launch.policy}, {"argv", launch.argv}};
    if (!launch.isolation.empty()) json["isolation"] = launch.isolation;
    return json;
  }
  Json operator()(const Exit& exit) const {
    return {{"outcome", exit.outcome},
            {"status", exit.status},
            {"start_up_us", exit.start_up_us},
            {"cause", exit.cause}};
  }
  Json operator()(const Call& call) const {
    Json arguments = Json::array();
    for (const Argument& argument : call.arguments) arguments.push_back(ToObject(argument));
    return {{"arch", call.arch},
            {"name", call.name},
            {"number", call.number},
            {"arguments", std::move(arguments)},
            {"answer", call.answer}};
  }
  Json operator()(const FileAccess& file) const {
    return {
        {"call", file.call}, {"path", file.path}, {"access", file.access}, {"reason", file.reason}};
  }
  Json operator()(const Connection& connection) const {
    return {{"protocol", connection.protocol}, {"host", connection.host},
            {"address", connection.address},   {"port", connection.port},
            {"reason", connection.reason},     {"sent", connection.sent},
            {"received", connection.received}};
  }
  Json operator()(const Limit& limit) const {
    return {{"name", limit.name}, {"value", limit.value}};
  }
  Json operator()(const Approval& approval) const {
    return {{"effect", approval.effect}, {"by", approval.by}};
  }
  Json operator()(const Dropped& dropped) const {
    return {{"events", dropped.events}, {"where", dropped.where}};
  }
  Json operator()(const Total& total) const {
    return {{"arch", total.arch},
            {"name", total.name},
            {"call", total.call},
            {"answer", total.answer},
            {"count", total.count}};
  }
};

// Reads fields of one object; the first fault stays.
class Fields {
 public:
  Fields(const Json& object, std::string where, std::string& fault)
      : object_(object), where_(std::move(where)), fault_(fault) {
    if (!object.is_object()) Fail("an object");
  }

  std::string Text(const char* name) {
    const Json* const field = Find(name);
    if (!field) return {};
    if (!field->is_string()) return Fail(name, "a string"), std::string();
    return field->get<std::string>();
  }
  template <class Number>
  Number Integer(const char* name) {
    const Json* const field = Find(name);
    if (!field) return {};
    using Limits = std::numeric_limits<Number>;
    const bool fits = field->is_number_unsigned()
                          ? field->get<std::uint64_t>() <= static_cast<std::uint64_t>(Limits::max())
                          : field->is_number_integer() && Limits::is_signed;
    if (!fits) return Fail(name, "a number that fits"), Number();
    return field->get<Number>();
  }
  bool Flag(const char* name) {
    if (!object_.is_object() || !object_.contains(name)) return false;
    if (!object_[name].is_boolean()) return Fail(name, "true or false"), false;
    return object_[name].get<bool>();
  }
  std::vector<std::string> Texts(const char* name) {
    std::vector<std::string> texts;
    const Json* const field = Find(name);
    if (!field) return texts;
    if (!field->is_array()) return Fail(name, "an array"), texts;
    for (const Json& one : *field) {
      if (!one.is_string()) return Fail(name, "an array of strings"), texts;
      texts.push_back(one.get<std::string>());
    }
    return texts;
  }
  const Json* Find(const char* name) {
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(name);
    if (found == object_.end()) return Fail(name, "present"), nullptr;
    return &*found;
  }
  // 0 where an older writer did not know it.
  std::uint64_t OptionalCount(const char* name) {
    return object_.is_object() && object_.contains(name) ? Integer<std::uint64_t>(name) : 0;
  }
  const Json* FindOptional(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }

 private:
  void Fail(std::string_view wanted) {
    if (fault_.empty()) fault_ = fmt::format("{} is not {}", where_, wanted);
  }
  void Fail(const char* name, std::string_view wanted) {
    if (fault_.empty()) fault_ = fmt::format("{}.{} is not {}", where_, name, wanted);
  }

  const Json& object_;
  std::string where_;
  std::string& fault_;
};

Call ReadCall(const Json& object, std::string& fault) {
  Fields fields(object, "call", fault);
  Call call = {.arch = fields.Text("arch"),
               .name = fields.Text("name"),
               .number = fields.Integer<std::uint32_t>("number"),
               .arguments = {},
               .answer = fields.Text("answer")};
  const Json* const arguments = fields.Find("arguments");
  if (!arguments || !arguments->is_array()) return call;
  for (const Json& one : *arguments) {
    Fields argument(one, "argument", fault);
    call.arguments.push_back(
        {argument.Text("name"), argument.Text("value"), argument.Flag("as_seen")});
  }
  return call;
}

std::optional<Detail> ReadDetail(std::string_view kind, const Json& object, std::string& fault) {
  Fields fields(object, std::string(kind), fault);
  if (kind == "launch") {
    Launch launch{fields.Text("policy"), fields.Texts("argv")};
    if (object.is_object() && object.contains("isolation"))
      launch.isolation = fields.Text("isolation");
    return launch;
  }
  if (kind == "exit") {
    return Exit{fields.Text("outcome"), fields.Integer<std::int64_t>("status"),
                fields.Integer<std::uint64_t>("start_up_us"), fields.Text("cause")};
  }
  if (kind == "call") return ReadCall(object, fault);
  if (kind == "file") {
    return FileAccess{fields.Text("call"), fields.Text("path"), fields.Text("access"),
                      fields.Text("reason")};
  }
  if (kind == "connection") {
    return Connection{fields.Text("protocol"),         fields.Text("host"),
                      fields.Text("address"),          fields.Integer<std::uint16_t>("port"),
                      fields.Text("reason"),           fields.OptionalCount("sent"),
                      fields.OptionalCount("received")};
  }
  if (kind == "limit") return Limit{fields.Text("name"), fields.Text("value")};
  if (kind == "approval") return Approval{fields.Text("effect"), fields.Text("by")};
  if (kind == "dropped")
    return Dropped{fields.Integer<std::uint64_t>("events"), fields.Text("where")};
  if (kind == "total") {
    return Total{fields.Text("arch"), fields.Text("name"), fields.Text("call"),
                 fields.Text("answer"), fields.Integer<std::uint64_t>("count")};
  }
  return std::nullopt;
}

std::optional<Decision> FindDecision(std::string_view text) {
  for (const Decision one : {Decision::kDenied, Decision::kAllowed, Decision::kSeen})
    if (ToString(one) == text) return one;
  return std::nullopt;
}

base::Error Wrong(std::string_view cause) {
  return base::InvalidInput(fmt::format("read event: {}", cause));
}

}  // namespace

std::string ToJson(const Event& event) {
  const std::string_view kind = KindOf(event.detail);
  Json line = {{"version", kVersion},
               {"sequence", event.sequence},
               {"time", TimeText(event.time)},
               {"sandbox", event.sandbox},
               {"kind", kind},
               {"decision", ToString(event.decision)}};
  if (event.task) line["task"] = ToObject(*event.task);
  if (event.rule) line["rule"] = {{"origin", event.rule->origin}, {"place", event.rule->place}};
  line[std::string(kind)] = std::visit(ToDetail(), event.detail);
  if (!event.alerts.empty()) line["alerts"] = event.alerts;
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

base::Result<Event> FromJson(std::string_view text) {
  const Json line = Json::parse(text, nullptr, false);
  if (line.is_discarded() || !line.is_object()) return Wrong("it is no JSON object");
  std::string fault;
  Fields fields(line, "event", fault);
  if (fields.Integer<std::uint64_t>("version") > kVersion) {
    return base::Unsupported(
        fmt::format("read event: its version is above {}, which this program reads", kVersion));
  }
  Event event;
  event.sequence = fields.Integer<std::uint64_t>("sequence");
  event.sandbox = fields.Text("sandbox");
  const auto time = ParseTime(fields.Text("time"));
  const auto decision = FindDecision(fields.Text("decision"));
  const std::string kind = fields.Text("kind");
  const Json* const detail = fault.empty() ? fields.Find(kind.c_str()) : nullptr;
  if (!fault.empty()) return Wrong(fault);
  if (!time) return Wrong("event.time is no time");
  if (!decision) return Wrong("event.decision is not denied, allowed or seen");
  event.time = *time;
  event.decision = *decision;
  auto read = ReadDetail(kind, *detail, fault);
  if (!read) return Wrong("event.kind is unknown");
  event.detail = *std::move(read);
  if (const Json* const task = fields.FindOptional("task")) {
    Fields of(*task, "task", fault);
    event.task = {of.Integer<std::int64_t>("pid"), of.Integer<std::int64_t>("inside"),
                  of.Text("executable")};
  }
  if (const Json* const rule = fields.FindOptional("rule")) {
    Fields of(*rule, "rule", fault);
    event.rule = {of.Text("origin"), of.Text("place")};
  }
  if (fields.FindOptional("alerts")) event.alerts = fields.Texts("alerts");
  if (!fault.empty()) return Wrong(fault);
  return event;
}

}  // namespace bailey::audit
