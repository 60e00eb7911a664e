// bailey audit: what sandboxes left in the store, taken into a database and asked for.
#include "cli/audit.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "audit/database.h"
#include "audit/page.h"
#include "audit/store.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/run_audit.h"
#include "os/file.h"
#include "os/listen.h"

namespace bailey::cli {
namespace {

constexpr auto kPause = std::chrono::milliseconds(200);

struct AuditOptions {
  std::string deed = "summary";
  std::string file;  // of export
  std::string since, store, listen;
  audit::Query query;
  bool json = false;
};

constexpr char kDescription[] =
    "Says what sandboxes were denied, and what else they had to say.\n"
    "  summary      what happened how often (what is done when nothing is named)\n"
    "  query        the events, the oldest first\n"
    "  follow       events as they come, until it is interrupted\n"
    "  top          the sandboxes and executables that were denied most\n"
    "  metrics      all of it in Prometheus' text format; with --listen, to whoever asks for it\n"
    "  export FILE  a page of HTML with a timeline";

void Describe(Arguments& arguments, AuditOptions& options) {
  arguments.Value("DEED", options.deed, "summary, query, follow, top, metrics or export")
      .OneOf({"summary", "query", "follow", "top", "metrics", "export"});
  arguments.Value("FILE", options.file, "where export writes the page");
  arguments.Value("--since", options.since, "of the last so much time (30m, 2h, 7d)");
  arguments.Value("--sandbox", options.query.sandbox, "of this sandbox");
  arguments.Value("--call", options.query.call, "of this system call");
  arguments.Flag("--denied", options.query.denied, "denials only");
  arguments.Value("--limit", options.query.most, "at most so many, the latest");
  arguments.Value("--store", options.store, "the store's directory, instead of the caller's own");
  arguments.Flag("--json", options.json, "as JSON");
  arguments.Value("--listen", options.listen,
                  "of metrics: unix:/PATH, or 127.0.0.1:PORT (0: any that is free)");
}

std::string ShortTime(std::chrono::sys_time<std::chrono::nanoseconds> time) {
  return audit::TimeText(std::chrono::floor<std::chrono::seconds>(time)).substr(0, 19) + "Z";
}

std::string Line(const audit::Event& event) {
  const std::string who =
      event.task ? fmt::format(" {}[{}]", base::Escape(event.task->executable), event.task->inside)
                 : "";
  return fmt::format("{} {}{} {}", ShortTime(event.time), base::Escape(event.sandbox), who,
                     audit::Summary(event));
}

void Print(const audit::Event& event, bool json) {
  fmt::print("{}\n", json ? audit::ToJson(event) : Line(event));
}

int Summarize(const audit::Database& database, const AuditOptions& options) {
  const auto rows = database.Summarize(options.query);
  if (!rows) return Fail("audit", rows.error());
  if (options.json) {
    auto all = nlohmann::ordered_json::array();
    for (const audit::SummaryRow& row : *rows) {
      all.push_back({{"kind", row.kind},
                     {"decision", row.decision},
                     {"what", row.what},
                     {"answer", row.answer},
                     {"rule", row.rule},
                     {"count", row.count},
                     {"sandboxes", row.sandboxes},
                     {"first", audit::TimeText(row.first)},
                     {"last", audit::TimeText(row.last)}});
    }
    const nlohmann::ordered_json whole = {{"version", 1}, {"rows", std::move(all)}};
    fmt::print("{}\n", whole.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return kYes;
  }
  if (rows->empty()) {
    fmt::print("nothing was recorded\n");
    return kYes;
  }
  std::size_t width = 4;
  for (const audit::SummaryRow& row : *rows)
    width = std::max(width, std::min<std::size_t>(60, base::Escape(row.what).size()));
  fmt::print("{:>10}  {:>9}  {:10}  {:<{}}  {:<13}  {:<20}  {}\n", "times", "sandboxes", "kind",
             "what", width, "answer", "last", "rule");
  for (const audit::SummaryRow& row : *rows) {
    fmt::print("{:>10}  {:>9}  {:10}  {:<{}}  {:<13}  {:<20}  {}\n", row.count, row.sandboxes,
               row.kind, base::Escape(row.what), width, base::Escape(row.answer),
               ShortTime(row.last), base::Escape(row.rule));
  }
  return kYes;
}

int ShowTop(const audit::Database& database, const AuditOptions& options) {
  const auto sandboxes = database.TopSandboxes(options.query);
  if (!sandboxes) return Fail("audit", sandboxes.error());
  const auto executables = database.TopExecutables(options.query);
  if (!executables) return Fail("audit", executables.error());
  if (options.json) {
    const auto list = [](const std::vector<audit::Talker>& talkers) {
      auto all = nlohmann::ordered_json::array();
      for (const audit::Talker& one : talkers)
        all.push_back({{"who", one.who}, {"denied", one.denied}});
      return all;
    };
    const nlohmann::ordered_json whole = {
        {"version", 1}, {"sandboxes", list(*sandboxes)}, {"executables", list(*executables)}};
    fmt::print("{}\n", whole.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return kYes;
  }
  const auto print = [](std::string_view title, const std::vector<audit::Talker>& talkers) {
    fmt::print("{:>10}  {}\n", "denied", title);
    for (const audit::Talker& one : talkers)
      fmt::print("{:>10}  {}\n", one.denied, base::Escape(one.who));
  };
  print("sandbox", *sandboxes);
  print("executable (of the events that came through)", *executables);
  return kYes;
}

int Export(const audit::Database& database, const AuditOptions& options) {
  const auto events = database.Find(options.query);
  if (!events) return Fail("audit", events.error());
  const auto rows = database.Summarize(options.query);
  if (!rows) return Fail("audit", rows.error());
  const std::string page = audit::Page(*events, *rows);
  std::FILE* const file = std::fopen(options.file.c_str(), "we");
  if (file == nullptr) return Fail("audit", base::SystemError("write " + options.file, errno));
  const bool is_written = std::fwrite(page.data(), 1, page.size(), file) == page.size();
  if (std::fclose(file) != 0 || !is_written)
    return Fail("audit", base::SystemError("write " + options.file, errno));
  return kYes;
}

base::Result<base::UniqueFd> Listen(std::string_view where) {
  constexpr std::string_view kUnix = "unix:", kLoopback = "127.0.0.1:";
  os::SysResult<base::UniqueFd> socket = os::Fail(EINVAL);
  if (where.starts_with("unix:/")) {
    socket = os::ListenOnPath(where.substr(kUnix.size()));
  } else if (where.starts_with(kLoopback)) {
    const auto port = base::ParseNumber(where.substr(kLoopback.size()));
    if (port && *port <= 0xffff) socket = os::ListenOnLoopback(static_cast<std::uint16_t>(*port));
  }
  if (!socket)
    return base::SystemError(fmt::format("listen on {}", base::Escape(where)),
                             socket.error().value);
  if (where.starts_with(kLoopback)) {
    const auto port = os::PortOf(socket->Get());
    if (port) fmt::print("listening on 127.0.0.1:{}\n", *port);
  } else {
    fmt::print("listening on {}\n", base::Escape(where));
  }
  (void)std::fflush(stdout);  // a reader that is gone does not matter here
  return *std::move(socket);
}

// Anything that is no request for the metrics is told so; a client that stands still is left.
std::string AnswerTo(std::string_view request, audit::Database& database,
                     const std::string& directory) {
  const auto response = [](std::string_view status, std::string_view body) {
    return fmt::format(
        "HTTP/1.1 {}\r\nContent-Type: text/plain; version=0.0.4\r\n"
        "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
        status, body.size(), body);
  };
  if (!request.starts_with("GET /metrics ") && !request.starts_with("GET / "))
    return response("404 Not Found", "there is /metrics\n");
  if (const auto taken = database.TakeIn(directory); !taken)
    return response("500 Internal Server Error", taken.error().text + "\n");
  const auto metrics = database.Metrics();
  if (!metrics) return response("500 Internal Server Error", metrics.error().text + "\n");
  return response("200 OK", *metrics);
}

int ServeMetrics(audit::Database& database, const AuditOptions& options) {
  constexpr std::size_t kLongestRequest = 8192;
  constexpr std::chrono::milliseconds kPatience{2000};
  const auto socket = Listen(options.listen);
  if (!socket) return Fail("audit", socket.error());
  for (;;) {
    const auto client = os::Accept(socket->Get());
    if (!client) return Fail("audit", base::SystemError("accept", client.error().value));
    const auto request = os::ReceiveSome(client->Get(), kLongestRequest, kPatience);
    if (!request) continue;
    (void)os::SendAll(client->Get(), AnswerTo(*request, database, options.store), kPatience);
  }
}

bool Matches(const audit::Event& event, const audit::Query& query) {
  if (query.since && event.time < *query.since) return false;
  if (!query.sandbox.empty() && event.sandbox != query.sandbox) return false;
  if (query.denied && event.decision != audit::Decision::kDenied) return false;
  if (query.call.empty()) return true;
  if (const auto* const call = std::get_if<audit::Call>(&event.detail))
    return call->name == query.call;
  const auto* const total = std::get_if<audit::Total>(&event.detail);
  return total != nullptr && total->name == query.call;
}

// What the spool gets from now on, until the reader is gone or the process is interrupted.
int Follow(const std::string& directory, const AuditOptions& options) {
  // By file: how much of it was seen. A file that has become shorter is a new one.
  std::map<std::string, std::size_t> seen;
  for (const audit::Spooled& file : audit::SpooledIn(directory)) seen[file.path] = file.size;
  for (;;) {
    for (const audit::Spooled& file : audit::SpooledIn(directory)) {
      std::size_t& at = seen[file.path];
      if (file.size == at || file.path.ends_with(".1")) continue;
      const auto text = os::ReadFile(AT_FDCWD, file.path.c_str(), 64 << 20);
      if (!text) continue;
      if (text->size() < at) at = 0;
      for (std::size_t end; (end = text->find('\n', at)) != std::string::npos; at = end + 1) {
        const auto event = audit::FromJson(std::string_view(*text).substr(at, end - at));
        if (event && Matches(*event, options.query)) Print(*event, options.json);
      }
    }
    if (std::fflush(stdout) != 0) return kYes;
    std::this_thread::sleep_for(kPause);
  }
}

base::Result<audit::Database> OpenStore(const std::string& directory) {
  if (const auto made = audit::MakePrivateDirectory(directory); !made) return made.error();
  auto database = audit::Database::Open(directory + "/events.db");
  if (!database) return database;
  std::uint64_t faulty = 0;
  if (const auto taken = database->TakeIn(directory, &faulty); !taken) return taken.error();
  if (faulty > 0) fmt::print(stderr, "bailey audit: {} lines were no events\n", faulty);
  return database;
}

}  // namespace

int RunAuditItself(int argc, char** argv) {
  AuditOptions options;
  Arguments arguments("audit", kDescription);
  Describe(arguments, options);
  if (const auto code = arguments.Read(SplitAtDashes(argc, argv).options, kUsage)) return *code;
  if ((options.deed == "export") == options.file.empty())
    return Fail("audit",
                base::InvalidInput("read arguments: export, and nothing else, needs FILE"));
  if (!options.since.empty()) {
    const auto time = base::ParseDuration(options.since);
    if (!time) return Fail("audit", time.error());
    options.query.since = std::chrono::system_clock::now() - *time;
  }
  if (options.store.empty()) {
    auto directory = CallerStore();
    if (!directory) return Fail("audit", directory.error());
    options.store = *std::move(directory);
  }
  if (options.deed == "follow") return Follow(options.store, options);
  auto database = OpenStore(options.store);
  if (!database) return Fail("audit", database.error());
  if (options.deed == "metrics" && !options.listen.empty()) return ServeMetrics(*database, options);
  if (options.deed == "metrics") {
    const auto metrics = database->Metrics();
    if (!metrics) return Fail("audit", metrics.error());
    fmt::print("{}", *metrics);
    return kYes;
  }
  if (options.deed == "summary") return Summarize(*database, options);
  if (options.deed == "top") return ShowTop(*database, options);
  if (options.deed == "export") return Export(*database, options);
  const auto events = database->Find(options.query);
  if (!events) return Fail("audit", events.error());
  for (const audit::Event& event : *events) Print(event, options.json);
  return kYes;
}

}  // namespace bailey::cli
