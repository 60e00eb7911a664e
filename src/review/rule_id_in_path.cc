// An id that comes from outside, on its way into a path that is opened, made or removed, with
// nothing before that looks at its characters.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "review/source_flow.h"
#include "review/source_rule.h"
#include "review/source_rules.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr auto kIdWords = std::to_array<std::string_view>({"id", "uuid", "name", "hostname"});
constexpr auto kOpens = std::to_array<std::string_view>({"open",
                                                         "openat",
                                                         "creat",
                                                         "fopen",
                                                         "mkdir",
                                                         "mkdirat",
                                                         "unlink",
                                                         "unlinkat",
                                                         "rename",
                                                         "symlink",
                                                         "mknod",
                                                         "rmdir",
                                                         "create",
                                                         "create_dir",
                                                         "create_dir_all",
                                                         "bind",
                                                         "connect",
                                                         "remove_file",
                                                         "remove_dir_all",
                                                         "create_directories",
                                                         "create_directory",
                                                         "remove_all",
                                                         "g_mkdir_with_parents",
                                                         "mkdir_p",
                                                         "ofstream",
                                                         "ifstream",
                                                         "fstream",
                                                         "read_to_string",
                                                         "mount",
                                                         "remove",
                                                         "hard_link",
                                                         "remove_dir",
                                                         "open64",
                                                         "mkfifo",
                                                         "chown"});
constexpr auto kOnlyOfFs =
    std::to_array<std::string_view>({"write", "read", "copy", "rename", "remove"});
// Words in the name of what looks at an id before it is used.
constexpr auto kChecks = std::to_array<std::string_view>(
    {"valid",        "validate",  "validated", "check", "checked",      "sanitize", "sanitise",
     "sanitized",    "verify",    "is_safe",   "safe",  "allowed",      "parse",    "escape",
     "encode",       "quote",     "assert",    "legal", "matches",      "match",    "regex",
     "canonicalize", "canonical", "hash",      "clean", "alphanumeric", "alnum"});
constexpr auto kLooksAtCharacters =
    std::to_array<std::string_view>({"chars",         "bytes",
                                     "contains",      "strchr",
                                     "strspn",        "strcspn",
                                     "strpbrk",       "isalnum",
                                     "isalpha",       "isdigit",
                                     "isxdigit",      "find",
                                     "find_first_of", "find_first_not_of",
                                     "all_of",        "any_of",
                                     "strstr",        "g_ascii_isalnum",
                                     "all",           "any",
                                     "components",    "file_name",
                                     "basename",      "parse_str",
                                     "regex_match",   "none_of",
                                     "find_if",       "find_if_not"});
constexpr auto kText = std::to_array<std::string_view>(
    {"str", "String", "char", "string", "string_view", "gchar", "OsStr", "OsString", "Cow"});

bool IsIdName(std::string_view name) {
  const auto words = WordsOf(name);
  if (words.empty()) return false;
  // A file's or a program's own name is not an id that a caller hands in.
  for (const std::string_view other :
       {"file", "path",  "prog",   "program", "filename", "dir",     "func",
        "type", "field", "option", "tag",     "symbol",   "user",    "group",
        "host", "if",    "dev",    "iface",   "env",      "display", "app"}) {
    if (words.size() > 1 && words.front() == other) return words.back() == "id" && other == "app";
  }
  return words.back() == "id" || words.back() == "uuid" ||
         (words.back() == "name" && words.size() > 1) || name == "name" || name == "hostname";
}

bool IsText(const Code& code, Range declaration) {
  return std::ranges::any_of(
      kText, [&](std::string_view type) { return code.Mentions(declaration, type); });
}

// Whether something in the range looks at the value, so that it is more than passed on.
bool IsCheckedIn(const Code& code, Range range, std::string_view name) {
  for (const Index at : code.PlacesIn(name, range)) {
    // id.chars(), id.parse()
    for (Index next = at + 1; code.Is(next, ".") && next < range.end;) {
      const std::string_view method = code.At(next + 1);
      if (IsAny(method, kLooksAtCharacters) || HasWord(method, kChecks)) return true;
      next += 2;
      if (!code.Is(next, "(") || code.Partner(next) == kNowhere) break;
      next = code.Partner(next) + 1;
    }
    // check(id), for each bracket around it
    for (Index open = code.Around(at); open != kNowhere && open >= range.begin;
         open = code.Around(open)) {
      if (!code.Is(open, "(") || open == 0) continue;
      const Index callee = code.Is(open - 1, "!") ? open - 2 : open - 1;
      const std::string_view called = code.At(callee);
      const bool owner_checks = code.Is(callee - 1, "::") && HasWord(code.At(callee - 2), kChecks);
      if (IsAny(called, kLooksAtCharacters) || HasWord(called, kChecks) || owner_checks)
        return true;
    }
    // for (p = id; *p; p++), id[i], for (char c : id)
    if (!code.IsRust() && ((code.Is(at + 1, "[") && !code.IsKind(at - 1, TokenKind::kName)) ||
                           code.Is(code.StatementOf(at).begin, "for")))
      return true;
    if (!code.IsRust() && code.Is(at - 1, "*") && code.Is(at - 2, "(")) return true;
    if (!code.IsRust() && code.Is(at - 1, ":") && code.Around(at) != kNowhere &&
        code.Is(code.Around(at) - 1, "for"))
      return true;
  }
  return false;
}

struct Source {
  const Function* function = nullptr;
  std::string_view name;
  Index at = 0;
  bool member = false;
};

class Judge {
 public:
  Judge(const Code& code, Reports& reports) : code_(code), reports_(reports) {}

  void Run() {
    for (const Function& function : code_.functions()) {
      for (const Parameter& parameter : function.parameters) {
        if (!IsIdName(parameter.name) || !IsText(code_, parameter.declaration)) continue;
        Follow({&function, parameter.name, parameter.declaration.begin, false});
      }
      for (const std::string_view member : MembersUsedIn(function))
        Follow({&function, member, function.body.begin, true});
    }
  }

 private:
  // Fields of this file that are ids and text, where the function reads them.
  std::set<std::string_view> MembersUsedIn(const Function& function) const {
    std::set<std::string_view> members;
    for (const Field& field : code_.fields()) {
      if (!IsIdName(field.name) || !IsText(code_, field.type)) continue;
      for (const Index at : code_.PlacesIn(field.name, function.body)) {
        const bool member = code_.Is(at - 1, ".") || code_.Is(at - 1, "->");
        const bool own = function.owner == field.owner && !code_.IsRust();
        if (member || own) members.insert(field.name);
      }
    }
    for (const Parameter& parameter : function.parameters) members.erase(parameter.name);
    return members;
  }

  void Follow(const Source& source) {
    if (IsCheckedIn(code_, source.function->body, source.name)) return;
    if (source.member ? IsCheckedAnywhere(source.name) : !IsExposed(source, 0)) return;
    const Flow flow(code_, source.function->body, source.name, source.at);
    for (const Call& call : code_.CallsIn(source.function->body)) {
      if (!Opens(call)) continue;
      for (const Range argument : call.arguments) {
        const Carrier* carrier = flow.In(argument);
        if (carrier == nullptr || !IsBuiltPath(flow, *carrier, argument, source)) continue;
        if (IsCheckedIn(code_, {source.function->body.begin, call.at}, carrier->name)) continue;
        File(source, flow, *carrier, call);
        return;
      }
    }
    FollowMaker(source, flow);
  }

  bool Opens(const Call& call) const {
    if (call.is_macro) return false;
    if (call.is_declaration) return IsAny(code_.At(call.at - 1), kOpens);
    if (IsAny(call.name, kOnlyOfFs) && code_.IsRust()) return code_.Is(call.at - 2, "fs");
    if (call.name == "connect" || call.name == "bind") {
      return code_.IsRust() && code_.Is(call.at - 1, "::") &&
             code_.At(call.at - 2).starts_with("Unix");
    }
    if (call.name == "create") return code_.Is(call.at - 2, "File");
    return IsAny(call.name, kOpens);
  }

  // The id is a part of a path: joined or formatted with a "/", not the path itself.
  bool IsBuiltPath(const Flow& flow, const Carrier& carrier, Range argument,
                   const Source& source) const {
    if (JoinsPath(argument)) return true;
    for (const auto& [at, text] : flow.StepsTo(carrier)) {
      if (at <= source.at) continue;
      const Range statement = code_.StatementOf(at);
      if (JoinsPath(statement)) return true;
    }
    return false;
  }
  bool JoinsPath(Range range) const {
    if (code_.StringsIn(range).find('/') != std::string::npos) return true;
    for (const Call& call : code_.CallsIn(range)) {
      if (call.name == "join" || call.name == "push" || call.name == "g_build_filename")
        return true;
    }
    for (Index at = range.begin; !code_.IsRust() && at < range.end; ++at) {
      if (code_.Is(at, "/") && !code_.IsKind(at + 1, TokenKind::kNumber)) return true;  // fs::path
    }
    return false;
  }

  // fn socket_path(&self) -> PathBuf: the path is built here and opened by who calls it.
  void FollowMaker(const Source& source, const Flow& flow) {
    const Function& maker = *source.function;
    const auto words = WordsOf(maker.name);
    if (words.empty()) return;
    const bool named = std::ranges::any_of(words, [](const std::string& word) {
      return word == "path" || word == "dir" || word == "file" || word == "socket";
    });
    const Range tail = TailOf(maker);
    const Carrier* carrier = named ? flow.In(tail) : nullptr;
    if (carrier == nullptr || !IsBuiltPath(flow, *carrier, tail, source)) return;
    for (const Function& user : code_.functions()) {
      if (&user == &maker) continue;
      const auto uses = code_.PlacesIn(maker.name, user.body);
      if (uses.empty()) continue;
      const Flow onward(code_, user.body, maker.name, user.body.begin);
      for (const Call& call : code_.CallsIn(user.body)) {
        if (!Opens(call)) continue;
        for (const Range argument : call.arguments) {
          if (onward.In(argument) == nullptr) continue;
          File(source, flow, *carrier, call);
          return;
        }
      }
    }
  }
  // What a function returns: its last statement.
  Range TailOf(const Function& function) const {
    const auto returns = code_.PlacesIn("return", function.body);
    if (!returns.empty()) return {returns.back(), code_.StatementOf(returns.back()).end};
    Index begin = function.body.end;
    while (begin > function.body.begin && !code_.Is(begin - 1, ";")) {
      const Index partner = code_.Partner(begin - 1);
      begin = partner != kNowhere && partner < begin - 1 ? partner : begin - 1;
    }
    return {begin, function.body.end};
  }

  bool IsCheckedAnywhere(std::string_view name) const {
    return std::ranges::any_of(code_.functions(), [&](const Function& function) {
      return IsCheckedIn(code_, function.body, name);
    });
  }

  // Whether something unchecked can arrive: nobody in this file calls the function, or one who
  // does hands in what he has not looked at.
  bool IsExposed(const Source& source, int depth) const {
    if (depth > 4) return false;
    std::size_t position = 0;
    for (const Parameter& parameter : source.function->parameters) {
      if (parameter.name == source.name) break;
      // Rust's self is no argument at a call.
      if (parameter.name != "self") ++position;
    }
    bool called = false;
    for (const Index at : code_.Places(source.function->name)) {
      const Call* call = code_.CallAt(at);
      if (call == nullptr || call->arguments.size() <= position) continue;
      called = true;
      if (Hands(*call, call->arguments[position], depth)) return true;
    }
    return !called;
  }
  bool Hands(const Call& call, Range argument, int depth) const {
    const Function& caller = code_.functions()[call.function];
    std::string_view name;
    for (Index at = argument.begin; at < argument.end; ++at) {
      if (code_.Is(at, "(")) return HandsCall(argument);
      if (code_.IsKind(at, TokenKind::kName)) name = code_.At(at);
    }
    if (name.empty()) return false;  // a string of the program's own
    if (IsCheckedIn(code_, {caller.body.begin, call.at}, name)) return false;
    for (const Parameter& parameter : caller.parameters) {
      if (parameter.name == name)
        return IsExposed({&caller, name, parameter.declaration.begin, false}, depth + 1);
    }
    // A variable: of argv, of a request; or generated here.
    for (const Assignment& assignment : code_.AssignmentsIn(caller.body)) {
      if (assignment.target != name) continue;
      if (!code_.StringsIn(assignment.value).empty() && code_.CallsIn(assignment.value).empty())
        return false;
      for (const Call& maker : code_.CallsIn(assignment.value)) {
        if (HasWord(maker.name, kChecks) || maker.name.starts_with("new_v4") ||
            maker.name.find("generate") != std::string_view::npos ||
            maker.name.find("random") != std::string_view::npos)
          return false;
      }
    }
    return !IsCheckedAnywhere(name);
  }
  bool HandsCall(Range argument) const {
    for (const Call& call : code_.CallsIn(argument)) {
      if (HasWord(call.name, kChecks)) return false;
      if (call.name.find("generate") != std::string_view::npos || call.name == "new_v4")
        return false;
    }
    return true;
  }

  void File(const Source& source, const Flow& flow, const Carrier& carrier, const Call& call) {
    Report report;
    report.vulnerability =
        fmt::format("{} goes into a path unchecked in {}", source.name, source.function->name);
    report.reason = fmt::format(
        "Nothing looks at its characters before {}: with \"../\" in it, or a \"/\" at its front, "
        "the path is another one.",
        call.name);
    report.impact =
        "Who chooses it has files outside of the directory opened, overwritten or removed.";
    report.fix = fmt::format(
        "Refuse {} at the entry unless it is [a-z0-9][a-z0-9-]{{0,62}}, and open the path below a "
        "directory descriptor.",
        source.name);
    report.effect = Severity::kHigh;
    report.at = call.at;
    report.flow = flow.StepsTo(carrier);
    report.flow.emplace_back(call.at, code_.TextOf({call.begin, call.close + 1}));
    report.matched = fmt::format("{} reaches {} and no function or comparison looks at it before",
                                 source.name, code_.TextOf({call.begin, call.close + 1}));
    reports_.File(report);
  }

  const Code& code_;
  Reports& reports_;
};

}  // namespace

void CheckIdInPath(const Code& code, Reports& reports) { Judge(code, reports).Run(); }

}  // namespace bailey::review
