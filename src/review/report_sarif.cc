// SARIF 2.1.0. The frame is written last: what fits is known only when every part has its size.
#include "review/report_sarif.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "prove/guarantee.h"
#include "review/docket.h"
#include "review/fingerprint.h"
#include "review/plain.h"
#include "review/report.h"
#include "review/sarif_place.h"
#include "review/witness_path.h"

namespace bailey::review {
namespace {

using Json = nlohmann::ordered_json;

std::string_view Level(Severity severity) {
  switch (severity) {
    case Severity::kNone:
    case Severity::kLow:
      return "note";
    case Severity::kMedium:
      return "warning";
    case Severity::kHigh:
    case Severity::kCritical:
      return "error";
  }
  return {};
}

std::string_view Precision(std::string_view rule) {
  if (rule.starts_with("filter/")) return "very-high";
  return rule.starts_with("model/") ? "low" : "high";
}

Json EvidenceList(const std::vector<Evidence>& evidence) {
  Json list = Json::array();
  for (const Evidence& one : evidence) {
    list.push_back({{"kind", Name(one.kind)}, {"ran", one.ran}, {"result", one.result}});
  }
  return list;
}

Json Transcript(const Case& one) {
  return {{"security_researcher",
           {{"vulnerability", one.finding->vulnerability},
            {"reason", one.finding->reason},
            {"impact", one.finding->impact}}},
          {"code_author",
           {{"vulnerability", one.answer->vulnerability},
            {"response_type", Name(one.answer->response)},
            {"reason", one.answer->reason},
            {"fix", one.answer->fix}}},
          {"review_board",
           {{"vulnerability", one.ruling->vulnerability},
            {"decision", Name(one.ruling->decision)},
            {"severity", Name(one.ruling->severity)},
            {"recommended_action", Name(one.ruling->action)},
            {"justification", one.ruling->justification},
            {"evidence", EvidenceList(one.ruling->evidence)}}}};
}

std::string MessageOf(const Case& one) {
  std::string text = fmt::format("{}\n\n{} {}", one.finding->vulnerability, one.finding->reason,
                                 one.finding->impact);
  if (!one.answer->fix.empty()) text += "\n\nFix:\n" + one.answer->fix;
  return SarifMessage(text);
}

Json ResultOf(const Case& one, const Subject& subject, const std::string& fingerprint,
              std::size_t rule_index) {
  Json result = {{"ruleId", one.finding->rule},
                 {"ruleIndex", rule_index},
                 {"level", Level(one.ruling->severity)},
                 {"message", {{"text", MessageOf(one)}}},
                 {"locations", Json::array({LocationOf(one.finding->place, subject)})},
                 {"partialFingerprints",
                  {{"primaryLocationLineHash", fingerprint}, {"baileyFinding/v1", fingerprint}}}};
  if (one.ruling->decision == Decision::kInvalid) {
    result["suppressions"] =
        Json::array({{{"kind", "external"},
                      {"status", "accepted"},
                      {"justification", Plain(one.ruling->justification, Lines::kKeep)}}});
  }
  return result;
}

// At most `limit` steps: the first and the last ones, which say what was asked and answered.
std::vector<Step> Shortened(std::vector<Step> flow, std::size_t limit) {
  if (flow.size() <= limit) return flow;
  const auto head = static_cast<std::ptrdiff_t>(limit / 2);
  const auto tail = static_cast<std::ptrdiff_t>(limit - limit / 2);
  flow.erase(flow.begin() + head, flow.end() - tail);
  return flow;
}

Json CodeFlowOf(const std::vector<Step>& flow, const Subject& subject) {
  Json locations = Json::array();
  for (const Step& step : flow) {
    Json location = LocationOf(step.place, subject);
    location["message"] = {{"text", SarifMessage(step.text)}};
    locations.push_back({{"location", std::move(location)}});
  }
  return Json::array({{{"threadFlows", Json::array({{{"locations", std::move(locations)}}})}}});
}

// "filter: no ptrace" for "filter/no-ptrace": the same whatever was found by the rule.
std::string TitleOf(std::string_view rule) {
  std::string title;
  for (const char c : rule) title += c == '/' ? ": " : c == '-' ? " " : std::string(1, c);
  return title;
}

std::string SentenceOf(const Finding& finding) {
  for (const prove::Guarantee& guarantee : prove::BuiltinGuarantees()) {
    if (guarantee.name == finding.guarantee) return std::string(guarantee.sentence);
  }
  return finding.impact;
}

// The rules of the cases, each with the worst that was ruled of it.
class Rules {
 public:
  Rules(const std::vector<Case>& cases, std::size_t tag_limit) : tag_limit_(tag_limit) {
    for (const Case& one : cases) {
      Entry& entry = entries_[one.finding->rule];
      if (entry.first == nullptr) entry.first = one.finding;
      if (one.ruling->decision != Decision::kInvalid) {
        entry.worst = std::max(entry.worst, one.ruling->severity);
      }
      if (!one.finding->guarantee.empty()) entry.tags.insert(one.finding->guarantee);
    }
  }

  std::size_t IndexOf(const std::string& rule) const {
    return static_cast<std::size_t>(std::distance(entries_.begin(), entries_.find(rule)));
  }

  Json List() const {
    Json list = Json::array();
    for (const auto& [id, entry] : entries_) {
      const std::string part = id.substr(0, id.find('/'));
      Json tags = Json::array({"security"});
      if (!part.empty() && part != "security") tags.push_back(part);
      for (const std::string& tag : entry.tags) {
        if (tags.size() < tag_limit_) tags.push_back(tag);
      }
      Json properties = {{"tags", std::move(tags)}, {"precision", Precision(id)}};
      const std::string_view score = SecuritySeverity(entry.worst);
      if (!score.empty()) properties["security-severity"] = score;
      list.push_back({{"id", id},
                      {"shortDescription", {{"text", SarifMessage(TitleOf(id))}}},
                      {"fullDescription", {{"text", SarifMessage(SentenceOf(*entry.first))}}},
                      {"help", {{"text", SarifMessage(entry.first->reason)}}},
                      {"defaultConfiguration", {{"level", Level(entry.worst)}}},
                      {"properties", std::move(properties)}});
    }
    return list;
  }

 private:
  struct Entry {
    const Finding* first = nullptr;
    Severity worst = Severity::kNone;
    std::set<std::string> tags;
  };
  std::size_t tag_limit_;
  std::map<std::string, Entry> entries_;  // by id, so that the order is not the findings'
};

// What of each result is written.
struct Part {
  Json result, transcript, flow;
};

struct LeftOut {
  std::size_t results = 0, transcripts = 0, flows = 0, steps = 0;
};

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Takes what fits out of `room`: results first, then what is said of them, then the ways.
std::vector<std::string> Fit(std::vector<Part>& parts, std::size_t room, LeftOut& left_out) {
  const auto take = [&room](std::size_t size) {
    if (size > room) return false;
    room -= size;
    return true;
  };
  // Once one does not fit, no milder one is taken: what is there is the worst of all.
  std::size_t fitting = 0;
  while (fitting < parts.size() && take(Dump(parts[fitting].result).size() + 1)) ++fitting;
  left_out.results += parts.size() - fitting;
  parts.resize(fitting);
  constexpr std::size_t kNames = 16;  // ,"properties": and ,"codeFlows":
  bool has_room = true;
  for (Part& part : parts) {
    has_room = has_room && take(Dump(part.transcript).size() + kNames);
    if (has_room) {
      part.result["properties"] = std::move(part.transcript);
    } else {
      ++left_out.transcripts;
    }
  }
  for (Part& part : parts) {
    if (part.flow.is_null()) continue;
    has_room = has_room && take(Dump(part.flow).size() + kNames);
    if (has_room) {
      part.result["codeFlows"] = std::move(part.flow);
    } else {
      ++left_out.flows;
    }
  }
  std::vector<std::string> texts;
  for (const Part& part : parts) texts.push_back(Dump(part.result));
  return texts;
}

Json Notifications(const LeftOut& left_out) {
  Json list = Json::array();
  const auto notify = [&list](std::size_t count, std::string_view what) {
    if (count == 0) return;
    list.push_back({{"level", "warning"},
                    {"message",
                     {{"text", fmt::format("{} left out, so that the report keeps to the limits "
                                           "of code scanning",
                                           Count(count, what))}}}});
  };
  notify(left_out.results, "result");
  notify(left_out.transcripts, "transcript");
  notify(left_out.flows, "code flow");
  notify(left_out.steps, "step");
  return list;
}

// Everything but the results, in two halves; they belong between them.
std::pair<std::string, std::string> Frame(const Trial& trial, const Rules& rules,
                                          const LeftOut& left_out) {
  const Docket docket = ReadDocket(trial);
  const Json run = {
      {"tool",
       {{"driver",
         {{"name", "bailey"}, {"semanticVersion", BAILEY_VERSION}, {"rules", rules.List()}}}}},
      {"automationDetails", {{"id", "bailey-review/" + PercentEncoded(trial.subject) + "/"}}},
      {"originalUriBaseIds",
       {{"%SRCROOT%", {{"description", {{"text", "where bailey review was started"}}}}}}},
      {"invocations", Json::array({{{"executionSuccessful", true},
                                    {"toolExecutionNotifications", Notifications(left_out)}}})},
      {"columnKind", "utf16CodeUnits"},
      {"properties",
       {{"decision", Name(docket.review)},
        {"moderator",
         {{"researcher_summary", trial.summary.researcher},
          {"author_summary", trial.summary.author}}}}}};
  std::string head =
      R"({"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[)";
  std::string text = Dump(run);
  text.pop_back();
  return {head + text + ",\"results\":[", "]}]}\n"};
}

}  // namespace

std::string_view SecuritySeverity(Severity severity) {
  switch (severity) {
    case Severity::kNone:
      return {};
    case Severity::kLow:
      return "2.5";
    case Severity::kMedium:
      return "5.5";
    case Severity::kHigh:
      return "8.0";
    case Severity::kCritical:
      return "9.5";
  }
  return {};
}

std::string SarifWithin(const SarifLimits& limits, const Trial& trial, const Subject& subject) {
  const Docket docket = ReadDocket(trial);
  std::vector<Case> cases = docket.standing;
  cases.insert(cases.end(), docket.refuted.begin(), docket.refuted.end());
  const std::vector<std::string> fingerprints = Fingerprints(trial.findings, subject);
  LeftOut left_out;
  if (cases.size() > limits.results) {
    left_out.results = cases.size() - limits.results;
    cases.resize(limits.results);
  }

  const Rules rules(cases, limits.tags);
  const FilterListing listing(subject);
  std::vector<Part> parts;
  for (const Case& one : cases) {
    const auto index = static_cast<std::size_t>(one.finding - trial.findings.data());
    Part part;
    part.result = ResultOf(one, subject, fingerprints[index], rules.IndexOf(one.finding->rule));
    part.transcript = Transcript(one);
    std::vector<Step> flow = listing.Flow(*one.finding);
    const std::size_t steps = flow.size();
    flow = Shortened(std::move(flow), limits.flow_locations);
    left_out.steps += steps - flow.size();
    if (!flow.empty()) part.flow = CodeFlowOf(flow, subject);
    parts.push_back(std::move(part));
  }

  // The notifications are written after what they count, and have room from the start.
  constexpr std::size_t kNotifications = 1000;
  const auto [head, tail] = Frame(trial, rules, left_out);
  const std::size_t frame = head.size() + tail.size() + kNotifications;
  const std::vector<std::string> texts =
      Fit(parts, limits.bytes > frame ? limits.bytes - frame : 0, left_out);
  std::string text = Frame(trial, rules, left_out).first;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    text += (i == 0 ? "" : ",") + texts[i];
  }
  return text + tail;
}

std::string Sarif(const Trial& trial, const Subject& subject) {
  return SarifWithin({}, trial, subject);
}

}  // namespace bailey::review
