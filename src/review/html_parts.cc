#include "review/html_parts.h"

#include <fmt/format.h>

#include <array>

#include "prove/call_text.h"
#include "prove/guarantee.h"
#include "prove/prover.h"
#include "review/draw_way.h"
#include "review/plain.h"
#include "review/report.h"

namespace bailey::review {
namespace {

// More would make a page that no phone opens.
constexpr std::size_t kDrawings = 12;

std::string EvidenceItems(const std::vector<Evidence>& evidence) {
  if (evidence.empty()) return {};
  std::string html = "<ul class=\"evidence\">\n";
  for (const Evidence& one : evidence) {
    html += fmt::format("<li>{}: <code>{}</code>: {}</li>\n", Name(one.kind), HtmlText(one.ran),
                        HtmlText(one.result));
  }
  return html + "</ul>\n";
}

std::string Paragraph(std::string_view label, std::string_view text) {
  if (text.empty()) return {};
  return fmt::format("<p><strong>{}</strong> {}</p>\n", label, HtmlText(text));
}

std::string About(const Case& one) {
  const std::string place = ToString(one.finding->place);
  return fmt::format(
      "<p class=\"about\"><span class=\"badge {0}\">{0}</span> {1}<code>{2}</code> · {3} · {4}"
      "</p>\n",
      Name(one.ruling->severity),
      place.empty() ? "" : fmt::format("<code>{}</code> · ", HtmlText(place)),
      HtmlText(one.finding->rule), Name(one.ruling->decision), Name(one.ruling->action));
}

std::string StepList(const std::vector<Step>& flow) {
  if (flow.empty()) return {};
  std::string html = "<details>\n<summary>The way to it</summary>\n<ol>\n";
  for (const Step& step : flow) {
    html += fmt::format("<li><code>{}</code> {}</li>\n", HtmlText(ToString(step.place)),
                        HtmlText(step.text));
  }
  return html + "</ol>\n</details>\n";
}

std::string CaseArticle(const Case& one) {
  const bool is_refuted = one.ruling->decision == Decision::kInvalid;
  std::string html = fmt::format("<article class=\"is-{}\">\n<h3>{}</h3>\n",
                                 is_refuted ? "refuted" : Name(one.ruling->severity),
                                 HtmlText(one.finding->vulnerability));
  html += About(one);
  html +=
      fmt::format("<p>{} {}</p>\n", HtmlText(one.finding->reason), HtmlText(one.finding->impact));
  if (!one.answer->fix.empty()) {
    html += fmt::format("<h4>Fix</h4>\n<pre>{}</pre>\n", HtmlText(one.answer->fix, Lines::kKeep));
  }
  html += Paragraph(is_refuted ? "Refutation:" : "Author:", one.answer->reason);
  html += Paragraph("Board:", one.ruling->justification);
  html += EvidenceItems(one.ruling->evidence);
  return html + StepList(one.finding->flow) + "</article>\n";
}

std::string WayOf(const Finding& finding, const Subject& subject, const FilterListing& listing,
                  bool is_open) {
  std::string html =
      fmt::format("<details{}>\n<summary>{}</summary>\n<p>The call <code>{}</code></p>\n",
                  is_open ? " open" : "", HtmlText(finding.vulnerability),
                  HtmlText(prove::CallText(*finding.witness)));
  for (const Passage& passage : listing.Passages(finding)) {
    const bpf::Program& program = subject.filter->stack[passage.filter];
    html += fmt::format(
        "<p>{}: {} of {} run, the answer is <code>{}</code></p>\n",
        listing.FilterCount() == 1 ? std::string("The filter")
                                   : fmt::format("Filter {}", passage.filter),
        passage.pcs.size(), Count(program.Size(), "instruction"),
        HtmlText(prove::OutcomeText(verify::OutcomeOf(passage.value), finding.witness->arch)));
    html += DrawWay(program, passage.pcs, listing.Lines(passage.filter));
  }
  return html + "</details>\n";
}

std::string FiltersAlone(const Subject& subject, const FilterListing& listing) {
  std::string html;
  for (std::size_t i = listing.FilterCount(); i-- > 0;) {
    const bpf::Program& program = subject.filter->stack[i];
    html +=
        fmt::format("<details>\n<summary>Filter {}: {}</summary>\n{}</details>\n", i,
                    Count(program.Size(), "instruction"), DrawWay(program, {}, listing.Lines(i)));
  }
  return html;
}

std::string_view Word(prove::Verdict verdict) {
  switch (verdict) {
    case prove::Verdict::kProved:
      return "proved";
    case prove::Verdict::kRefuted:
      return "refuted";
    case prove::Verdict::kUndecided:
      return "undecided";
  }
  return {};
}

std::string GuaranteeRow(const prove::Guarantee& guarantee, const prove::Finding& finding) {
  const std::string witness = prove::WitnessText(finding);
  return fmt::format(
      "<tr><td><span class=\"badge {0}-mark\">{0}</span></td><td><code>{1}</code><p>{2}</p></td>"
      "<td>{3}</td></tr>\n",
      Word(finding.verdict), HtmlText(guarantee.name), HtmlText(guarantee.sentence),
      witness.empty() ? "" : fmt::format("<code>{}</code>", HtmlText(witness)));
}

std::string Role(std::string_view name, const std::string& html) {
  return fmt::format("<details>\n<summary>{}</summary>\n{}</details>\n", name,
                     html.empty() ? "<p>Nothing.</p>\n" : html);
}

struct Said {
  std::string_view field;
  std::string text;
};

std::string Record(std::string_view vulnerability, std::initializer_list<Said> fields) {
  std::string html = fmt::format("<h4>{}</h4>\n<dl>\n", HtmlText(vulnerability));
  for (const Said& said : fields) {
    html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", said.field, HtmlText(said.text));
  }
  return html + "</dl>\n";
}

}  // namespace

std::string CaseList(const std::vector<Case>& cases) {
  std::string html;
  for (const Case& one : cases) html += CaseArticle(one);
  return html.empty() ? "<p>Nothing.</p>\n" : html;
}

std::string WayList(const Docket& docket, const Subject& subject, const FilterListing& listing) {
  if (listing.FilterCount() == 0) return {};
  std::string html;
  std::size_t drawn = 0;
  std::size_t left = 0;
  for (const auto* cases : {&docket.standing, &docket.refuted}) {
    for (const Case& one : *cases) {
      if (!one.finding->witness) continue;
      if (drawn == kDrawings) {
        ++left;
        continue;
      }
      html += WayOf(*one.finding, subject, listing, drawn++ == 0);
    }
  }
  if (left > 0) {
    html +=
        fmt::format("<p>{} not drawn.</p>\n",
                    left == 1 ? "1 more witness is" : fmt::format("{} more witnesses are", left));
  }
  return html.empty() ? FiltersAlone(subject, listing) : html;
}

std::string GuaranteeTable(const Subject& subject) {
  if (!subject.filter || subject.filter->stack.empty()) return {};
  prove::Prover prover(*subject.filter);
  std::array<std::string, 3> rows;
  std::array<std::size_t, 3> counts = {};
  for (const prove::Guarantee& guarantee : prove::BuiltinGuarantees()) {
    const prove::Finding finding = prover.Prove(guarantee);
    const auto place = static_cast<std::size_t>(finding.verdict);
    ++counts[place];
    rows[place] += GuaranteeRow(guarantee, finding);
  }
  // What does not hold comes first.
  constexpr std::array kOrder = {prove::Verdict::kRefuted, prove::Verdict::kUndecided,
                                 prove::Verdict::kProved};
  std::string count;
  std::string body;
  for (const prove::Verdict verdict : kOrder) {
    const auto place = static_cast<std::size_t>(verdict);
    count += fmt::format("{}{} {}", count.empty() ? "" : ", ", counts[place], Word(verdict));
    body += rows[place];
  }
  return fmt::format(
      "<p>{}.</p>\n<table>\n<thead><tr><th>verdict</th><th>guarantee</th>"
      "<th>witness or reason</th></tr></thead>\n<tbody>\n{}</tbody>\n</table>\n",
      count, body);
}

std::string Transcript(const Trial& trial) {
  std::string researcher;
  for (const Finding& one : trial.findings) {
    researcher += Record(one.vulnerability, {{"reason", one.reason}, {"impact", one.impact}});
  }
  std::string author;
  for (const Answer& one : trial.answers) {
    author += Record(one.vulnerability,
                     {{"response_type", std::string(Name(one.response))}, {"reason", one.reason}});
  }
  std::string board;
  for (const Ruling& one : trial.rulings) {
    board += Record(one.vulnerability, {{"decision", std::string(Name(one.decision))},
                                        {"severity", std::string(Name(one.severity))},
                                        {"recommended_action", std::string(Name(one.action))},
                                        {"justification", one.justification}}) +
             EvidenceItems(one.evidence);
  }
  const std::string moderator = Record(
      "both sides",
      {{"researcher_summary", trial.summary.researcher}, {"author_summary", trial.summary.author}});
  return Role("security_researcher", researcher) + Role("code_author", author) +
         Role("moderator", moderator) + Role("review_board", board);
}

}  // namespace bailey::review
