// bailey mcp pins: which definitions of tools are approved, and what changed since.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "approval/pins.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/mcp.h"

namespace bailey::cli {
namespace {

void Print(const approval::Pin& pin, bool with_difference) {
  fmt::print("{}  {}  {}  {}  {}\n", base::ShellQuote(base::Escape(pin.server)),
             base::Escape(pin.tool), pin.hash.substr(0, 16), pin.since,
             pin.IsChanged() ? "changed" : "approved");
  if (with_difference && pin.IsChanged())
    fmt::print("{}", approval::Difference(pin.definition, pin.seen));
}

nlohmann::ordered_json ToJson(const approval::Pin& pin) {
  nlohmann::ordered_json json = {{"server", pin.server},
                                 {"tool", pin.tool},
                                 {"hash", pin.hash},
                                 {"since", pin.since},
                                 {"changed", pin.IsChanged()}};
  if (pin.IsChanged()) {
    json["approved"] = nlohmann::ordered_json::parse(pin.definition, nullptr, false);
    json["seen"] = nlohmann::ordered_json::parse(pin.seen, nullptr, false);
  }
  return json;
}

}  // namespace

int RunMcpPins(int argc, char** argv) {
  Arguments arguments(
      "mcp pins",
      "Lists the definitions of tools that are approved: by server, tool, hash and date. Of one\n"
      "that the server has changed since, the difference is shown; it cannot be called until it "
      "is\n"
      "approved. Exits with 1 where something is changed and was only listed.");
  std::string server, tool;
  bool approve = false, forget = false, json = false;
  arguments.Value("SERVER", server, "by its name, or its command line");
  arguments.Value("TOOL", tool, "one of its tools");
  const auto approves =
      arguments.Flag("--approve", approve, "what the server says now is approved");
  arguments.Flag("--forget", forget, "the next definition seen is approved").Excludes(approves);
  arguments.Flag("--json", json, "print JSON (docs/schemas/pins.schema.json)");
  if (const auto code = arguments.Read({argv + 1, argv + argc}, kUsage)) return *code;
  if ((approve || forget) && server.empty())
    return Fail("mcp pins", base::InvalidInput("change pins: no server is named"));
  const auto path = approval::Database::DefaultPath();
  if (!path) return Fail("mcp pins", path.error());
  auto database = approval::Database::Open(*path);
  if (!database) return Fail("mcp pins", database.error());
  approval::Pins pins(*std::move(database));
  if (approve || forget) {
    const auto changed = approve ? pins.Approve(server, tool) : pins.Forget(server, tool);
    if (!changed) return Fail("mcp pins", changed.error());
    fmt::print("{} {}\n", approve ? "approved" : "forgotten", *changed);
    return kYes;
  }
  const auto list = pins.List(server);
  if (!list) return Fail("mcp pins", list.error());
  nlohmann::ordered_json report = {{"version", 1}, {"pins", nlohmann::ordered_json::array()}};
  bool any_changed = false;
  for (const approval::Pin& pin : *list) {
    if (!tool.empty() && pin.tool != tool) continue;
    any_changed = any_changed || pin.IsChanged();
    if (json) report["pins"].push_back(ToJson(pin));
    if (!json) Print(pin, true);
  }
  if (json)
    fmt::print("{}\n",
               report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  return any_changed ? kNo : kYes;
}

}  // namespace bailey::cli
