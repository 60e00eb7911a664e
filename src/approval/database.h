// What a person has decided, kept in one SQLite database of this user:
// $XDG_STATE_HOME/bailey/approvals.db (~/.local/state/bailey), for root /var/lib/bailey.
//
//   auto database = approval::Database::Open(*path);
//   auto found = database->Ask("SELECT hash FROM pins WHERE server = ?", {server});
//   if (!found) return found.error();   // "read approvals /home/u/...: <cause>"
//   for (const auto& row : *found) Use(row[0]);
//
// Every value is a text; what was no text is one when it comes back.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct sqlite3;

namespace bailey::approval {

using Row = std::vector<std::string>;

class Database {
 public:
  // Makes it, and the directories above it, where they are missing. A directory or file that others
  // may write to is kViolation: whoever can write there decides what is approved.
  static base::Result<Database> Open(const std::string& path);
  // Where it is by default.
  static base::Result<std::string> DefaultPath();

  base::Result<std::vector<Row>> Ask(std::string_view sql,
                                     std::initializer_list<std::string_view> values = {});
  // How many rows it changed.
  base::Result<int> Change(std::string_view sql,
                           std::initializer_list<std::string_view> values = {});
  // Between these, nobody else changes anything.
  base::Status Begin();
  base::Status Commit();

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
  };
  Database(std::unique_ptr<sqlite3, Closer> handle, std::string path)
      : handle_(std::move(handle)), path_(std::move(path)) {}
  base::Error Failed(std::string_view verb) const;
  base::Status Prepare();

  std::unique_ptr<sqlite3, Closer> handle_;
  std::string path_;
};

}  // namespace bailey::approval
