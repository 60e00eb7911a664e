#include "approval/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "base/text.h"
#include "base/unique_fd.h"
#include "os/file.h"

namespace bailey::approval {
namespace {

// Two gateways may write at once; each holds the lock for one row.
constexpr int kBusyMilliseconds = 5000;

constexpr const char* kTables =
    "CREATE TABLE IF NOT EXISTS pins (server TEXT NOT NULL, tool TEXT NOT NULL, hash TEXT NOT NULL,"
    " definition TEXT NOT NULL, since TEXT NOT NULL, seen_hash TEXT NOT NULL DEFAULT '',"
    " seen TEXT NOT NULL DEFAULT '', PRIMARY KEY (server, tool)) WITHOUT ROWID;";

struct Finalizer {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalizer>;

base::Error Foreign(const std::string& path) {
  return base::Violation(fmt::format(
      "open {}: it can be changed by others than this user, and so could what is approved", path));
}

// Makes one directory for this user alone, and looks at it, made or found.
base::Status Enter(base::UniqueFd& at, const std::string& name, const std::string& path,
                   bool is_last) {
  const auto made = os::MakeDirectory(at.Get(), name.c_str(), 0700);
  if (!made && made.error().value != EEXIST && made.error().value != EROFS)
    return base::SystemError("make " + path, made.error().value);
  auto opened = os::Open(at.Get(), name.c_str(), O_PATH | O_DIRECTORY);
  if (!opened) return base::SystemError("open " + path, opened.error().value);
  at = *std::move(opened);
  if (!is_last) return {};
  const auto found = os::StatFd(at.Get());
  if (!found) return base::SystemError("look at " + path, found.error().value);
  if (found->st_uid != ::geteuid() || (found->st_mode & 022) != 0) return Foreign(path);
  return {};
}

base::Status MakePlace(const std::string& path) {
  auto root = os::Open(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
  if (!root) return base::SystemError("open /", root.error().value);
  const auto names = base::Split(std::string_view(path).substr(1), '/');
  std::string reached;
  for (std::size_t i = 0; i + 1 < names.size(); ++i) {
    reached += fmt::format("/{}", names[i]);
    const bool is_last = i + 2 == names.size();
    if (auto done = Enter(*root, std::string(names[i]), reached, is_last); !done) return done;
  }
  // SQLite makes files by the caller's mask; this one is nobody else's business.
  const auto file =
      os::Open(root->Get(), std::string(names.back()).c_str(), O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (!file) return base::SystemError("open " + path, file.error().value);
  const auto found = os::StatFd(file->Get());
  if (!found) return base::SystemError("look at " + path, found.error().value);
  if (found->st_uid != ::geteuid() || (found->st_mode & 022) != 0) return Foreign(path);
  return {};
}

}  // namespace

void Database::Closer::operator()(sqlite3* database) const { sqlite3_close(database); }

base::Result<std::string> Database::DefaultPath() {
  const char* const state = std::getenv("XDG_STATE_HOME");
  if (state && *state == '/') return std::string(state) + "/bailey/approvals.db";
  if (::geteuid() == 0) return std::string("/var/lib/bailey/approvals.db");
  const char* const home = std::getenv("HOME");
  if (home && *home == '/') return std::string(home) + "/.local/state/bailey/approvals.db";
  return base::Unsupported("find a place for approvals: neither XDG_STATE_HOME nor HOME is set");
}

base::Result<Database> Database::Open(const std::string& path) {
  if (path.empty() || path[0] != '/')
    return base::InvalidInput(fmt::format("open approvals {}: the path is not absolute", path));
  if (const auto made = MakePlace(path); !made) return made.error();
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, nullptr);
  Database database(std::unique_ptr<sqlite3, Closer>(handle), path);
  if (code != SQLITE_OK) return database.Failed("open");
  if (const auto prepared = database.Prepare(); !prepared) return prepared.error();
  return database;
}

base::Status Database::Prepare() {
  sqlite3_busy_timeout(handle_.get(), kBusyMilliseconds);
  // A file that somebody damaged on purpose must not reach into this process.
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  // A page cache of 256 KiB is plenty for a few hundred rows.
  for (const char* sql : {"PRAGMA cache_size = -256", "PRAGMA secure_delete = 1", kTables})
    if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
      return Failed("prepare");
  return {};
}

base::Error Database::Failed(std::string_view verb) const {
  return base::Error{
      .code = base::ErrorCode::kSystem,
      .text = fmt::format("{} approvals {}: {}", verb, path_, sqlite3_errmsg(handle_.get()))};
}

base::Result<std::vector<Row>> Database::Ask(std::string_view sql,
                                             std::initializer_list<std::string_view> values) {
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &prepared,
                         nullptr) != SQLITE_OK)
    return Failed("read");
  const Statement statement(prepared);
  int position = 0;
  for (const std::string_view value : values)
    sqlite3_bind_text(prepared, ++position, value.data() ? value.data() : "",
                      static_cast<int>(value.size()), SQLITE_TRANSIENT);
  std::vector<Row> rows;
  int code = sqlite3_step(prepared);
  for (; code == SQLITE_ROW; code = sqlite3_step(prepared)) {
    Row row;
    for (int i = 0; i < sqlite3_column_count(prepared); ++i) {
      const void* text = sqlite3_column_text(prepared, i);
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(prepared, i));
      row.emplace_back(text ? static_cast<const char*>(text) : "", size);
    }
    rows.push_back(std::move(row));
  }
  if (code != SQLITE_DONE) return Failed("read");
  return rows;
}

base::Result<int> Database::Change(std::string_view sql,
                                   std::initializer_list<std::string_view> values) {
  const auto done = Ask(sql, values);
  if (!done) return done.error();
  return sqlite3_changes(handle_.get());
}

base::Status Database::Begin() {
  const auto done = Ask("BEGIN IMMEDIATE");
  if (!done) return done.error();
  return {};
}

base::Status Database::Commit() {
  const auto done = Ask("COMMIT");
  if (!done) return done.error();
  return {};
}

}  // namespace bailey::approval
