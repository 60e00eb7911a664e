#include <nlohmann/json.hpp>

#include "review/report.h"

namespace bailey::review {
namespace {

using nlohmann::ordered_json;

ordered_json ToJson(const std::vector<Evidence>& evidence) {
  ordered_json list = ordered_json::array();
  for (const Evidence& one : evidence)
    list.push_back({{"kind", Name(one.kind)}, {"ran", one.ran}, {"result", one.result}});
  return list;
}

// The form has no field for the change; it is the end of the reason.
std::string WithFix(const Answer& answer) {
  return answer.fix.empty() ? answer.reason : answer.reason + "\n" + answer.fix;
}

}  // namespace

std::string Json(const Trial& trial) {
  ordered_json json;
  json["version"] = 1;
  json["subject"] = trial.subject;
  ordered_json& researcher = json["security_researcher"] = ordered_json::array();
  for (const Finding& one : trial.findings) {
    researcher.push_back(
        {{"vulnerability", one.vulnerability}, {"reason", one.reason}, {"impact", one.impact}});
  }
  ordered_json& author = json["code_author"] = ordered_json::array();
  for (const Answer& one : trial.answers) {
    author.push_back({{"vulnerability", one.vulnerability},
                      {"response_type", Name(one.response)},
                      {"reason", WithFix(one)}});
  }
  json["moderator"] = {{"researcher_summary", trial.summary.researcher},
                       {"author_summary", trial.summary.author}};
  ordered_json& board = json["review_board"] = ordered_json::array();
  for (const Ruling& one : trial.rulings) {
    board.push_back({{"vulnerability", one.vulnerability},
                     {"decision", Name(one.decision)},
                     {"severity", Name(one.severity)},
                     {"recommended_action", Name(one.action)},
                     {"justification", one.justification},
                     {"evidence", ToJson(one.evidence)}});
  }
  // Names come from the subject; what is not UTF-8 in them must not throw.
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace bailey::review
