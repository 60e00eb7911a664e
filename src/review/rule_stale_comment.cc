// What a comment says about the filter, and what the code beside it does. A comment that is wrong
// in the harmless direction is a question, which the rules of the filter answer.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "review/source_filter.h"
#include "review/source_rule.h"
#include "review/source_rules.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

// What a comment may speak of, and the calls that it means.
struct Topic {
  std::string_view word;
  std::array<std::string_view, 3> calls;
};
constexpr Topic kTopics[] = {
    {"keyring", {"add_key", "keyctl", "request_key"}},
    {"keyrings", {"add_key", "keyctl", "request_key"}},
    {"keyctl", {"keyctl"}},
    {"add_key", {"add_key"}},
    {"request_key", {"request_key"}},
    {"ptrace", {"ptrace"}},
    {"chroot", {"chroot"}},
    {"clone3", {"clone3"}},
    {"mount", {"mount"}},
    {"umount", {"umount2"}},
    {"unshare", {"unshare"}},
    {"setns", {"setns"}},
    {"pivot_root", {"pivot_root"}},
    {"userfaultfd", {"userfaultfd"}},
    {"bpf", {"bpf"}},
    {"perf_event_open", {"perf_event_open"}},
    {"io_uring", {"io_uring_setup"}},
    {"io_uring_setup", {"io_uring_setup"}},
    {"kexec_load", {"kexec_load"}},
    {"personality", {"personality"}},
    {"process_vm_writev", {"process_vm_writev"}},
    {"init_module", {"init_module"}},
    {"swapon", {"swapon"}},
    {"reboot", {"reboot"}},
    {"syslog", {"syslog"}},
    {"modify_ldt", {"modify_ldt"}},
    {"quotactl", {"quotactl"}},
    {"name_to_handle_at", {"name_to_handle_at"}},
    {"open_by_handle_at", {"open_by_handle_at"}},
};

constexpr auto kOpen = std::to_array<std::string_view>(
    {"not filtered",         "unfiltered",         "not blocked",      "not denied",
     "not yet blocked",      "not yet filtered",   "still allowed",    "not restricted",
     "aren't filtered",      "isn't filtered",     "isn't blocked",    "aren't blocked",
     "should be blocked",    "should be filtered", "should be denied", "should filter",
     "should block",         "need to filter",     "need to block",    "needs to be blocked",
     "needs to be filtered", "must be blocked"});
constexpr auto kTasks = std::to_array<std::string_view>({"todo", "fixme", "xxx", "hack"});
constexpr auto kTaskVerbs =
    std::to_array<std::string_view>({"filter", "block", "deny", "restrict", "forbid", "disallow",
                                     "sandbox", "handle", "blacklist"});
constexpr auto kClosed = std::to_array<std::string_view>(
    {"is blocked",      "are blocked",      "is denied",     "are denied",    "is filtered",
     "are filtered",    "is forbidden",     "are forbidden", "is disallowed", "is not allowed",
     "are not allowed", "is not permitted", "block ",        "blocks ",       "deny ",
     "denies ",         "forbid ",          "disallow ",     "blocked",       "we block",
     "prevent "});

enum class Claim { kNothing, kIsOpen, kIsClosed };

bool HasPhrase(std::string_view text, std::span<const std::string_view> phrases) {
  return std::ranges::any_of(phrases, [&](std::string_view phrase) {
    return text.find(phrase) != std::string_view::npos;
  });
}

// Whether it stands there as a word.
bool HasTopic(std::string_view text, std::string_view word) {
  const auto in_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (std::size_t at = text.find(word); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    const bool begins = at == 0 || !in_word(text[at - 1]);
    const std::size_t end = at + word.size();
    if (begins && (end >= text.size() || !in_word(text[end]))) return true;
  }
  return false;
}

Claim ClaimOf(std::string_view text) {
  const bool task =
      std::ranges::any_of(kTasks, [&](std::string_view word) { return HasTopic(text, word); });
  if (HasPhrase(text, kOpen) || (task && HasPhrase(text, kTaskVerbs))) return Claim::kIsOpen;
  const bool unsure = text.find(" not ") != std::string_view::npos || task ||
                      text.find("n't") != std::string_view::npos ||
                      text.find(" if ") != std::string_view::npos ||
                      text.find('?') != std::string_view::npos;
  return HasPhrase(text, kClosed) && !unsure ? Claim::kIsClosed : Claim::kNothing;
}

// A comment over several lines is several tokens in "//": they are read as one.
struct Words {
  Comment first;
  std::string text;
};
std::vector<Words> Joined(const Code& code) {
  std::vector<Words> list;
  int last_line = -2;
  Index before = kNowhere;
  for (const Comment& comment : code.comments()) {
    const bool goes_on =
        comment.line == last_line + 1 && comment.before == before && comment.text.starts_with("//");
    if (!goes_on) list.push_back({comment, {}});
    list.back().text += ' ';
    for (const char c : Lower(comment.text)) {
      const bool drop = c == '\n' || c == '*' || c == '/' || c == '\t' || c == '\r';
      if (drop || c == ' ') {
        if (list.back().text.back() != ' ') list.back().text += ' ';
      } else {
        list.back().text += c;
      }
    }
    last_line = comment.line;
    before = comment.before;
  }
  return list;
}

std::string Names(const Topic& topic) {
  std::string names;
  for (const std::string_view call : topic.calls) {
    if (!call.empty()) names += (names.empty() ? "" : ", ") + std::string(call);
  }
  return names;
}

void Judge(const Code& code, const Words& words, const Topic& topic, Claim claim,
           const FilterStart& start, Reports& reports) {
  std::vector<Index> lines;
  std::size_t named = 0, all = 0;
  for (const std::string_view call : topic.calls) {
    if (call.empty()) continue;
    ++all;
    const auto places = CallNamed(code, call);
    named += !places.empty();
    if (!places.empty()) lines.push_back(places.front());
  }
  const bool allow = start.kind == FilterStart::Default::kAllow;
  const bool closed = allow ? named == all : named == 0;
  const bool open = allow ? named == 0 : named == all;
  if (!closed && !open) return;
  Report report;
  report.at = words.first.before;
  if (claim == Claim::kIsOpen && closed) {
    report.vulnerability = fmt::format("{} passes the filter, a comment says", Names(topic));
    report.reason = "The comment says that the filter lacks it.";
    report.impact = "A program in the sandbox could use it.";
    report.effect = Severity::kMedium;
    if (!allow) lines.assign(1, start.at);
    reports.AskAt(words.first, report,
                  allow ? fmt::format("{} have rules in a filter that allows the rest: the comment "
                                      "is stale",
                                      Names(topic))
                        : fmt::format("the filter denies what has no rule, and {} has none: the "
                                      "comment is stale",
                                      Names(topic)),
                  lines);
  } else if (open) {
    const bool promises = claim == Claim::kIsClosed;
    report.vulnerability = fmt::format(
        "{} passes the filter{}", Names(topic),
        promises ? ", and a comment promises that it does not" : ", as a comment admits");
    report.reason =
        allow
            ? fmt::format("The filter allows what has no rule, and no rule names {}.", Names(topic))
            : fmt::format("The filter denies what has no rule, and {} has one.", Names(topic));
    report.impact =
        "A program in the sandbox can use it, and who reads the source thinks that it "
        "cannot.";
    report.fix = allow ? fmt::format("Deny {} in the filter.", Names(topic))
                       : fmt::format("Take {} out of the list of what is allowed.", Names(topic));
    report.effect = Severity::kMedium;
    report.flow = {
        {start.at, allow ? "what has no rule is allowed" : "what has no rule is denied"}};
    report.matched =
        fmt::format("the comment speaks of {}; {} of {} named by a rule", topic.word, named, all);
    reports.FileAt(words.first, report);
  }
}

}  // namespace

void CheckStaleComment(const Code& code, Reports& reports) {
  const FilterStart start = StartOf(code);
  if (start.kind == FilterStart::Default::kNone) return;
  for (const Words& words : Joined(code)) {
    const Claim claim = ClaimOf(words.text);
    if (claim == Claim::kNothing) continue;
    for (const Topic& topic : kTopics) {
      if (!HasTopic(words.text, topic.word)) continue;
      Judge(code, words, topic, claim, start, reports);
      break;  // its first topic is what it is about
    }
  }
}

}  // namespace bailey::review
