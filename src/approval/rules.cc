#include <fmt/format.h>

#include <cstdlib>
#include <ctime>

#include "approval/approver.h"

namespace bailey::approval {
namespace {

constexpr const char* kTable =
    "CREATE TABLE IF NOT EXISTS grants (id INTEGER PRIMARY KEY, allows INTEGER NOT NULL,"
    " server TEXT NOT NULL, tool TEXT NOT NULL, hash TEXT NOT NULL, effect TEXT NOT NULL,"
    " subject TEXT NOT NULL, workspace TEXT NOT NULL, made INTEGER NOT NULL,"
    " until INTEGER NOT NULL)";

std::string Now() { return fmt::format("{}", std::time(nullptr)); }
std::int64_t NumberIn(const std::string& text) { return std::strtoll(text.c_str(), nullptr, 10); }

}  // namespace

base::Result<Rules> Rules::Open(Database database) {
  Rules rules(std::move(database));
  if (const auto made = rules.database_.Ask(kTable); !made) return made.error();
  return rules;
}

base::Result<std::optional<bool>> Rules::Find(const Action& action, const Classified& classified) {
  const auto found = database_.Ask(
      "SELECT allows FROM grants WHERE server = ? AND tool = ? AND hash = ? AND effect = ?"
      " AND subject = ? AND workspace = ? AND until > CAST(? AS INTEGER) ORDER BY allows LIMIT 1",
      {action.server, action.tool, action.hash, ToString(classified.effect), classified.subject,
       action.workspace, Now()});
  if (!found) return found.error();
  if (found->empty()) return std::nullopt;
  return found->front()[0] == "1";
}

base::Status Rules::Add(const Action& action, const Classified& classified, bool allows,
                        std::chrono::seconds lasts) {
  const std::string until = fmt::format("{}", std::time(nullptr) + lasts.count());
  const auto added = database_.Change(
      "INSERT INTO grants (allows, server, tool, hash, effect, subject, workspace, made, until)"
      " VALUES (CAST(? AS INTEGER), ?, ?, ?, ?, ?, ?, CAST(? AS INTEGER), CAST(? AS INTEGER))",
      {allows ? "1" : "0", action.server, action.tool, action.hash, ToString(classified.effect),
       classified.subject, action.workspace, Now(), until});
  if (!added) return added.error();
  return {};
}

base::Result<std::vector<Rule>> Rules::List() {
  const auto rows = database_.Ask(
      "SELECT id, allows, server, tool, hash, effect, subject, workspace, made, until FROM grants"
      " WHERE until > CAST(? AS INTEGER) ORDER BY id",
      {Now()});
  if (!rows) return rows.error();
  std::vector<Rule> rules;
  for (const Row& row : *rows)
    rules.push_back({NumberIn(row[0]), row[1] == "1", row[2], row[3], row[4], row[5], row[6],
                     row[7], NumberIn(row[8]), NumberIn(row[9])});
  return rules;
}

base::Result<bool> Rules::Revoke(std::int64_t id) {
  const auto gone =
      database_.Change("DELETE FROM grants WHERE id = CAST(? AS INTEGER)", {fmt::format("{}", id)});
  if (!gone) return gone.error();
  return *gone > 0;
}

}  // namespace bailey::approval
