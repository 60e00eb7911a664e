// The section [audit] of a policy text.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "policy/layer.h"
#include "policy/table_reader.h"

namespace bailey::policy {
namespace {

constexpr auto kAlertKeys =
    std::to_array<std::string_view>({"name", "kind", "call", "count", "within"});
constexpr auto kKinds = std::to_array<std::string_view>({"call", "file", "connection"});
constexpr std::uint64_t kMostEvents = 1 << 20;

void ReadLog(TableReader& table, AuditLayer& audit) {
  const auto log = table.String("log");
  if (!log) return;
  if (log->value == "none") {
    audit.log = AuditLog::kNone;
  } else if (log->value == "denied") {
    audit.log = AuditLog::kDenied;
  } else if (log->value == "all") {
    audit.log = AuditLog::kAll;
  } else {
    table.Fail(log->place, fmt::format("read [audit] log: {} is not \"none\", \"denied\" or "
                                       "\"all\"",
                                       Quote(log->value)));
  }
}

void ReadAlert(TableReader& table, std::uint32_t index, AuditLayer& audit) {
  if (table.node(index).kind != NodeKind::kTable) {
    return table.Fail(table.node(index).place,
                      fmt::format("read [audit] alert: expected a table, found {}",
                                  Describe(table.node(index).kind)));
  }
  TableReader alert(table.document(), index, "[audit] alert", kAlertKeys);
  const auto name = alert.String("name");
  const auto within = alert.String("within");
  AlertRule rule;
  if (const auto kind = alert.String("kind")) rule.kind = kind->value;
  if (const auto call = alert.String("call")) {
    rule.call = call->value;
    if (const auto unknown = UnknownCall(call->value))
      alert.Fail(call->place, fmt::format("read [audit] alert: {}", *unknown));
  }
  rule.count = alert.Integer("count", 1, kMostEvents).value_or(1);
  if (!rule.kind.empty() && std::ranges::find(kKinds, rule.kind) == kKinds.end()) {
    alert.Fail(alert.String("kind")->place,
               fmt::format("read [audit] alert: kind {} is not \"call\", \"file\" or "
                           "\"connection\"",
                           Quote(rule.kind)));
  }
  if (!alert.HasFailed() && (!name || !within))
    alert.Fail(table.node(index).place, "read [audit] alert: it needs \"name\" and \"within\"");
  if (!alert.HasFailed()) {
    rule.name = name->value;
    const auto time = base::ParseDuration(within->value);
    if (!time) alert.Fail(within->place, time.error());
    if (time) rule.within = *time;
  }
  if (auto error = alert.TakeError()) return table.Fail(*std::move(error));
  audit.alerts.push_back(std::move(rule));
}

}  // namespace

bool IsAuditSink(std::string_view name) {
  constexpr std::string_view kAlone[] = {"store", "stdout", "syslog", "journald"};
  constexpr std::string_view kWithPath[] = {"file:/", "unix:/", "syslog:/"};
  return std::ranges::find(kAlone, name) != std::end(kAlone) ||
         std::ranges::any_of(kWithPath,
                             [&](std::string_view one) { return name.starts_with(one); });
}

void ReadAudit(TableReader& table, AuditLayer& audit) {
  ReadLog(table, audit);
  audit.files = table.Boolean("files");
  audit.network = table.Boolean("network");
  audit.capacity = table.Integer("capacity", 1, kMostEvents);
  audit.rate = table.Integer("rate", 1, kMostEvents);
  audit.quiet = table.Strings("quiet").value_or(std::vector<Text>());
  for (const Text& name : audit.quiet) {
    const bool is_group = name.value.starts_with('@');
    const auto unknown =
        is_group ? std::optional<std::string>("it names no single call") : UnknownCall(name.value);
    if (unknown) table.Fail(name.place, fmt::format("read [audit] quiet: {}", *unknown));
  }
  ReadCallEntries(table, "[audit] probes", audit.probes);
  for (const CallEntry& entry : audit.probes) {
    if (entry.IsGroup()) table.Fail(entry.place, "read [audit] probes: it names no single call");
  }
  audit.to = table.Strings("to");
  for (const Text& name : audit.to.value_or(std::vector<Text>())) {
    if (IsAuditSink(name.value)) continue;
    table.Fail(name.place,
               fmt::format("read [audit] to: {} is not {}", Quote(name.value), kAuditSinks));
  }
  const auto alerts = table.Get("alert", NodeKind::kArray);
  if (!alerts) return;
  for (std::uint32_t i = *alerts + 1; i < table.node(*alerts).end; i = table.node(i).end)
    ReadAlert(table, i, audit);
}

}  // namespace bailey::policy
