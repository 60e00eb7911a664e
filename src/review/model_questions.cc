// Rules go into the system message, and the subject into the user message, as one JSON document: in
// a string of JSON no text of the subject ends the data and begins something else.
#include "review/model_questions.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "prove/guarantee.h"
#include "review/claims.h"
#include "review/plain.h"
#include "review/prompts.h"
#include "review/report.h"
#include "review/source_rule.h"

namespace bailey::review {
namespace {

using nlohmann::json;

constexpr std::size_t kMostSourceBytes = 400'000;
constexpr std::size_t kMostRecords = 60;
constexpr std::size_t kMostLetters = 2'000;  // of a text that a model gives
constexpr char kOther[] = "other";

json StringOf(std::vector<std::string> values = {}) {
  json schema = {{"type", "string"}};
  if (!values.empty()) schema["enum"] = std::move(values);
  return schema;
}
json Integer() { return {{"type", "integer"}}; }

json Object(const json& properties) {
  json required = json::array();
  for (const auto& [name, schema] : properties.items()) required.push_back(name);
  return {{"type", "object"},
          {"additionalProperties", false},
          {"required", std::move(required)},
          {"properties", properties}};
}

// {"<name>": [{...}]}: the root of a strict schema is an object.
json ListOf(const std::string& name, const json& properties) {
  return Object({{name, {{"type", "array"}, {"items", Object(properties)}}}});
}

std::vector<std::string> SeverityNames() {
  std::vector<std::string> names;
  for (const Severity one :
       {Severity::kLow, Severity::kMedium, Severity::kHigh, Severity::kCritical}) {
    names.emplace_back(Name(one));
  }
  return names;
}

Severity SeverityOf(const std::string& name) {
  for (const Severity one : {Severity::kMedium, Severity::kHigh, Severity::kCritical}) {
    if (Name(one) == name) return one;
  }
  return Severity::kLow;
}

std::string TextOf(const json& record, const char* name) {
  const auto& text = record.at(name).get_ref<const std::string&>();
  return Plain(std::string_view(text).substr(0, kMostLetters));
}

base::Result<json> Put(std::string_view role, const json& data, std::string schema_name,
                       json schema, model::Client& client) {
  return client.Ask(
      {.messages = {{"system", std::string(PromptRules()) + "\n" + std::string(role)},
                    {"user", data.dump(1, ' ', false, json::error_handler_t::replace)}},
       .schema_name = std::move(schema_name),
       .schema = std::move(schema)});
}

base::Result<json> FilesOf(const Subject& subject) {
  json files = json::array();
  std::size_t bytes = 0;
  for (const SourceFile& source : subject.sources) {
    bytes += source.text->size();
    json lines = json::array();
    int number = 0;
    for (const std::string_view line : base::Split(*source.text, '\n')) {
      lines.push_back(fmt::format("{}: {}", ++number, line));
    }
    files.push_back({{"path", source.path}, {"lines", std::move(lines)}});
  }
  if (bytes > kMostSourceBytes) {
    return base::Unsupported(
        fmt::format("ask model about {}: its sources are {} bytes, more than {}",
                    base::Escape(subject.title), bytes, kMostSourceBytes));
  }
  return files;
}

std::vector<std::string> TopicsOf(const Subject& subject) {
  std::vector<std::string> topics;
  for (const SourceRule& rule : SourceRules()) topics.emplace_back(rule.id);
  if (subject.filter) {
    for (const prove::Guarantee& one : prove::BuiltinGuarantees()) topics.emplace_back(one.name);
  }
  topics.emplace_back(kOther);
  return topics;
}

bool IsGuarantee(const std::string& topic) {
  return std::ranges::any_of(prove::BuiltinGuarantees(),
                             [&](const prove::Guarantee& one) { return one.name == topic; });
}

Opinion ReadFinding(const json& record, const Subject& subject, const std::string& model) {
  Opinion opinion = {.topic = record.at("topic").get<std::string>()};
  Finding& finding = opinion.finding;
  finding.rule = "model/" + opinion.topic.substr(opinion.topic.rfind('/') + 1);
  finding.vulnerability = TextOf(record, "vulnerability");
  finding.reason = TextOf(record, "reason");
  finding.impact = TextOf(record, "impact");
  finding.effect = SeverityOf(record.at("severity").get<std::string>());
  finding.place.file = record.at("file").get<std::string>();
  const auto source = std::ranges::find(subject.sources, finding.place.file, &SourceFile::path);
  const auto line = record.at("line").get<std::int64_t>();
  const auto last = std::ranges::count(*source->text, '\n') + 1;
  if (line >= 1 && line <= last) finding.place.line = static_cast<int>(line);
  // Its words may name a check that its topic does not.
  const std::string check = opinion.topic == kOther
                                ? CheckOf({finding.vulnerability, finding.reason, finding.impact})
                                : opinion.topic;
  // A guarantee is tried by the author; what nothing can be run for is marked for what it is.
  if (subject.filter && IsGuarantee(check)) {
    finding.guarantee = check;
  } else {
    finding.evidence.push_back({EvidenceKind::kModelOpinion,
                                fmt::format("model {}, as researcher", model),
                                "it says so; nothing was run that shows it"});
  }
  return opinion;
}

// What roles after the researcher see of a case.
json CaseOf(const Trial& trial, std::size_t number) {
  const Finding& finding = trial.findings[number];
  const Answer& answer = trial.answers[number];
  return {{"number", number},
          {"vulnerability", finding.vulnerability},
          {"reason", finding.reason},
          {"impact", finding.impact},
          {"file", finding.place.file},
          {"line", finding.place.line},
          {"response_type", Name(answer.response)},
          {"answer", answer.reason},
          {"severity", Name(trial.rulings[number].severity)}};
}

json CasesOf(const Trial& trial) {
  json cases = json::array();
  for (std::size_t i = 0; i < std::min(trial.findings.size(), kMostRecords); ++i) {
    cases.push_back(CaseOf(trial, i));
  }
  return cases;
}

// The number of a record, when it is one of those that were asked about and is said once.
bool TakeNumber(const json& record, std::vector<std::size_t>& left, Remark& remark) {
  const auto said = record.at("number").get<std::int64_t>();
  const auto found = std::ranges::find_if(
      left, [&](std::size_t one) { return static_cast<std::int64_t>(one) == said; });
  if (found == left.end()) return false;
  remark.number = *found;
  left.erase(found);
  return true;
}

}  // namespace

base::Result<std::vector<Opinion>> AskResearcher(const Subject& subject,
                                                 std::span<const Finding> known,
                                                 model::Client& client) {
  auto files = FilesOf(subject);
  if (!files) return files.error();
  json found = json::array();
  for (const Finding& one : known) {
    found.push_back({{"topic", one.rule},
                     {"vulnerability", one.vulnerability},
                     {"file", one.place.file},
                     {"line", one.place.line}});
  }
  std::vector<std::string> paths;
  for (const SourceFile& source : subject.sources) paths.push_back(source.path);
  const json schema = ListOf("findings", {{"topic", StringOf(TopicsOf(subject))},
                                          {"vulnerability", StringOf()},
                                          {"reason", StringOf()},
                                          {"impact", StringOf()},
                                          {"file", StringOf(paths)},
                                          {"line", Integer()},
                                          {"severity", StringOf(SeverityNames())}});
  const auto answer =
      Put(ResearcherPrompt(), {{"files", *std::move(files)}, {"known", std::move(found)}},
          "findings", schema, client);
  if (!answer) return answer.error();
  std::vector<Opinion> opinions;
  for (const json& record : answer->at("findings")) {
    if (opinions.size() == kMostRecords) break;
    opinions.push_back(ReadFinding(record, subject, client.Model()));
  }
  return opinions;
}

base::Result<std::vector<Remark>> AskAuthor(const Subject& subject, const Trial& trial,
                                            model::Client& client) {
  auto files = FilesOf(subject);
  if (!files) return files.error();
  const json schema =
      ListOf("answers", {{"number", Integer()},
                         {"response_type", StringOf({std::string(Name(Response::kRefutation)),
                                                     std::string(Name(Response::kMitigation))})},
                         {"reason", StringOf()}});
  const auto answer =
      Put(AuthorPrompt(), {{"files", *std::move(files)}, {"findings", CasesOf(trial)}}, "answers",
          schema, client);
  if (!answer) return answer.error();
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < std::min(trial.findings.size(), kMostRecords); ++i) left.push_back(i);
  std::vector<Remark> remarks;
  for (const json& record : answer->at("answers")) {
    Remark remark;
    if (!TakeNumber(record, left, remark)) continue;
    const bool refutes = record.at("response_type") == Name(Response::kRefutation);
    remark.response = refutes ? Response::kRefutation : Response::kMitigation;
    remark.text = TextOf(record, "reason");
    remarks.push_back(std::move(remark));
  }
  return remarks;
}

base::Result<Summary> AskModerator(const Trial& trial, model::Client& client) {
  const json schema = Object({{"researcher_summary", StringOf()}, {"author_summary", StringOf()}});
  const auto answer =
      Put(ModeratorPrompt(), {{"findings", CasesOf(trial)}}, "summaries", schema, client);
  if (!answer) return answer.error();
  return Summary{TextOf(*answer, "researcher_summary"), TextOf(*answer, "author_summary")};
}

base::Result<std::vector<Remark>> AskBoard(const Trial& trial, std::span<const std::size_t> numbers,
                                           model::Client& client) {
  std::vector<std::size_t> left(
      numbers.begin(),
      numbers.begin() + static_cast<std::ptrdiff_t>(std::min(numbers.size(), kMostRecords)));
  json cases = json::array();
  for (const std::size_t number : left) cases.push_back(CaseOf(trial, number));
  const json schema = ListOf("rulings", {{"number", Integer()},
                                         {"severity", StringOf(SeverityNames())},
                                         {"justification", StringOf()}});
  const auto answer =
      Put(BoardPrompt(), {{"findings", std::move(cases)}}, "rulings", schema, client);
  if (!answer) return answer.error();
  std::vector<Remark> remarks;
  for (const json& record : answer->at("rulings")) {
    Remark remark;
    if (!TakeNumber(record, left, remark)) continue;
    remark.severity = SeverityOf(record.at("severity").get<std::string>());
    remark.text = TextOf(record, "justification");
    remarks.push_back(std::move(remark));
  }
  return remarks;
}

}  // namespace bailey::review
