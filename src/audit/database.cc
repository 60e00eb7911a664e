#include "audit/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <utility>

#include "audit/statement.h"
#include "audit/store.h"
#include "base/text.h"
#include "os/file.h"

namespace bailey::audit {
namespace {

// `what` is what the event is about: the call's name, a path, a host. `amount`: of a total its
// count, else 1.
constexpr char kSchema[] = R"(
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY,
    sandbox TEXT NOT NULL, sequence INTEGER NOT NULL, time INTEGER NOT NULL,
    kind TEXT NOT NULL, decision TEXT NOT NULL,
    what TEXT NOT NULL, detail TEXT NOT NULL, answer TEXT NOT NULL, rule TEXT NOT NULL,
    executable TEXT NOT NULL, amount INTEGER NOT NULL, json TEXT NOT NULL,
    UNIQUE (sandbox, sequence));
  CREATE INDEX IF NOT EXISTS by_time ON events (time);
)";

constexpr std::size_t kLongestFile = 64 << 20;
constexpr std::chrono::seconds kSettled{3};
constexpr std::chrono::hours kForgotten{24};

struct Columns {
  std::string what, detail, answer;
  std::int64_t amount = 1;
};
struct ToColumns {
  Columns operator()(const Launch& launch) const { return {launch.policy, "", "", 1}; }
  Columns operator()(const Exit& exit) const {
    return {exit.outcome, exit.cause, "", static_cast<std::int64_t>(exit.start_up_us)};
  }
  Columns operator()(const Call& call) const { return {call.name, call.name, call.answer, 1}; }
  Columns operator()(const FileAccess& file) const {
    return {file.call, file.path, file.reason, 1};
  }
  Columns operator()(const Connection& connection) const {
    const std::string& host = connection.host.empty() ? connection.address : connection.host;
    return {"", fmt::format("{}:{}", host, connection.port), connection.reason, 1};
  }
  Columns operator()(const Limit& limit) const { return {limit.name, limit.name, limit.value, 1}; }
  Columns operator()(const Approval& approval) const { return {approval.effect, "", "", 1}; }
  Columns operator()(const Dropped& dropped) const {
    return {dropped.where, "", "", static_cast<std::int64_t>(dropped.events)};
  }
  Columns operator()(const Total& total) const {
    return {total.name, total.call, total.answer, static_cast<std::int64_t>(total.count)};
  }
};

std::string Where(const Query& query) {
  std::string where = " WHERE 1";
  if (query.since) where += " AND time >= ?1";
  if (!query.sandbox.empty()) where += " AND sandbox = ?2";
  if (!query.call.empty()) where += " AND what = ?3";
  if (query.denied) where += " AND decision = 'denied'";
  return where;
}

void BindQuery(Statement& statement, const Query& query) {
  if (query.since) statement.Bind(1, query.since->time_since_epoch().count());
  if (!query.sandbox.empty()) statement.Bind(2, query.sandbox);
  if (!query.call.empty()) statement.Bind(3, query.call);
}

std::chrono::sys_time<std::chrono::nanoseconds> TimeOf(std::int64_t number) {
  return std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(number));
}

}  // namespace

void Database::Close::operator()(sqlite3* handle) const { (void)sqlite3_close_v2(handle); }

Database::Database(sqlite3* handle, const DatabaseLimits& limits)
    : handle_(handle), limits_(limits) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

base::Result<Database> Database::Open(const std::string& path, const DatabaseLimits& limits) {
  sqlite3* handle = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &handle,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW, nullptr);
  Database database(handle, limits);
  if (opened != SQLITE_OK) {
    const char* const cause =
        handle == nullptr ? "there is no memory for it" : sqlite3_errmsg(handle);
    return base::InvalidInput(fmt::format("open audit store {}: {}", path, cause));
  }
  (void)sqlite3_busy_timeout(handle, 5000);
  if (const auto made = database.Run(kSchema); !made) return made.error();
  return database;
}

base::Status Database::Run(const char* text) const {
  if (sqlite3_exec(handle_.get(), text, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return base::InvalidInput(fmt::format("use the audit store: {}", sqlite3_errmsg(handle_.get())));
}

base::Result<std::uint64_t> Database::TakeInFile(const std::string& path, std::uint64_t& faulty,
                                                 bool& has_ended) const {
  const auto text = os::ReadFile(AT_FDCWD, path.c_str(), kLongestFile);
  if (!text) return std::uint64_t{0};
  Statement insert(handle_.get(),
                   "INSERT OR IGNORE INTO events (sandbox, sequence, time, kind, decision, what, "
                   "detail, answer, rule, executable, amount, json) "
                   "VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)");
  std::uint64_t taken = 0;
  for (const std::string_view line : base::Split(*text, '\n')) {
    if (line.empty()) continue;
    const auto event = FromJson(line);
    if (!event) {
      ++faulty;
      continue;
    }
    has_ended |= std::holds_alternative<Exit>(event->detail);
    const Columns columns = std::visit(ToColumns(), event->detail);
    insert.Bind(1, event->sandbox)
        .Bind(2, static_cast<std::int64_t>(event->sequence))
        .Bind(3, event->time.time_since_epoch().count())
        .Bind(4, KindOf(event->detail))
        .Bind(5, ToString(event->decision))
        .Bind(6, columns.what)
        .Bind(7, columns.detail)
        .Bind(8, columns.answer)
        .Bind(9, event->rule ? event->rule->origin : std::string())
        .Bind(10, event->task ? event->task->executable : std::string())
        .Bind(11, columns.amount)
        .Bind(12, line);
    (void)insert.Step();
    if (const auto done = insert.Status(); !done) return done.error();
    taken += static_cast<std::uint64_t>(sqlite3_changes(handle_.get()));
    insert.Reset();
  }
  return taken;
}

base::Result<std::uint64_t> Database::TakeIn(const std::string& directory, std::uint64_t* faulty) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  std::uint64_t taken = 0, wrong = 0;
  std::vector<std::string> done;
  if (const auto begun = Run("BEGIN IMMEDIATE"); !begun) return begun.error();
  for (const Spooled& file : SpooledIn(directory)) {
    bool has_ended = false;
    const auto from_file = TakeInFile(file.path, wrong, has_ended);
    if (!from_file) {
      (void)Run("ROLLBACK");  // the first error is the one that is told
      return from_file.error();
    }
    taken += *from_file;
    // The end of a sandbox is followed by what was dropped, if anything, and then by nothing.
    const std::chrono::nanoseconds quiet = now - std::chrono::nanoseconds(file.changed);
    if ((has_ended && quiet > kSettled) || quiet > kForgotten) done.push_back(file.path);
  }
  const std::string trim = fmt::format(
      "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - {}", limits_.events);
  if (const auto trimmed = Run(trim.c_str()); !trimmed) return trimmed.error();
  if (const auto ended = Run("COMMIT"); !ended) return ended.error();
  // Only now: what is removed is in the store.
  for (const std::string& path : done) (void)::unlink(path.c_str());
  if (faulty != nullptr) *faulty = wrong;
  return taken;
}

base::Result<std::vector<Event>> Database::Find(const Query& query) const {
  Statement select(handle_.get(), "SELECT json FROM (SELECT json, time, id FROM events" +
                                      Where(query) + " ORDER BY time DESC, id DESC LIMIT ?4)" +
                                      " ORDER BY time, id");
  BindQuery(select, query);
  select.Bind(4, static_cast<std::int64_t>(query.most));
  std::vector<Event> events;
  while (select.Step()) {
    auto event = FromJson(select.Text(0));
    if (event) events.push_back(*std::move(event));
  }
  if (const auto done = select.Status(); !done) return done.error();
  return events;
}

base::Result<std::vector<SummaryRow>> Database::Summarize(const Query& query) const {
  // Single events of calls count where their sandbox has not said its totals (yet).
  Statement select(
      handle_.get(),
      "SELECT CASE kind WHEN 'total' THEN 'call' ELSE kind END, decision, detail, answer, rule, "
      "sum(amount), count(DISTINCT sandbox), min(time), max(time) FROM events AS e" +
          Where(query) +
          " AND kind NOT IN ('launch', 'exit') AND NOT (kind = 'call' AND EXISTS (SELECT 1 FROM "
          "events WHERE kind = 'total' AND sandbox = e.sandbox)) "
          "GROUP BY 1, 2, 3, 4, 5 ORDER BY 6 DESC, 3 LIMIT ?4");
  BindQuery(select, query);
  select.Bind(4, static_cast<std::int64_t>(query.most));
  std::vector<SummaryRow> rows;
  while (select.Step()) {
    rows.push_back({.kind = select.Text(0),
                    .decision = select.Text(1),
                    .what = select.Text(2),
                    .answer = select.Text(3),
                    .rule = select.Text(4),
                    .count = static_cast<std::uint64_t>(select.Number(5)),
                    .sandboxes = static_cast<std::uint64_t>(select.Number(6)),
                    .first = TimeOf(select.Number(7)),
                    .last = TimeOf(select.Number(8))});
  }
  if (const auto done = select.Status(); !done) return done.error();
  return rows;
}

namespace {

base::Result<std::vector<Talker>> Talkers(sqlite3* handle, const std::string& text,
                                          const Query& query) {
  Statement select(handle, text);
  BindQuery(select, query);
  select.Bind(4, static_cast<std::int64_t>(query.most));
  std::vector<Talker> talkers;
  while (select.Step())
    talkers.push_back({select.Text(0), static_cast<std::uint64_t>(select.Number(1))});
  if (const auto done = select.Status(); !done) return done.error();
  return talkers;
}

}  // namespace

base::Result<std::vector<Talker>> Database::TopSandboxes(const Query& query) const {
  return Talkers(
      handle_.get(),
      "SELECT sandbox, sum(amount) FROM events AS e" + Where(query) +
          " AND decision = 'denied' AND NOT (kind = 'call' AND EXISTS (SELECT 1 FROM events WHERE "
          "kind = 'total' AND sandbox = e.sandbox)) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?4",
      query);
}

base::Result<std::vector<Talker>> Database::TopExecutables(const Query& query) const {
  return Talkers(handle_.get(),
                 "SELECT executable, count(*) FROM events" + Where(query) +
                     " AND decision = 'denied' AND executable <> '' GROUP BY 1 ORDER BY 2 DESC, 1 "
                     "LIMIT ?4",
                 query);
}

}  // namespace bailey::audit
