// bailey approvals: what was approved for longer than a session.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <string>

#include "approval/approver.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/mcp.h"

namespace bailey::cli {
namespace {

std::string Day(std::int64_t seconds) {
  return fmt::format("{:%F}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

nlohmann::ordered_json ToJson(const approval::Rule& rule) {
  return {{"id", rule.id},           {"allows", rule.allows},       {"server", rule.server},
          {"tool", rule.tool},       {"hash", rule.hash},           {"effect", rule.effect},
          {"subject", rule.subject}, {"workspace", rule.workspace}, {"made", rule.made},
          {"until", rule.until}};
}

int Print(const std::vector<approval::Rule>& rules, bool json) {
  nlohmann::ordered_json report = {{"version", 1}, {"rules", nlohmann::ordered_json::array()}};
  for (const approval::Rule& rule : rules) {
    report["rules"].push_back(ToJson(rule));
    if (json) continue;
    fmt::print("{}  {}  {} of {}  [{}]  in {}  until {}\n", rule.id, rule.allows ? "allow" : "deny",
               base::Escape(rule.tool), base::Escape(rule.server), rule.effect,
               base::Escape(rule.workspace), Day(rule.until));
    if (!rule.subject.empty()) fmt::print("    {}\n", base::Escape(rule.subject));
  }
  if (json)
    fmt::print("{}\n",
               report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  return kYes;
}

}  // namespace

int RunApprovalsItself(int argc, char** argv) {
  Arguments arguments(
      "approvals",
      "Lists what was allowed for a workspace until a day, by number, or revokes one of it. Exits\n"
      "with 1 where there is no rule of the number to revoke.");
  std::size_t revoke = 0;
  bool json = false;
  arguments.Value("--revoke", revoke, "the number of a rule that is to hold no longer");
  arguments.Flag("--json", json, "print JSON (docs/schemas/approvals.schema.json)");
  if (const auto code = arguments.Read({argv + 1, argv + argc}, kUsage)) return *code;
  const auto path = approval::Database::DefaultPath();
  if (!path) return Fail("approvals", path.error());
  auto database = approval::Database::Open(*path);
  if (!database) return Fail("approvals", database.error());
  auto rules = approval::Rules::Open(*std::move(database));
  if (!rules) return Fail("approvals", rules.error());
  if (revoke != 0) {
    const auto gone = rules->Revoke(static_cast<std::int64_t>(revoke));
    if (!gone) return Fail("approvals", gone.error());
    fmt::print("{}\n", *gone ? "revoked 1" : "revoked 0");
    return *gone ? kYes : kNo;
  }
  const auto list = rules->List();
  if (!list) return Fail("approvals", list.error());
  return Print(*list, json);
}

}  // namespace bailey::cli
