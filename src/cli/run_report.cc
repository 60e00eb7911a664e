#include "cli/run_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace bailey::cli {
namespace {

double Milliseconds(std::chrono::microseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

nlohmann::ordered_json AuditJson(const AuditReport& audit) {
  auto lost = nlohmann::ordered_json::array();
  for (const audit::LostAtSink& sink : audit.totals.lost)
    lost.push_back({{"sink", sink.sink}, {"events", sink.events}, {"cause", sink.fault}});
  nlohmann::ordered_json json = {{"sandbox", audit.sandbox}, {"counted", audit.listened}};
  if (!audit.listened) json["why_not_counted"] = audit.why_not;
  json["denied"] = audit.denied;
  json["kinds"] = audit.kinds;
  json["probes"] = audit.probes;
  json["unanswered"] = audit.unanswered;
  json["calls"] = DenialsJson(audit.calls);
  auto files = nlohmann::ordered_json::array();
  for (const sandbox::WithheldFile& file : audit.files) {
    files.push_back({{"count", file.count},
                     {"path", file.path},
                     {"access", file.access},
                     {"reason", file.reason}});
  }
  json["withheld"] = audit.withheld;
  json["files"] = std::move(files);
  json["dropped"] = {{"rate", audit.totals.over_rate},
                     {"ring", audit.totals.over_capacity},
                     {"sinks", std::move(lost)}};
  return json;
}

}  // namespace

const char* OutcomeName(sandbox::Outcome::Kind kind) {
  switch (kind) {
    case sandbox::Outcome::Kind::kExited:
      return "exited";
    case sandbox::Outcome::Kind::kSignalled:
      return "signalled";
    case sandbox::Outcome::Kind::kMemoryLimit:
      return "memory-limit";
    case sandbox::Outcome::Kind::kOutputLimit:
      return "output-limit";
    case sandbox::Outcome::Kind::kTimeLimit:
      return "time-limit";
    case sandbox::Outcome::Kind::kNotFound:
      return "not-found";
    case sandbox::Outcome::Kind::kNotExecutable:
      return "not-executable";
  }
  return "";
}

std::string WhatHappened(const sandbox::Plan& plan, const sandbox::Outcome& outcome) {
  using Kind = sandbox::Outcome::Kind;
  const std::string& program = plan.argv[0];
  std::string text;
  if (outcome.kind == Kind::kTimeLimit && plan.wall) {
    text = fmt::format("bailey run: stop {}: its time limit of {} ms is over\n", program,
                       plan.wall->count());
  }
  if (outcome.kind == Kind::kMemoryLimit)
    text = fmt::format("bailey run: {} was killed: its memory limit was reached\n", program);
  if (outcome.kind != Kind::kMemoryLimit && outcome.had_memory_kill)
    text += "bailey run: a process was killed: the memory limit was reached\n";
  if (outcome.kind == Kind::kOutputLimit && plan.output) {
    text += fmt::format("bailey run: stop {}: it has written more than its limit of {} bytes\n",
                        program, *plan.output);
  }
  if (!outcome.detail.empty()) text += fmt::format("bailey run: {}\n", outcome.detail);
  if (!plan.kept.empty()) {
    const std::string name = plan.kept.substr(plan.kept.rfind('/') + 1);
    text += fmt::format("bailey run: changes are kept aside: bailey changes {}\n", name);
  }
  return text;
}

std::string WhatWasRefused(const network::Refusals& refusals) {
  std::string text;
  for (const auto& [decision, times] : refusals.Entries()) {
    std::string line = fmt::format("network: refused {}", network::ToString(decision));
    if (times > 1) line += fmt::format(" {} times", times);
    line += ": " + decision.why;
    if (const auto option = network::Suggestion(decision)) line += "; to allow it: " + *option;
    text += fmt::format("bailey run: {}\n", base::Escape(line));
  }
  if (refusals.Others() > 0)
    text += fmt::format("bailey run: network: refused {} others\n", refusals.Others());
  return text;
}

std::string ReportJson(const policy::Policy& policy, const sandbox::Plan& plan,
                       const sandbox::Outcome& outcome, const std::optional<AuditReport>& audit,
                       const network::Refusals& refusals, const std::string& isolation) {
  nlohmann::ordered_json report;
  report["version"] = 1;
  report["policy"] = policy.name;
  report["argv"] = plan.argv;
  report["isolation"] = isolation;
  report["outcome"] = OutcomeName(outcome.kind);
  report["exit"] = sandbox::ExitStatus(outcome);
  if (outcome.kind == sandbox::Outcome::Kind::kSignalled) report["signal"] = outcome.status;
  report["times_ms"] = {{"start_up", Milliseconds(outcome.start_up)},
                        {"wall", Milliseconds(outcome.wall)},
                        {"user", Milliseconds(outcome.user)},
                        {"system", Milliseconds(outcome.system)}};
  report["peak_memory_kib"] = outcome.peak_memory_kib;
  report["enforced"] = nlohmann::ordered_json::array();
  for (const sandbox::Enforced& layer : outcome.enforced)
    report["enforced"].push_back({{"layer", layer.layer}, {"detail", layer.detail}});
  if (!plan.kept.empty()) report["changes"] = plan.kept.substr(plan.kept.rfind('/') + 1);
  if (audit) report["audit"] = AuditJson(*audit);
  report["notes"] = plan.notes;
  if (plan.network) {
    nlohmann::ordered_json refused = nlohmann::ordered_json::array();
    for (const auto& [decision, times] : refusals.Entries()) {
      nlohmann::ordered_json entry = {{"kind", network::ToString(decision.kind)},
                                      {"what", network::ToString(decision)},
                                      {"why", decision.why},
                                      {"times", times}};
      if (const auto option = network::Suggestion(decision)) entry["allow"] = *option;
      refused.push_back(std::move(entry));
    }
    report["network"] = {{"refused", std::move(refused)}, {"others", refusals.Others()}};
  }
  // Program arguments are bytes, not always UTF-8; a report is always valid JSON.
  return report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace bailey::cli
