// The store of `bailey audit`: events of many sandboxes in one SQLite file, which takes in what
// they left in the spool (store.h) and stays below a number of events.
//
//   auto database = audit::Database::Open(directory + "/events.db");
//   if (auto taken = database->TakeIn(directory); !taken) return taken.error();
//   auto events = database->Find({.call = "mount"});
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/event.h"
#include "base/result.h"

struct sqlite3;

namespace bailey::audit {

struct Query {
  std::optional<std::chrono::sys_time<std::chrono::nanoseconds>> since;
  std::string sandbox;        // empty: of every one
  std::string call;           // by name; empty: of every kind
  bool denied = false;        // denials only
  std::uint64_t most = 1000;  // the latest
};

// What happened how often: of calls the exact totals where the sandbox has said them, else as many
// as there are events.
struct SummaryRow {
  std::string kind, decision, what, answer, rule;
  std::uint64_t count = 0, sandboxes = 0;
  std::chrono::sys_time<std::chrono::nanoseconds> first{}, last{};
};

struct Talker {
  std::string who;  // a sandbox, with what it ran; or an executable
  std::uint64_t denied = 0;
};

struct DatabaseLimits {
  std::uint64_t events = 1000000;
};

class Database {
 public:
  // Made where it is missing. Errors: kSystem, kInvalidInput for a file that is no such store.
  static base::Result<Database> Open(const std::string& path, const DatabaseLimits& limits = {});
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  // Takes in every line of the spool that is not here yet, and removes the files of sandboxes that
  // ended some seconds ago, or that nobody has written for a day. Returns how many events were new;
  // lines that are no events are passed over, and counted in `faulty`.
  base::Result<std::uint64_t> TakeIn(const std::string& directory, std::uint64_t* faulty = nullptr);

  // The oldest first.
  base::Result<std::vector<Event>> Find(const Query& query) const;
  // The most frequent first.
  base::Result<std::vector<SummaryRow>> Summarize(const Query& query) const;
  base::Result<std::vector<Talker>> TopSandboxes(const Query& query) const;
  base::Result<std::vector<Talker>> TopExecutables(const Query& query) const;
  // All of it as Prometheus' text format: sandboxes started and running, ends by outcome, starts
  // that failed by step, start-up times, denied calls, withheld files, what was dropped.
  base::Result<std::string> Metrics() const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  explicit Database(sqlite3* handle, const DatabaseLimits& limits);

  base::Status Run(const char* text) const;
  base::Result<std::uint64_t> TakeInFile(const std::string& path, std::uint64_t& faulty,
                                         bool& has_ended) const;

  std::unique_ptr<sqlite3, Close> handle_;
  DatabaseLimits limits_;
};

}  // namespace bailey::audit
