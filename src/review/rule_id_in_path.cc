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
// Asked of the id itself, and of it as an argument.
constexpr auto kCharacterMethods = std::to_array<std::string_view>(
    {"chars", "bytes", "contains", "find", "find_first_of", "find_first_not_of", "all", "any",
     "components", "file_name", "split", "as_bytes", "begin", "starts_with"});
constexpr auto kCharacterCalls = std::to_array<std::string_view>(
    {"strchr", "strspn", "strcspn", "strpbrk", "strstr", "all_of", "any_of", "none_of", "find_if",
     "find_if_not", "regex_match", "isalnum", "isalpha", "isdigit", "isxdigit", "g_ascii_isalnum",
     "basename", "parse_str", "find_first_not_of"});
// What a look must ask for to keep an id from leading elsewhere: a slash, or what is allowed.
constexpr auto kRestricts = std::to_array<std::string_view>({"is_ascii_alphanumeric",
                                                             "is_alphanumeric",
                                                             "is_ascii_lowercase",
                                                             "is_ascii_digit",
                                                             "is_ascii_hexdigit",
                                                             "is_ascii_alphabetic",
                                                             "isalnum",
                                                             "isalpha",
                                                             "isdigit",
                                                             "isxdigit",
                                                             "g_ascii_isalnum",
                                                             "Regex",
                                                             "regex",
                                                             "regex_match",
                                                             "Component",
                                                             "'/'",
                                                             "\"/\"",
                                                             "b'/'",
                                                             "'a'",
                                                             "b'a'",
                                                             "\"..\"",
                                                             "basename",
                                                             "file_name",
                                                             "MAIN_SEPARATOR",
                                                             "std::isalnum",
                                                             "isalnum_l"});
constexpr int kMaxChecks = 3;

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

bool Restricts(const Code& code, Range range) {
  for (Index at = range.begin; at < range.end; ++at) {
    if (IsAny(code.At(at), kRestricts)) return true;
    // strspn(id, "abcdef...")
    if (code.IsKind(at, TokenKind::kString) && code.At(at).find("abc") != std::string_view::npos)
      return true;
  }
  return false;
}

// id.chars().all(...), id.parse::<u64>()
bool IsAsked(const Code& code, Index at) {
  for (Index next = at + 1; code.Is(next, ".") || code.Is(next, "->");) {
    const std::string_view method = code.At(next + 1);
    if (HasWord(method, kChecks)) return true;
    if (IsAny(method, kCharacterMethods)) {
      const Function* function = code.FunctionOf(at);
      return function == nullptr || Restricts(code, function->body);
    }
    next += 2;
    if (!code.Is(next, "(") || code.Partner(next) == kNowhere) break;
    next = code.Partner(next) + 1;
  }
  return false;
}

bool IsCheckedIn(const Code& code, Range range, std::string_view name, int depth = 0);

// is_id(id): what the function does, where it is of this file, and otherwise what its name says.
bool Checks(const Code& code, Index callee, Index argument, int depth) {
  const std::string_view called = code.At(callee);
  if (IsAny(called, kCharacterCalls)) {
    const Function* function = code.FunctionOf(argument);
    return function == nullptr || Restricts(code, function->body);
  }
  const Call* call = code.CallAt(callee);
  const auto functions = code.FunctionsNamed(called);
  if (call == nullptr || functions.empty()) {
    const bool owner = code.Is(callee - 1, "::") && HasWord(code.At(callee - 2), kChecks);
    return owner || HasWord(called, kChecks);
  }
  if (depth >= kMaxChecks) return false;
  std::size_t position = 0;
  while (position < call->arguments.size() && !call->arguments[position].Holds(argument))
    ++position;
  for (const Function* function : functions) {
    const bool has_self =
        !function->parameters.empty() && function->parameters.front().name == "self";
    const std::size_t which = position + (has_self ? 1 : 0);
    if (which < function->parameters.size() &&
        IsCheckedIn(code, function->body, function->parameters[which].name, depth + 1))
      return true;
  }
  return false;
}

// Whether something in the range looks at the value's characters, so that it is more than passed
// on.
bool IsCheckedIn(const Code& code, Range range, std::string_view name, int depth) {
  const auto places = code.PlacesIn(name, range);
  // Who looks at an id does so before the rest; and time stays linear.
  for (const Index at : places.first(std::min<std::size_t>(places.size(), 64))) {
    if (IsAsked(code, at)) return true;
    for (Index open = code.Around(at); open != kNowhere && open >= range.begin;
         open = code.Around(open)) {
      if (!code.Is(open, "(") || open == 0) continue;
      const Index callee = code.Is(open - 1, "!") ? open - 2 : open - 1;
      if (code.IsKind(callee, TokenKind::kName) && Checks(code, callee, at, depth)) return true;
    }
    if (code.IsRust()) continue;
    // for (p = id; *p; p++), id[i], for (char c : id)
    const bool subscript = code.Is(at + 1, "[") && !code.IsKind(at - 1, TokenKind::kName);
    const bool walked = code.Is(code.StatementOf(at).begin, "for") ||
                        (code.Is(at - 1, "*") && code.Is(at - 2, "("));
    const Function* function = code.FunctionOf(at);
    if ((subscript || walked) && function != nullptr && Restricts(code, function->body))
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
      return word == "path" || word == "paths" || word == "dir" || word == "directory" ||
             word == "file" || word == "socket" || word == "log" || word == "root";
    });
    const Carrier* carrier = nullptr;
    for (const Range tail : TailsOf(maker)) {
      if (carrier != nullptr || !named) break;
      carrier = flow.In(tail);
      if (carrier != nullptr && !IsBuiltPath(flow, *carrier, tail, source)) carrier = nullptr;
    }
    if (carrier == nullptr) return;
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
  // What a function returns: its last expression, and the last "return".
  std::vector<Range> TailsOf(const Function& function) const {
    std::vector<Range> tails;
    Index begin = function.body.end;
    while (begin > function.body.begin && !code_.Is(begin - 1, ";") &&
           !(code_.Is(begin - 1, "}") && begin != function.body.end)) {
      const Index partner = code_.Partner(begin - 1);
      begin = partner != kNowhere && partner < begin - 1 ? partner : begin - 1;
    }
    if (code_.IsRust() && begin < function.body.end) tails.push_back({begin, function.body.end});
    const auto returns = code_.PlacesIn("return", function.body);
    if (!returns.empty()) tails.push_back({returns.back(), code_.StatementOf(returns.back()).end});
    return tails;
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
