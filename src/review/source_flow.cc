#include "review/source_flow.h"

#include <algorithm>
#include <array>

#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr std::size_t kMaxCarriers = 32;
constexpr Index kMaxRange = 400;

// Calls whose result has the text of their arguments in it.
constexpr auto kKeepText = std::to_array<std::string_view>({"strdup",
                                                            "strndup",
                                                            "xstrdup",
                                                            "g_strdup",
                                                            "g_strconcat",
                                                            "g_build_filename",
                                                            "g_build_path",
                                                            "g_steal_pointer",
                                                            "g_autofree",
                                                            "strconcat",
                                                            "strconcat3",
                                                            "string",
                                                            "String",
                                                            "from",
                                                            "new",
                                                            "join",
                                                            "path",
                                                            "Path",
                                                            "PathBuf",
                                                            "move",
                                                            "StrCat",
                                                            "StrJoin",
                                                            "concat",
                                                            "to_string",
                                                            "str",
                                                            "CString",
                                                            "Some",
                                                            "Ok",
                                                            "push",
                                                            "push_str",
                                                            "append",
                                                            "format",
                                                            "format_args",
                                                            "sformat",
                                                            "absolute",
                                                            "canonicalize",
                                                            "forward",
                                                            "string_view",
                                                            "u8path",
                                                            "to_owned",
                                                            "arg",
                                                            "args",
                                                            "basename_unsafe",
                                                            "as_ref",
                                                            "vec",
                                                            "current",
                                                            "strcpy",
                                                            "strcat",
                                                            "strncpy",
                                                            "strncat",
                                                            "stpcpy",
                                                            "strlcpy",
                                                            "strlcat",
                                                            "g_strlcpy",
                                                            "memcpy",
                                                            "with_extension",
                                                            "with_file_name",
                                                            "set_file_name",
                                                            "static_cast",
                                                            "const_cast"});
// Methods whose result is still the text.
constexpr auto kSameText = std::to_array<std::string_view>({"clone",
                                                            "to_string",
                                                            "to_owned",
                                                            "as_str",
                                                            "as_ref",
                                                            "into",
                                                            "c_str",
                                                            "data",
                                                            "display",
                                                            "string",
                                                            "join",
                                                            "as_path",
                                                            "to_path_buf",
                                                            "with_extension",
                                                            "trim",
                                                            "to_lowercase",
                                                            "borrow",
                                                            "as_deref",
                                                            "unwrap",
                                                            "expect",
                                                            "native",
                                                            "str",
                                                            "as_bytes",
                                                            "lock",
                                                            "value",
                                                            "get",
                                                            "to_string_lossy",
                                                            "unwrap_or_default",
                                                            "as_os_str",
                                                            "to_str",
                                                            "append",
                                                            "substr"});
constexpr auto kPathMembers = std::to_array<std::string_view>(
    {"path", "socket", "log", "directory", "dir", "file", "root", "snapshot", "config"});
constexpr auto kAsks = std::to_array<std::string_view>({"==", "!=", "<", ">", "<=", ">=", "?"});

// What a call formats: which argument it writes to (-1: it returns it) and which is the format.
struct Formatter {
  std::string_view name;
  int target;
  int format;
};
constexpr Formatter kFormatters[] = {
    {"snprintf", 0, 2},
    {"sprintf", 0, 1},
    {"asprintf", 0, 1},
    {"g_snprintf", 0, 2},
    {"g_strdup_printf", -1, 0},
    {"xasprintf", -1, 0},
    {"StringPrintf", -1, 0},
    {"StrFormat", -1, 0},
    {"g_string_append_printf", 0, 1},
    {"g_string_printf", 0, 1},
    {"xsnprintf", 0, 2},
    {"format", -1, 0},
    {"format_args", -1, 0},
    {"write", 0, 1},
    {"writeln", 0, 1},
    {"swprintf", 0, 2},
    {"StringAppendF", 0, 1},
    {"format_to", 0, 1},
    {"sformat", -1, 0},
    {"appendf", -1, 0},
    {"g_strdup_vprintf", -1, 0},
};
constexpr auto kJoiners =
    std::to_array<std::string_view>({"g_strconcat", "StrCat", "StrAppend", "strconcat"});
constexpr auto kCopiers =
    std::to_array<std::string_view>({"strcpy", "strcat", "strncpy", "strncat", "strlcpy", "strlcat",
                                     "g_strlcpy", "stpcpy", "memcpy", "StrAppend"});
constexpr auto kAppenders = std::to_array<std::string_view>({"append", "push", "push_str", "+="});

// The last name of an argument that is written to: "buf" of buf, &buf, this->buf, addr.sun_path.
std::string_view NameOf(const Code& code, Range range) {
  std::string_view name;
  for (Index at = range.begin; at < range.end; ++at) {
    if (code.Is(at, "[") || code.Is(at, "(") || code.Is(at, "+")) break;
    if (code.IsKind(at, TokenKind::kName)) name = code.At(at);
  }
  return name;
}

}  // namespace

std::vector<std::string_view> NamesInFormat(std::string_view text) {
  std::vector<std::string_view> names;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '{') continue;
    if (at + 1 < text.size() && text[at + 1] == '{') {
      ++at;
      continue;
    }
    const std::size_t end = text.find_first_of(":}", at);
    if (end == std::string_view::npos) break;
    const std::string_view name = text.substr(at + 1, end - at - 1);
    if (!name.empty() && (name[0] < '0' || name[0] > '9')) names.push_back(name);
    at = end;
  }
  return names;
}

std::optional<Format> FormatOf(const Code& code, const Call& call) {
  Format format;
  const auto& arguments = call.arguments;
  if (IsAny(call.name, kJoiners) || call.name == "g_build_filename") {
    for (const Range argument : arguments) {
      if (call.name == "g_build_filename") format.text += '/';
      format.text += code.StringsIn(argument);
    }
    format.arguments = arguments;
    if (call.name == "StrAppend" && !arguments.empty())
      format.target = NameOf(code, arguments.front());
    return format;
  }
  const auto found = std::ranges::find(kFormatters, call.name, &Formatter::name);
  if (found == std::end(kFormatters)) return std::nullopt;
  // write and writeln are macros of Rust only; write(2) is another thing.
  if (call.name.starts_with("write") && !call.is_macro) return std::nullopt;
  if (code.IsRust() != call.is_macro) return std::nullopt;
  const auto at = static_cast<std::size_t>(found->format);
  if (arguments.size() <= at) return std::nullopt;
  format.text = code.StringsIn(arguments[at]);
  if (found->target >= 0) format.target = NameOf(code, arguments[0]);
  // The format itself is one of the arguments: Rust names values in it.
  format.arguments.assign(
      arguments.begin() + static_cast<std::ptrdiff_t>(code.IsRust() ? at : at + 1),
      arguments.end());
  return format;
}

Flow::Flow(const Code& code, Range body, std::string_view source, Index since) : code_(code) {
  carriers_.push_back({source, since, 0});
  const auto assignments = code.AssignmentsIn(body);
  const auto calls = code.CallsIn(body);
  auto next = calls.begin();
  const auto take_calls = [&](Index until) {
    for (; next != calls.end() && next->at < until; ++next) Write(*next);
  };
  for (const Assignment& assignment : assignments) {
    take_calls(assignment.at);
    const Carrier* from = In(assignment.value);
    if (from != nullptr && assignment.target != from->name && carriers_.size() < kMaxCarriers) {
      carriers_.push_back(
          {assignment.target, assignment.at, static_cast<std::size_t>(from - carriers_.data())});
    }
  }
  take_calls(body.end);
}

// snprintf(buf, ..., id), strcat(buf, id), buf.append(id): the text arrives in buf.
void Flow::Write(const Call& call) {
  if (call.arguments.empty() || carriers_.size() >= kMaxCarriers) return;
  std::string_view target;
  if (const auto format = FormatOf(code_, call)) {
    target = format->target;
  } else if (IsAny(call.name, kCopiers)) {
    target = NameOf(code_, call.arguments.front());
  } else if (IsAny(call.name, kAppenders) && call.begin < call.at) {
    target = NameOf(code_, {call.begin, call.at - 1});
  }
  if (target.empty()) return;
  const Carrier* from = In({call.open, call.close + 1});
  if (from == nullptr || from->name == target) return;
  carriers_.push_back({target, call.at, static_cast<std::size_t>(from - carriers_.data())});
}

// Whether the text of what is mentioned is in the value of the range.
bool Flow::Carries(Index mention, Range range) const {
  Index after = mention + 1;
  if (code_.Is(after, "(") && code_.Partner(after) != kNowhere) after = code_.Partner(after) + 1;
  while (code_.Is(after, ".") || code_.Is(after, "->") || code_.Is(after, "?")) {
    if (code_.Is(after, "?")) {
      ++after;
      continue;
    }
    // paths.socket: a member of what was made of it, which is a path too
    const bool path = !code_.Is(after + 2, "(") && HasWord(code_.At(after + 1), kPathMembers);
    if (!path && !IsAny(code_.At(after + 1), kSameText)) return false;
    after += 2;
    if (code_.Is(after, "(") && code_.Partner(after) != kNowhere) after = code_.Partner(after) + 1;
  }
  if (!code_.IsRust() && IsAny(code_.At(after), kAsks)) return false;
  if (code_.Is(after, "==") || code_.Is(after, "!=")) return false;
  for (Index open = code_.Around(mention); open != kNowhere && open >= range.begin;
       open = code_.Around(open)) {
    if (!code_.Is(open, "(") || open == 0) continue;
    const Index name = code_.Is(open - 1, "!") ? open - 2 : open - 1;
    if (!code_.IsKind(name, TokenKind::kName)) continue;
    const bool formats =
        std::ranges::find(kFormatters, code_.At(name), &Formatter::name) != std::end(kFormatters);
    if (!formats && !IsAny(code_.At(name), kKeepText) && open != range.begin) return false;
  }
  return true;
}

bool Flow::IsCarried(const Carrier& carrier, Range range) const {
  for (const Index at : code_.PlacesIn(carrier.name, range)) {
    if (at < carrier.at) continue;
    // x.id is another thing than the variable id.
    const bool member = code_.Is(at - 1, ".") || code_.Is(at - 1, "->");
    if (member && !code_.Is(at - 2, "self") && !code_.Is(at - 2, "this") && carrier.from != 0)
      continue;
    if (Carries(at, range)) return true;
  }
  if (!code_.IsRust()) return false;
  for (Index at = range.begin; at < range.end; ++at) {
    if (at < carrier.at || !code_.IsKind(at, TokenKind::kString)) continue;
    if (code_.At(at).find('{') == std::string_view::npos) continue;
    const auto names = NamesInFormat(code_.At(at));
    if (std::ranges::find(names, carrier.name) != names.end() && Carries(at, range)) return true;
  }
  return false;
}

const Carrier* Flow::In(Range range) const {
  range.end = std::min(range.end, range.begin + kMaxRange);
  for (auto carrier = carriers_.rbegin(); carrier != carriers_.rend(); ++carrier) {
    if (IsCarried(*carrier, range)) return &*carrier;
  }
  return nullptr;
}

std::vector<std::pair<Index, std::string>> Flow::StepsTo(const Carrier& carrier) const {
  std::vector<std::pair<Index, std::string>> steps;
  const Carrier* at = &carrier;
  while (at != carriers_.data()) {
    steps.emplace_back(at->at, "it goes into " + std::string(at->name));
    at = &carriers_[at->from];
  }
  steps.emplace_back(at->at, std::string(at->name) + " comes from outside");
  std::ranges::reverse(steps);
  return steps;
}

}  // namespace bailey::review
