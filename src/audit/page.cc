#include "audit/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "base/markup.h"
#include "base/text.h"

namespace bailey::audit {
namespace {

using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>bailey audit</title>
<style>
 body { font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em;
        color: #222; background: #fff }
 table { border-collapse: collapse; width: 100%; margin: 1em 0 }
 th, td { text-align: left; padding: .2em .6em; border-bottom: 1px solid #ddd; vertical-align: top;
          overflow-wrap: anywhere }
 td.n { text-align: right; font-variant-numeric: tabular-nums }
 .denied { color: #b00020 } .alert { background: #fff3cd }
 code { font: 13px ui-monospace, monospace }
 svg { width: 100%; height: auto }
 @media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #181818 } th, td { border-color: #444 }
  .denied { color: #ff8a80 } .alert { background: #4d3b00 } }
</style></head><body>
<h1>bailey audit</h1>
)";

std::string Html(std::string_view text) { return base::EscapeMarkup(base::Escape(text)); }

// Without the digits below a millisecond.
std::string Short(Time time) {
  std::string text = TimeText(time);
  text.replace(text.size() - 7, 6, "");
  return text;
}

constexpr std::size_t kBars = 120;
constexpr int kWidth = 1000, kHeight = 160;

// How many events, and how many denials, fell into each part of the time between first and last.
std::string Timeline(std::span<const Event> events) {
  const Time first = events.front().time, last = events.back().time;
  const double span = std::max(1.0, static_cast<double>((last - first).count()));
  std::array<std::size_t, kBars> all = {}, denied = {};
  for (const Event& event : events) {
    const double at = static_cast<double>((event.time - first).count()) / span;
    const auto bar = std::min<std::size_t>(
        kBars - 1, static_cast<std::size_t>(std::max(0.0, at) * static_cast<double>(kBars)));
    ++all[bar];
    denied[bar] += event.decision == Decision::kDenied;
  }
  const double most = static_cast<double>(*std::ranges::max_element(all));
  std::string text = fmt::format(
      "<h2>Timeline</h2>\n<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"events over "
      "time\">\n",
      kWidth, kHeight + 20);
  const double width = static_cast<double>(kWidth) / kBars;
  const auto bar = [&](std::size_t at, std::size_t count, const char* color) {
    if (count == 0) return;
    const double height = static_cast<double>(count) / most * kHeight;
    text += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"><title>{} "
        "at {}</title></rect>\n",
        static_cast<double>(at) * width, kHeight - height, width - 1, height, color, count,
        Short(first + std::chrono::nanoseconds(
                          static_cast<std::int64_t>(span * static_cast<double>(at) / kBars))));
  };
  for (std::size_t i = 0; i < kBars; ++i) {
    bar(i, all[i], "#90a4ae");
    bar(i, denied[i], "#c62828");
  }
  return text + fmt::format(
                    "<text x=\"0\" y=\"{0}\" font-size=\"13\" fill=\"currentColor\">{1}"
                    "</text>\n<text x=\"{2}\" y=\"{0}\" font-size=\"13\" "
                    "text-anchor=\"end\" fill=\"currentColor\">{3}</text>\n</svg>\n"
                    "<p>Red: denied. Grey: all other events.</p>\n",
                    kHeight + 16, Short(first), kWidth, Short(last));
}

}  // namespace

std::string Page(std::span<const Event> events, std::span<const SummaryRow> summary) {
  std::string text(kHead);
  if (events.empty()) return text + "<p>There are no events.</p>\n</body></html>\n";
  text += Timeline(events);
  text +=
      "<h2>Summary</h2>\n<table><tr><th>times</th><th>what</th><th>answer</th><th>rule</th>"
      "<th>sandboxes</th><th>last</th></tr>\n";
  for (const SummaryRow& row : summary) {
    text += fmt::format(
        "<tr><td class=\"n\">{}</td><td class=\"{}\">{} <code>{}</code></td><td>{}</td><td>{}</td>"
        "<td class=\"n\">{}</td><td>{}</td></tr>\n",
        row.count, row.decision == "denied" ? "denied" : "", Html(row.kind), Html(row.what),
        Html(row.answer), Html(row.rule), row.sandboxes, Short(row.last));
  }
  text +=
      "</table>\n<h2>Events</h2>\n<table><tr><th>time</th><th>sandbox</th><th>process</th>"
      "<th>what</th></tr>\n";
  for (const Event& event : events) {
    text += fmt::format(
        "<tr class=\"{}\"><td>{}</td><td>{}</td><td>{}</td><td class=\"{}\"><code>{}</code></td>"
        "</tr>\n",
        event.alerts.empty() ? "" : "alert", Short(event.time), Html(event.sandbox),
        event.task ? fmt::format("{} {}", event.task->pid, Html(event.task->executable)) : "",
        event.decision == Decision::kDenied ? "denied" : "", Html(Summary(event)));
  }
  return text + "</table>\n</body></html>\n";
}

}  // namespace bailey::audit
