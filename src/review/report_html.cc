// The page around the parts. A text of the subject comes into it through HtmlText, into a data: URI
// through PercentEncoded, or not at all; and the page's own policy lets nothing run or load.
#include <fmt/format.h>

#include <map>

#include "compile/draw_svg.h"
#include "review/docket.h"
#include "review/html_parts.h"
#include "review/page_template.h"
#include "review/plain.h"
#include "review/report.h"

namespace bailey::review {
namespace {

std::string Headline(const Docket& docket) {
  switch (docket.review) {
    case Review::kApprove:
      return "Approve";
    case Review::kComment:
      return "Comment";
    case Review::kRequestChanges:
      return "Request changes";
  }
  return {};
}

std::string_view ClassOf(Review review) {
  return review == Review::kRequestChanges ? "request-changes" : Name(review);
}

std::string Counts(const Docket& docket) {
  std::map<Severity, std::size_t, std::greater<>> counts;
  for (const Case& one : docket.standing) ++counts[one.ruling->severity];
  std::string html;
  for (const auto& [severity, count] : counts) {
    html += fmt::format("<li class=\"badge {0}\">{1} {0}</li>", Name(severity), count);
  }
  if (counts.empty()) html += "<li class=\"badge proved-mark\">nothing stands</li>";
  if (!docket.refuted.empty()) {
    html += fmt::format("<li class=\"badge\">{} refuted</li>", docket.refuted.size());
  }
  return html;
}

// What the policy decides, in columns: wide, so a picture that is looked at by itself.
std::string PolicyPicture(const Subject& subject) {
  if (!subject.policy) return {};
  const auto outline = compile::Outline(subject.policy->syscalls);
  if (!outline) return {};
  return fmt::format(
      "<details>\n<summary>Everything that the policy decides</summary>\n"
      "<p><img class=\"picture\" alt=\"The policy's decisions, a column an architecture\" "
      "src=\"data:image/svg+xml,{}\"></p>\n</details>\n",
      PercentEncoded(compile::Svg(*outline, Plain(subject.title))));
}

std::string Section(std::string_view id, std::string_view title, const std::string& html) {
  if (html.empty()) return {};
  return fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n{}</section>\n", id, title, html);
}

// In one pass: what is put in is not looked at again.
std::string Fill(std::string_view page, const std::map<std::string_view, std::string>& values) {
  std::string out;
  for (;;) {
    const std::size_t open = page.find("{{");
    const std::size_t close = page.find("}}", open);
    if (open == std::string_view::npos || close == std::string_view::npos) break;
    out += page.substr(0, open);
    const auto value = values.find(page.substr(open + 2, close - open - 2));
    if (value != values.end()) out += value->second;
    page.remove_prefix(close + 2);
  }
  return out += page;
}

}  // namespace

std::string Html(const Trial& trial, const Subject& subject) {
  const Docket docket = ReadDocket(trial);
  const FilterListing listing(subject);
  std::string body;
  body += Section("summary", "Summary",
                  fmt::format("<p>{}</p>\n<p>{}</p>\n", HtmlText(trial.summary.researcher),
                              HtmlText(trial.summary.author)));
  body += Section("findings", "Findings that stand", CaseList(docket.standing));
  body += Section("filter", "The filter's decisions",
                  WayList(docket, subject, listing) + PolicyPicture(subject));
  body += Section("guarantees", "Guarantees", GuaranteeTable(subject));
  if (!docket.refuted.empty()) {
    body += Section("refuted", "Refuted findings",
                    fmt::format("<details>\n<summary>{}</summary>\n{}</details>\n",
                                Count(docket.refuted.size(), "finding"), CaseList(docket.refuted)));
  }
  body += Section("transcript", "Transcript", Transcript(trial));
  return Fill(PageTemplate(), {{"title", HtmlText("bailey review: " + trial.subject)},
                               {"style", std::string(PageStyle())},
                               {"class", std::string(ClassOf(docket.review))},
                               {"verdict", Headline(docket)},
                               {"subject", HtmlText(trial.subject)},
                               {"counts", Counts(docket)},
                               {"body", body}});
}

}  // namespace bailey::review
