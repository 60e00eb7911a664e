// A directory told by the first characters of a path: /srv/box is at the front of /srv/boxes too.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "review/source_rule.h"
#include "review/source_rules.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr auto kPathWords = std::to_array<std::string_view>(
    {"path", "file", "target", "resolved", "real", "full", "dest", "source", "src", "dst",
     "requested", "canonical", "joined", "filename", "candidate", "abs"});
constexpr auto kRootWords = std::to_array<std::string_view>(
    {"root", "base", "jail", "chroot", "rootfs", "allowed", "dir", "directory", "sandbox",
     "workdir", "workspace", "container", "home"});

struct Test {
  std::string_view path, root;
};

// The last name of a range; empty where it is a string or more than a name and what it belongs to.
std::string_view NameOf(const Code& code, Range range) {
  std::string_view name;
  for (Index at = range.begin; at < range.end; ++at) {
    if (code.IsKind(at, TokenKind::kString)) return {};
    if (code.IsKind(at, TokenKind::kName) && !code.Is(at + 1, "(")) name = code.At(at);
  }
  return name;
}

// By its name, or by the name of what it was made from: text = path.string()
bool IsPath(const Code& code, const Function& function, std::string_view name) {
  if (HasWord(name, kPathWords)) return true;
  for (const Assignment& assignment : code.AssignmentsIn(function.body)) {
    if (assignment.target == name && HasWord(NameOf(code, assignment.value), kPathWords))
      return true;
  }
  return false;
}

bool IsPair(const Code& code, const Function& function, const Test& test) {
  return !test.path.empty() && !test.root.empty() && test.path != test.root &&
         HasWord(test.root, kRootWords) && IsPath(code, function, test.path);
}

// strncmp(path, root, strlen(root)), path.starts_with(root), path.rfind(root, 0),
// path.compare(0, root.size(), root)
std::optional<Test> TestAt(const Code& code, const Call& call) {
  const auto& arguments = call.arguments;
  if (code.IsRust()) {
    // Path::starts_with compares whole parts; only text compares characters.
    if (call.name != "starts_with" || arguments.size() != 1 || !code.Is(call.at - 1, "."))
      return std::nullopt;
    const Range receiver{call.begin, call.at - 1};
    const bool text = code.Mentions(receiver, "to_str") || code.Mentions(receiver, "as_str") ||
                      code.Mentions(receiver, "to_string_lossy") ||
                      code.Mentions(receiver, "to_string") || code.Mentions(receiver, "display");
    const std::string_view path = NameOf(code, receiver);
    bool declared_text = false;
    for (const Parameter& parameter : code.functions()[call.function].parameters) {
      declared_text |= parameter.name == path && (code.Mentions(parameter.declaration, "str") ||
                                                  code.Mentions(parameter.declaration, "String"));
    }
    if (!text && !declared_text) return std::nullopt;
    return Test{path, NameOf(code, arguments[0])};
  }
  const bool method = code.Is(call.at - 1, ".") || code.Is(call.at - 1, "->");
  if (call.name == "strncmp" && !method && arguments.size() == 3 &&
      code.Mentions(arguments[2], "strlen"))
    return Test{NameOf(code, arguments[0]), NameOf(code, arguments[1])};
  if (!method) return std::nullopt;
  const std::string_view path = NameOf(code, {call.begin, call.at - 1});
  if (call.name == "starts_with" && arguments.size() == 1)
    return Test{path, NameOf(code, arguments[0])};
  if (call.name == "rfind" && arguments.size() == 2 && code.TextOf(arguments[1]) == "0")
    return Test{path, NameOf(code, arguments[0])};
  if (call.name == "compare" && arguments.size() == 3 && code.TextOf(arguments[0]) == "0")
    return Test{path, NameOf(code, arguments[2])};
  return std::nullopt;
}

// What follows the root is looked at as well, or the root ends in a slash.
bool LooksBehind(const Code& code, const Function& function) {
  for (Index at = function.body.begin; at < function.body.end; ++at) {
    const bool slash = code.Is(at, "'/'") || code.Is(at, "b'/'");
    const bool joined = code.Is(at, "\"/\"") || code.Is(at, "\"{}/\"");
    if (slash || joined) return true;
    if (code.IsKind(at, TokenKind::kString) && code.At(at).ends_with("/\"")) return true;
  }
  return code.Mentions(function.body, "strip_prefix") || code.Mentions(function.body, "relative") ||
         code.Mentions(function.body, "mismatch");
}

}  // namespace

void CheckPrefixOfPath(const Code& code, Reports& reports) {
  for (const Call& call : code.calls()) {
    const auto test = TestAt(code, call);
    const Function& function = code.functions()[call.function];
    if (!test || !IsPair(code, function, *test)) continue;
    if (LooksBehind(code, function)) continue;
    Report report;
    report.vulnerability = fmt::format("{} counts as inside of {} by its first characters, in {}",
                                       test->path, test->root, function.name);
    report.reason = fmt::format(
        "A directory beside {} whose name begins with it passes, and so does "
        "a path with \"..\" in it.",
        test->root);
    report.impact = "Files outside of the directory are taken for files inside.";
    report.fix = code.IsRust()
                     ? fmt::format("Path::new({}).starts_with({}), of canonicalized paths.",
                                   test->path, test->root)
                     : "Open below a descriptor of the directory: openat2 with RESOLVE_BENEATH.";
    report.effect = Severity::kMedium;
    report.at = call.at;
    report.flow = {{call.at, code.TextOf({call.begin, call.close + 1})}};
    report.matched = fmt::format("{}, and nothing looks at the character behind it",
                                 code.TextOf({call.begin, call.close + 1}));
    reports.File(report);
  }
}

}  // namespace bailey::review
