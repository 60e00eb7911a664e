// The store in Prometheus' text format (version 0.0.4).
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include "audit/database.h"
#include "audit/statement.h"

namespace bailey::audit {
namespace {

constexpr std::array<std::uint64_t, 10> kBucketsUs = {1000,  2000,  3000,   5000,   10000,
                                                      20000, 50000, 100000, 500000, 1000000};
constexpr std::chrono::hours kForgotten{24};

// A label's value: backslash, quote and newline are escaped.
std::string Label(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

class Metrics {
 public:
  explicit Metrics(sqlite3* handle) : handle_(handle) {}

  // `select` has a row a series: its label's value, and its number.
  void Family(std::string_view name, std::string_view type, std::string_view help,
              std::string_view label, const std::string& select) {
    Head(name, type, help);
    Statement rows(handle_, select);
    while (rows.Step()) {
      const std::string labels =
          label.empty() ? "" : fmt::format("{{{}=\"{}\"}}", label, Label(rows.Text(0)));
      text_ += fmt::format("{}{} {}\n", name, labels, rows.Number(1));
    }
    Note(rows.Status());
  }

  void StartUp() {
    constexpr std::string_view kName = "bailey_start_up_seconds";
    Head(kName, "histogram", "from the first namespace to the program's start");
    const std::string from =
        " FROM events WHERE kind = 'exit' AND what <> 'not-started' AND amount ";
    for (const std::uint64_t bucket : kBucketsUs) {
      text_ += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", kName, static_cast<double>(bucket) / 1e6,
                           One(fmt::format("SELECT count(*){}<= {}", from, bucket)));
    }
    const std::int64_t all = One("SELECT count(*)" + from + ">= 0");
    const std::int64_t sum = One("SELECT coalesce(sum(amount), 0)" + from + ">= 0");
    text_ += fmt::format("{0}_bucket{{le=\"+Inf\"}} {1}\n{0}_sum {2}\n{0}_count {1}\n", kName, all,
                         static_cast<double>(sum) / 1e6);
  }

  base::Result<std::string> Take() && {
    if (fault_) return *std::move(fault_);
    return std::move(text_);
  }

 private:
  void Head(std::string_view name, std::string_view type, std::string_view help) {
    text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  }
  std::int64_t One(const std::string& select) {
    Statement rows(handle_, select);
    const std::int64_t number = rows.Step() ? rows.Number(0) : 0;
    Note(rows.Status());
    return number;
  }
  void Note(const base::Status& status) {
    if (!status && !fault_) fault_ = status.error();
  }

  sqlite3* handle_;
  std::string text_;
  std::optional<base::Error> fault_;
};

}  // namespace

base::Result<std::string> Database::Metrics() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t begin = std::chrono::nanoseconds(now - kForgotten).count();
  audit::Metrics metrics(handle_.get());
  metrics.Family(
      "bailey_sandboxes_started_total", "counter", "programs started", "",
      "SELECT '', count(*) FROM events AS e WHERE kind = 'launch' AND NOT EXISTS (SELECT 1 "
      "FROM events WHERE kind = 'exit' AND what = 'not-started' AND sandbox = e.sandbox)");
  metrics.Family(
      "bailey_sandboxes_running", "gauge", "started within a day, and not ended", "",
      fmt::format(
          "SELECT '', count(*) FROM events AS e WHERE kind = 'launch' AND time > {} AND NOT "
          "EXISTS (SELECT 1 FROM events WHERE kind = 'exit' AND sandbox = e.sandbox)",
          begin));
  metrics.Family("bailey_sandboxes_ended_total", "counter", "ends by outcome", "outcome",
                 "SELECT what, count(*) FROM events WHERE kind = 'exit' GROUP BY 1 ORDER BY 1");
  metrics.Family(
      "bailey_start_failures_total", "counter", "sandboxes that were not built, by step", "step",
      "SELECT substr(detail, 1, instr(detail || ':', ':') - 1), count(*) FROM events WHERE kind = "
      "'exit' AND what = 'not-started' GROUP BY 1 ORDER BY 1");
  metrics.StartUp();
  metrics.Family(
      "bailey_denied_calls_total", "counter", "system calls that were denied, by call", "call",
      "SELECT what, sum(amount) FROM events AS e WHERE decision = 'denied' AND (kind = 'total' OR "
      "(kind = 'call' AND NOT EXISTS (SELECT 1 FROM events WHERE kind = 'total' AND sandbox = "
      "e.sandbox))) GROUP BY 1 ORDER BY 1");
  metrics.Family("bailey_withheld_files_total", "counter", "uses of files that were withheld", "",
                 "SELECT '', count(*) FROM events WHERE kind = 'file' AND decision = 'denied'");
  metrics.Family("bailey_denied_connections_total", "counter", "connections that were denied", "",
                 "SELECT '', count(*) FROM events WHERE kind = 'connection' AND decision = "
                 "'denied'");
  metrics.Family("bailey_limits_hit_total", "counter", "limits that were reached", "limit",
                 "SELECT what, count(*) FROM events WHERE kind = 'limit' GROUP BY 1 ORDER BY 1");
  metrics.Family("bailey_events_dropped_total", "counter", "events that no sink got", "where",
                 "SELECT what, sum(amount) FROM events WHERE kind = 'dropped' GROUP BY 1 ORDER BY "
                 "1");
  return std::move(metrics).Take();
}

}  // namespace bailey::audit
