// Files under a name that others can guess, in a directory that others can write to. A file without
// a name is none of them: that is asked, and answered by the line that makes it.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "review/source_flow.h"
#include "review/source_rule.h"
#include "review/source_rules.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr auto kShared = std::to_array<std::string_view>({"/tmp/", "/var/tmp/", "/dev/shm/"});
constexpr auto kGuessable =
    std::to_array<std::string_view>({"mktemp", "tmpnam", "tmpnam_r", "tempnam", "g_mktemp"});
// Which argument is the path.
struct Opener {
  std::string_view name;
  std::size_t path;
};
constexpr Opener kOpeners[] = {{"open", 0},    {"openat", 1},  {"creat", 0},    {"fopen", 0},
                               {"freopen", 0}, {"open64", 0},  {"mkdir", 0},    {"mkfifo", 0},
                               {"mknod", 0},   {"symlink", 1}, {"ofstream", 0}, {"bind", 0}};
constexpr auto kSafeFlags =
    std::to_array<std::string_view>({"O_EXCL", "O_TMPFILE", "create_new", "O_DIRECTORY", "O_PATH"});
constexpr auto kUnnamed = std::to_array<std::string_view>(
    {"memfd_create", "mkostemp", "mkstemp", "mkostemps", "mkstemps", "tmpfile", "tempfile",
     "g_mkstemp", "mkdtemp", "mkstemp64", "NamedTempFile", "TempDir", "tempdir", "g_dir_make_tmp"});

bool IsShared(std::string_view text) {
  return std::ranges::any_of(kShared, [&](std::string_view begin) {
    return text.starts_with(begin) && text.size() > begin.size();
  });
}

// A string in the range that begins with a shared directory and is more than it.
Index SharedIn(const Code& code, Range range) {
  for (Index at = range.begin; at < range.end; ++at) {
    if (!code.IsKind(at, TokenKind::kString)) continue;
    const std::string text = code.StringsIn({at, range.end});
    if (IsShared(text) && text.find("XXXXXX") == std::string::npos) return at;
  }
  // Path::new("/tmp").join(name), temp_dir().join(name)
  for (const Call& call : code.CallsIn(range)) {
    if (call.name != "join" || call.begin == call.at) continue;
    const std::string base = code.StringsIn({call.begin, call.at});
    if (base == "/tmp" || base == "/var/tmp" || base == "/dev/shm") return call.begin;
    const auto places = code.PlacesIn("temp_dir", {call.begin, call.at});
    if (!places.empty() && code.Is(places.front() + 1, "(")) return call.begin;
  }
  return kNowhere;
}

bool HasAny(const Code& code, Range range, std::span<const std::string_view> names) {
  return std::ranges::any_of(names,
                             [&](std::string_view name) { return code.Mentions(range, name); });
}

// Whether the call makes a file, so that what lies there already is followed or written to.
bool Makes(const Code& code, const Call& call) {
  const Range whole{call.begin, call.close + 1};
  if (HasAny(code, whole, kSafeFlags)) return false;
  if (code.IsRust()) {
    const bool path = code.Is(call.at - 1, "::");
    const std::string_view owner = path ? code.At(call.at - 2) : std::string_view();
    if (call.name == "create") return owner == "File";
    if (call.name == "write" || call.name == "copy" || call.name == "create_dir" ||
        call.name == "create_dir_all")
      return owner == "fs";
    if (call.name == "open") return code.Mentions(whole, "create");
    return call.name == "bind" && owner.starts_with("Unix");
  }
  if (call.begin != call.at && !code.Is(call.at - 1, "::")) return false;
  if (call.is_declaration) return code.Is(call.at - 1, "ofstream");
  if (call.name == "bind") return false;
  if (call.name == "open" || call.name == "openat" || call.name == "open64")
    return code.Mentions(whole, "O_CREAT");
  if (call.name == "fopen" || call.name == "freopen") {
    const std::string mode = call.arguments.size() > 1 ? code.StringsIn(call.arguments[1]) : "";
    return (mode.starts_with("w") || mode.starts_with("a")) && mode.find('x') == std::string::npos;
  }
  // mkdir, mknod and symlink fail where something lies already.
  return call.name == "creat";
}

// fn socket_path(): a function of this file makes the name.
Index MadeShared(const Code& code, Range range) {
  for (const Call& call : code.CallsIn(range)) {
    const auto words = WordsOf(call.name);
    const bool makes_path = std::ranges::any_of(words, [](const std::string& word) {
      return word == "path" || word == "file" || word == "socket" || word == "name";
    });
    if (!makes_path) continue;
    for (const Function* maker : code.FunctionsNamed(call.name)) {
      const Index found = SharedIn(code, maker->body);
      if (found != kNowhere) return found;
    }
  }
  return kNowhere;
}

// Where the path argument says or carries a shared name; kNowhere otherwise.
Index SharedPathOf(const Code& code, const Call& call, Range argument) {
  Index direct = SharedIn(code, argument);
  if (direct == kNowhere) direct = MadeShared(code, argument);
  if (direct != kNowhere) return direct;
  const Function& function = code.functions()[call.function];
  const Range before{function.body.begin, call.at};
  for (Index at = argument.begin; at < argument.end; ++at) {
    if (!code.IsKind(at, TokenKind::kName)) continue;
    const auto places = code.PlacesIn(code.At(at), before);
    if (places.empty()) continue;
    const Index place = places.front();
    const Range statement = code.StatementOf(place);
    // let path = format!("/tmp/..."); snprintf(path, n, "/tmp/...")
    const bool is_source = code.Is(place - 1, "let") || code.Is(place - 1, "mut") ||
                           code.Is(place + 1, "=") || code.Is(place + 1, "[") ||
                           code.IsKind(place - 1, TokenKind::kName) || code.Is(place - 1, "*");
    if (is_source) {
      Index found = SharedIn(code, {place, statement.end});
      if (found == kNowhere) found = MadeShared(code, {place, statement.end});
      if (found != kNowhere) return found;
    }
    for (const Index writer : places) {
      const Index open = code.Around(writer);
      if (open == kNowhere || open == 0 || !code.Is(open, "(")) continue;
      const Call* call_at = code.CallAt(open - 1);
      if (call_at == nullptr) continue;
      const auto format = FormatOf(code, *call_at);
      if (format && format->target == code.At(at) && IsShared(format->text)) return call_at->at;
    }
  }
  return kNowhere;
}

void FileNamed(const Code& code, const Call& call, Index name, Reports& reports) {
  Report report;
  report.vulnerability = fmt::format(
      "A file in a directory that everybody writes to has a name "
      "that can be guessed, in {}",
      FunctionNameAt(code, call.at));
  report.reason = fmt::format(
      "{} opens or makes it under that name, and takes what lies there already: a symbolic link "
      "that somebody else made is followed.",
      call.name);
  report.impact =
      "Another user of the host overwrites files of this process's user, or hands it content of "
      "their own.";
  report.fix = code.IsRust()
                   ? "Make it in a directory of your own with mode 0700, or with the "
                     "crate tempfile's tempfile(), which has no name."
                   : "Use memfd_create(\"...\", MFD_CLOEXEC), or open(\"/tmp\", O_TMPFILE "
                     "| O_RDWR | O_CLOEXEC, 0600).";
  report.effect = Severity::kMedium;
  report.at = name;
  report.flow = {{name, "the name: " + code.TextOf({name, name + 1})},
                 {call.at, code.TextOf({call.begin, call.close + 1})}};
  report.matched = fmt::format("{}, without O_EXCL, O_TMPFILE or create_new",
                               code.TextOf({call.begin, call.close + 1}));
  reports.File(report);
}

void FileGuessable(const Code& code, const Call& call, Reports& reports) {
  Report report;
  report.vulnerability =
      fmt::format("{} makes a name, and no file, in {}", call.name, FunctionNameAt(code, call.at));
  report.reason =
      "Between the name and the file that is made under it, somebody else can make one.";
  report.impact = "Another user of the host overwrites files of this process's user.";
  report.fix =
      "Use mkostemp(template, O_CLOEXEC), or a file without a name: memfd_create, O_TMPFILE.";
  report.at = call.at;
  report.flow = {{call.at, code.TextOf({call.begin, call.close + 1})}};
  report.matched = code.TextOf({call.begin, call.close + 1});
  reports.File(report);
}

// A filter that travels through a temporary file: reviews ask whether others can reach it.
void AskUnnamed(const Code& code, const Call& exported, Reports& reports) {
  const Function& function = code.functions()[exported.function];
  std::vector<Index> lines;
  std::string how;
  for (Index at = function.body.begin; at < exported.at; ++at) {
    const bool flag = code.Is(at, "O_TMPFILE");
    const bool made = code.Is(at, "memfd_create") || code.Is(at, "tmpfile");
    const Call* call = code.CallAt(at);
    // A helper of the project that says in its name what it makes.
    const bool helper = call != nullptr && !flag && !made &&
                        (call->name.find("memfd") != std::string_view::npos ||
                         call->name.find("unlinked_tmp") != std::string_view::npos ||
                         call->name.find("tmpfile") != std::string_view::npos ||
                         call->name.find("sealed_data") != std::string_view::npos);
    const bool unlinked = call != nullptr &&
                          (call->name == "mkstemp" || call->name == "mkostemp") &&
                          !code.PlacesIn("unlink", {at, exported.at}).empty();
    if (!flag && !made && !helper && !unlinked) continue;
    lines.push_back(at);
    if (unlinked) lines.push_back(code.PlacesIn("unlink", {at, exported.at}).front());
    how = flag || made ? fmt::format("{} makes a file that never has a name", code.At(at))
          : unlinked   ? "the name is gone before anything is written"
                       : fmt::format("{} gives a file without a name", code.At(at));
  }
  if (lines.empty()) return;
  Report report;
  report.vulnerability =
      fmt::format("The filter of {} goes through a temporary file", function.name);
  report.reason = fmt::format(
      "{} writes to a descriptor of a temporary file; were it named, others "
      "could open or replace it.",
      exported.name);
  report.impact = "Who replaces the file chooses the filter.";
  report.effect = Severity::kHigh;
  report.at = exported.at;
  report.flow = {{exported.at, code.TextOf({exported.begin, exported.close + 1})}};
  reports.Ask(report, how, lines);
}

}  // namespace

void CheckPredictableFile(const Code& code, Reports& reports) {
  for (const Call& call : code.calls()) {
    if (!code.IsRust() && IsAny(call.name, kGuessable) && call.begin == call.at &&
        !call.is_declaration) {
      FileGuessable(code, call, reports);
      continue;
    }
    if (call.name == "seccomp_export_bpf") {
      AskUnnamed(code, call, reports);
      continue;
    }
    if (!Makes(code, call)) continue;
    const auto opener = std::ranges::find(kOpeners, call.name, &Opener::name);
    const std::size_t path =
        opener == std::end(kOpeners) || code.IsRust() ? std::size_t{0} : opener->path;
    if (call.arguments.size() <= path) continue;
    const Index name = SharedPathOf(code, call, call.arguments[path]);
    if (name != kNowhere) FileNamed(code, call, name, reports);
  }
}

}  // namespace bailey::review
