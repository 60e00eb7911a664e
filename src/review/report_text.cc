#include <fmt/format.h>

#include "review/docket.h"
#include "review/plain.h"
#include "review/report.h"

namespace bailey::review {

std::string Text(const Trial& trial) {
  const Docket docket = ReadDocket(trial);
  std::string text;
  for (const Case& one : docket.standing) {
    text += fmt::format("{:<8}  {:<15}  {}\n", Name(one.ruling->severity),
                        Name(one.ruling->decision), Plain(one.finding->vulnerability));
    const std::string place = ToString(one.finding->place);
    if (!place.empty()) text += fmt::format("          at {}\n", Plain(place));
    text += fmt::format("          {}\n", Plain(one.ruling->justification));
    if (!one.answer->fix.empty()) {
      text += "          to close it:\n";
      std::string lines = Plain(one.answer->fix, Lines::kKeep);
      std::size_t from = 0;
      while (from <= lines.size()) {
        const std::size_t end = std::min(lines.find('\n', from), lines.size());
        text += fmt::format("            {}\n", lines.substr(from, end - from));
        from = end + 1;
      }
    }
  }
  for (const Case& one : docket.refuted)
    text += fmt::format("refuted   {:<15}  {}\n", "", Plain(one.finding->vulnerability));
  text += fmt::format("{}: {} ({}), {} refuted: {}\n", Plain(trial.subject),
                      Count(docket.standing.size(), "finding"),
                      docket.standing.empty() ? "none" : CountBySeverity(docket.standing),
                      docket.refuted.size(), Name(docket.review));
  return text;
}

}  // namespace bailey::review
