// Whether a call may be made: green ones are, a rule decides, or somebody is asked.
//
//   Approver approver(options, std::move(rules), ask, record);
//   if (auto why = approver.Refuse(action)) Answer(*why);
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "approval/action.h"
#include "approval/database.h"
#include "base/result.h"

namespace bailey::approval {

// What was decided once and holds on: for a tool as it was defined then, one effect, one subject,
// one workspace, until a day.
struct Rule {
  std::int64_t id = 0;
  bool allows = false;
  std::string server, tool, hash, effect, subject, workspace;
  std::int64_t made = 0, until = 0;  // seconds since 1970
};

class Rules {
 public:
  static base::Result<Rules> Open(Database database);
  // The verdict of a rule that is in force; deny beats allow.
  base::Result<std::optional<bool>> Find(const Action& action, const Classified& classified);
  base::Status Add(const Action& action, const Classified& classified, bool allows,
                   std::chrono::seconds lasts);
  base::Result<std::vector<Rule>> List();
  base::Result<bool> Revoke(std::int64_t id);

 private:
  explicit Rules(Database database) : database_(std::move(database)) {}
  Database database_;
};

enum class Answer : std::uint8_t { kOnce, kSession, kWorkspace, kDeny };

// What is shown to who is asked.
struct Card {
  std::string title;  // "run of bailey"
  std::string effect, why;
  std::vector<std::string> shown;  // printable ASCII, nothing cut
  std::string workspace;
  std::string remembered;  // what "session" and "workspace" would be about
  std::string until;       // the day that "workspace" lasts to
};
Card MakeCard(const Action& action, const Classified& classified);
// Without what can be answered.
std::string Describe(const Card& card);
std::string ToText(const Card& card);
std::string ToJson(const Card& card);  // one line

// Asks; an error is a no, with its reason.
using Ask = std::function<base::Result<Answer>(const Card& card)>;
// On the terminal of this process: what was typed ahead is thrown away first, anything but a clear
// yes is a no, and so is the end of the time.
base::Result<Answer> AskOnTerminal(const Card& card, std::chrono::seconds time_limit);
// Another program, listening on a unix socket: one line of JSON to it, one back: {"answer":
// "once"}, "session", "workspace" or "deny".
base::Result<Answer> AskOnSocket(const std::string& path, const Card& card,
                                 std::chrono::seconds time_limit);

// What is decided, for the record: the effect, by whom or what, and whether it may happen.
using Record =
    std::function<void(const Action&, std::string_view effect, std::string_view by, bool allowed)>;

// What a policy, by its name, grants beyond the usual one, a line each.
using Widening = std::function<std::vector<std::string>(const std::string& policy)>;

struct ApproverOptions {
  ReadFile read_file;
  Widening widening;  // none: it is not known
  Ask ask;            // none: nobody can be asked
  Record record;
  std::set<std::string> allowed;  // "SERVER/TOOL": all of its calls, by who started this
};

// Somebody has to be asked.
struct Question {
  Action action;
  Classified classified;
  Card card;
};
struct Decision {
  std::optional<std::string> refusal;
  std::optional<Question> question;  // with neither, the call may be made
};

class Approver {
 public:
  static constexpr std::chrono::seconds kWorkspaceLasts = std::chrono::hours(24 * 30);

  Approver(ApproverOptions options, Rules rules)
      : options_(std::move(options)), rules_(std::move(rules)) {}

  // Nothing where the call may be made; else why not. From several threads: one question at a time.
  std::optional<std::string> Refuse(const Action& action);
  // The same in two steps, for who asks by other means and does not wait.
  Decision Consider(const Action& action);
  std::optional<std::string> Resolve(const Question& question, const base::Result<Answer>& answer);

 private:
  // False where somebody has to be asked.
  bool Decide(const Action& action, const Classified& classified, std::string& by,
              std::optional<std::string>& refusal);
  Decision ConsiderLocked(const Action& action);
  std::optional<std::string> ResolveLocked(const Question& question,
                                           const base::Result<Answer>& answer);
  std::optional<std::string> Remember(const Question& question, Answer answer);
  void Record(const Action& action, const Classified& classified, std::string_view by,
              bool allowed);

  ApproverOptions options_;
  Rules rules_;
  std::mutex mutex_;
  std::set<std::string> session_;  // what was allowed for this session
};

}  // namespace bailey::approval
