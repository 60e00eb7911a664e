// A look at a path and then a call on the same path: between the two it can be another file.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "review/source_rule.h"
#include "review/source_rules.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr auto kUses =
    std::to_array<std::string_view>({"open", "fopen", "openat", "chown", "chmod", "open64", "creat",
                                     "chdir", "mount", "execve", "execv"});
constexpr auto kRustUses = std::to_array<std::string_view>(
    {"open", "create", "read", "read_to_string", "write", "set_permissions", "chown", "mount"});
constexpr auto kSafe = std::to_array<std::string_view>(
    {"O_NOFOLLOW", "O_PATH", "O_EXCL", "fstat", "custom_flags", "openat2", "RESOLVE_NO_SYMLINKS",
     "AT_SYMLINK_NOFOLLOW", "create_new", "S_ISCHR"});

bool IsPlain(const Code& code, const Call& call) {
  return !call.is_declaration && !call.is_macro && !code.Is(call.at - 1, ".") &&
         !code.Is(call.at - 1, "->");
}

bool IsSafe(const Code& code, Range range) {
  return std::ranges::any_of(kSafe,
                             [&](std::string_view name) { return code.Mentions(range, name); });
}

// A name that code elsewhere chose, not a string and not a file of the kernel's.
std::string PathOf(const Code& code, Range argument) {
  for (Index at = argument.begin; at < argument.end; ++at) {
    if (code.IsKind(at, TokenKind::kString)) return {};
  }
  std::string text = code.TextOf(argument);
  while (text.starts_with('&')) text.erase(0, 1);
  return text;
}

// Where a process has no more rights than who names the path, there is nothing to win.
constexpr auto kPrivileged = std::to_array<std::string_view>(
    {"setuid", "seteuid", "setresuid", "geteuid", "setfsuid", "EUID_ROOT", "chroot", "mount",
     "unshare", "setns", "capset", "seccomp_init", "pivot_root", "CLONE_NEWUSER", "CLONE_NEWNS"});

bool IsPrivileged(const Code& code) {
  return std::ranges::any_of(kPrivileged,
                             [&](std::string_view name) { return !code.Places(name).empty(); });
}

// A function of this file that does the same: is_link(path).
bool LooksForLink(const Code& code, const Call& call) {
  for (const Function* function : code.FunctionsNamed(call.name)) {
    if (function->parameters.size() != 1 || !code.Mentions(function->body, "S_ISLNK")) continue;
    for (const Call& inner : code.CallsIn(function->body)) {
      if (inner.name == "lstat" &&
          code.Mentions({inner.open, inner.close}, function->parameters[0].name))
        return true;
    }
  }
  return false;
}

// access(path, R_OK), lstat(path, ...) with S_ISLNK behind it. F_OK asks for no right.
std::string LookedAt(const Code& code, const Call& call, const Function& function) {
  if (!code.IsRust()) {
    if (!IsPlain(code, call) || call.arguments.empty()) return {};
    if (LooksForLink(code, call)) return PathOf(code, call.arguments[0]);
    if (call.arguments.size() < 2) return {};
    const bool access =
        (call.name == "access" || call.name == "euidaccess" || call.name == "eaccess") &&
        !code.Mentions(call.arguments[1], "F_OK") && IsPrivileged(code);
    const bool link_here =
        call.name == "lstat" && code.Mentions({call.at, function.body.end}, "S_ISLNK");
    return access || link_here ? PathOf(code, call.arguments[0]) : std::string();
  }
  // path.is_symlink(), fs::symlink_metadata(&path)
  if (call.name == "symlink_metadata" && code.Is(call.at - 1, "::") && !call.arguments.empty())
    return PathOf(code, call.arguments[0]);
  const bool method =
      (call.name == "is_symlink" || call.name == "symlink_metadata") && code.Is(call.at - 1, ".");
  return method ? code.TextOf({call.begin, call.at - 1}) : std::string();
}

const Call* UsedAfter(const Code& code, const Call& look, const std::string& path,
                      const Function& function) {
  for (const Call& call : code.CallsIn({look.close, function.body.end})) {
    const bool use = code.IsRust() ? IsAny(call.name, kRustUses) && code.Is(call.at - 1, "::")
                                   : IsAny(call.name, kUses) && IsPlain(code, call);
    const bool builder = code.IsRust() && call.name == "open" && code.Is(call.at - 1, ".");
    if ((!use && !builder) || IsSafe(code, {call.begin, call.close + 1})) continue;
    for (const Range argument : call.arguments) {
      if (PathOf(code, argument) == path) return &call;
    }
  }
  return nullptr;
}

}  // namespace

void CheckThenOpen(const Code& code, Reports& reports) {
  for (const Call& look : code.calls()) {
    const Function& function = code.functions()[look.function];
    const std::string path = LookedAt(code, look, function);
    if (path.empty()) continue;
    const Call* use = UsedAfter(code, look, path, function);
    if (use == nullptr || IsSafe(code, {look.close, function.body.end})) continue;
    Report report;
    report.vulnerability = fmt::format("{} is looked at by {} and then used by {} in {}", path,
                                       look.name, use->name, function.name);
    report.reason =
        "Between the two calls the name can be given to another file, or to a symbolic "
        "link.";
    report.impact = fmt::format(
        "Who owns a directory of the path has {} work on a file of their "
        "choice, with this process's rights.",
        use->name);
    report.fix = code.IsRust()
                     ? "Open first, with custom_flags(libc::O_NOFOLLOW), and ask file.metadata()."
                     : "Open first, with O_NOFOLLOW | O_CLOEXEC, and ask fstat of the descriptor.";
    report.effect = Severity::kMedium;
    report.at = use->at;
    report.flow = {{look.at, code.TextOf({look.begin, look.close + 1})},
                   {use->at, code.TextOf({use->begin, use->close + 1})}};
    report.matched =
        fmt::format("{} and {} on {}, without O_NOFOLLOW and fstat", look.name, use->name, path);
    reports.File(report);
  }
}

}  // namespace bailey::review
