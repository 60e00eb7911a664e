#include "cli/approve.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <set>
#include <utility>

#include "audit/store.h"
#include "base/text.h"

namespace bailey::cli {
namespace {

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value && *value == '/' ? value : "";
}

base::Result<approval::Ask> AskBy(const std::string& approve, std::chrono::seconds time_limit) {
  // With elicit it is the gateway that asks.
  if (approve == "policy" || approve == "elicit") return approval::Ask();
  if (approve == "terminal") {
    return approval::Ask([time_limit](const approval::Card& card) {
      return approval::AskOnTerminal(card, time_limit);
    });
  }
  constexpr std::string_view kSocket = "socket:";
  if (approve.starts_with(kSocket) && approve.size() > kSocket.size()) {
    return approval::Ask(
        [path = approve.substr(kSocket.size()), time_limit](const approval::Card& card) {
          return approval::AskOnSocket(path, card, time_limit);
        });
  }
  return base::InvalidInput(
      fmt::format("read --approve \"{}\": expected none, policy, terminal, elicit or socket:PATH",
                  base::Escape(approve)));
}

base::Result<approval::Record> RecordInStore() {
  const auto directory =
      audit::StoreDirectory({::geteuid() == 0, Variable("HOME"), Variable("XDG_STATE_HOME")});
  if (!directory) return directory.error();
  const std::string name = fmt::format("approvals-{}-{}", ::getpid(), std::time(nullptr));
  const std::shared_ptr<audit::Sink> sink = audit::MakeStoreSink(*directory, name, {});
  return approval::Record([sink, name, sequence = std::uint64_t{0}](
                              const approval::Action& action, std::string_view effect,
                              std::string_view by, bool allowed) mutable {
    audit::Event event;
    event.sequence = ++sequence;
    event.time = std::chrono::system_clock::now();
    event.sandbox = name;
    event.decision = allowed ? audit::Decision::kAllowed : audit::Decision::kDenied;
    event.detail = audit::Approval{
        fmt::format("{} {}/{} {}", effect, action.server, action.tool, action.arguments),
        std::string(by)};
    sink->Write(event);
  });
}

}  // namespace

void Describe(Arguments& arguments, ApproveOptions& options) {
  arguments.Value(
      "--approve", options.approve,
      "who is asked about calls that are not plainly harmless: none, policy (rules "
      "decide, all else is denied), terminal, elicit (the client shows the question), or "
      "socket:PATH");
  arguments.Value("--approve-time", options.time_limit, "no answer by then is a no (60s)");
  arguments.Values("--allow-tool", options.allow, "SERVER/TOOL: its calls are allowed");
}

base::Result<std::chrono::seconds> TimeLimit(const ApproveOptions& options) {
  const auto time = base::ParseDuration(options.time_limit);
  if (!time) return base::InvalidInput("read --approve-time: " + time.error().text);
  return std::chrono::ceil<std::chrono::seconds>(*time);
}

base::Result<std::unique_ptr<approval::Approver>> MakeApprover(const ApproveOptions& options,
                                                               approval::ReadFile read_file,
                                                               approval::Widening widening) {
  if (options.approve == "none") return nullptr;
  const auto time = TimeLimit(options);
  if (!time) return time.error();
  approval::ApproverOptions made;
  auto ask = AskBy(options.approve, *time);
  if (!ask) return ask.error();
  auto record = RecordInStore();
  if (!record) return record.error();
  const auto path = approval::Database::DefaultPath();
  if (!path) return path.error();
  auto database = approval::Database::Open(*path);
  if (!database) return database.error();
  auto rules = approval::Rules::Open(*std::move(database));
  if (!rules) return rules.error();
  made.read_file = std::move(read_file);
  made.widening = std::move(widening);
  made.ask = *std::move(ask);
  made.record = *std::move(record);
  made.allowed = std::set<std::string>(options.allow.begin(), options.allow.end());
  return std::make_unique<approval::Approver>(std::move(made), *std::move(rules));
}

}  // namespace bailey::cli
