#include "audit/event.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/text.h"

namespace bailey::audit {
namespace {

using Nanoseconds = std::chrono::nanoseconds;

constexpr std::array<std::string_view, std::variant_size_v<Detail>> kKinds = {
    "launch", "exit", "call", "file", "connection", "limit", "approval", "dropped", "total"};

std::optional<int> Digits(std::string_view text, std::size_t at, std::size_t count) {
  int number = 0;
  const char* const first = text.data() + at;
  const auto [end, status] = std::from_chars(first, first + count, number);
  if (status != std::errc() || end != first + count || *first == '-') return std::nullopt;
  return number;
}

struct ToText {
  std::string operator()(const Launch& launch) const {
    std::string text = fmt::format("{}:", launch.policy);
    for (const std::string& word : launch.argv) text += " " + base::ShellQuote(word);
    if (!launch.isolation.empty()) text += fmt::format(" in {}", launch.isolation);
    return text;
  }
  std::string operator()(const Exit& exit) const {
    return fmt::format("{} {}{}{}", exit.outcome, exit.status, exit.cause.empty() ? "" : ": ",
                       exit.cause);
  }
  std::string operator()(const Call& call) const {
    std::vector<std::string> arguments;
    for (const Argument& argument : call.arguments) {
      const std::string_view quote = argument.as_seen ? "\"" : "";
      arguments.push_back(fmt::format("{}={}{}{}", argument.name, quote, argument.value, quote));
    }
    const std::string name = call.name.empty() ? fmt::format("{}", call.number) : call.name;
    return fmt::format("{}({}) -> {}", name, fmt::join(arguments, ", "), call.answer);
  }
  std::string operator()(const FileAccess& file) const {
    return fmt::format("{} {} by {}: {}", file.access, file.path, file.call, file.reason);
  }
  std::string operator()(const Connection& connection) const {
    const std::string& target = connection.host.empty() ? connection.address : connection.host;
    return fmt::format("{} {}:{}{}{}", connection.protocol, target, connection.port,
                       connection.reason.empty() ? "" : ": ", connection.reason);
  }
  std::string operator()(const Limit& limit) const {
    return fmt::format("{} {}", limit.name, limit.value);
  }
  std::string operator()(const Approval& approval) const {
    return fmt::format("{} by {}", approval.effect, approval.by);
  }
  std::string operator()(const Dropped& dropped) const {
    return fmt::format("{} events at {}", dropped.events, dropped.where);
  }
  std::string operator()(const Total& total) const {
    return fmt::format("{} x {} -> {}", total.count, total.call, total.answer);
  }
};

}  // namespace

std::string_view ToString(Decision decision) {
  switch (decision) {
    case Decision::kDenied:
      return "denied";
    case Decision::kAllowed:
      return "allowed";
    case Decision::kSeen:
      return "seen";
  }
  return "";
}

std::string_view KindOf(const Detail& detail) { return kKinds[detail.index()]; }

std::string TimeText(std::chrono::sys_time<Nanoseconds> time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::optional<std::chrono::sys_time<Nanoseconds>> ParseTime(std::string_view text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00.000000000Z";
  if (text.size() != kShape.size()) return std::nullopt;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool is_digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == '0' ? !is_digit : text[i] != kShape[i]) return std::nullopt;
  }
  const std::chrono::year_month_day date(
      std::chrono::year(*Digits(text, 0, 4)),
      std::chrono::month(static_cast<unsigned>(*Digits(text, 5, 2))),
      std::chrono::day(static_cast<unsigned>(*Digits(text, 8, 2))));
  const int hours = *Digits(text, 11, 2);
  const int minutes = *Digits(text, 14, 2);
  const int seconds = *Digits(text, 17, 2);
  if (!date.ok() || hours > 23 || minutes > 59 || seconds > 59) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hours) + std::chrono::minutes(minutes) +
         std::chrono::seconds(seconds) + Nanoseconds(*Digits(text, 20, 9));
}

std::string Summary(const Event& event) {
  std::string text = fmt::format("{} {} {}", ToString(event.decision), KindOf(event.detail),
                                 base::Escape(std::visit(ToText(), event.detail)));
  if (event.rule) text += fmt::format(" ({})", base::Escape(event.rule->origin));
  if (!event.alerts.empty()) text += fmt::format(" ALERT {}", fmt::join(event.alerts, " "));
  return text;
}

}  // namespace bailey::audit
