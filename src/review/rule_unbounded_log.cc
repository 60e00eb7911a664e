// A list of events that only grows: who causes the events exhausts the memory.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "review/source_rule.h"
#include "review/source_rules.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr auto kGrows = std::to_array<std::string_view>(
    {"push", "push_back", "emplace_back", "push_front", "emplace_front", "append", "extend",
     "g_ptr_array_add", "g_list_append", "g_list_prepend", "g_slist_append", "g_slist_prepend",
     "g_array_append_val", "g_queue_push_tail", "g_string_append", "insert_or_assign", "add"});
// In the name of what is a log, whose events somebody else causes.
constexpr auto kEventWords = std::to_array<std::string_view>(
    {"audit",  "log",    "logs",         "event",         "events",     "history",
     "denied", "denial", "denials",      "violation",     "violations", "journal",
     "alert",  "alerts", "notification", "notifications", "record",     "records",
     "trace",  "traces", "incident",     "incidents",     "blocked"});
constexpr auto kBounds = std::to_array<std::string_view>({"pop",
                                                          "pop_front",
                                                          "pop_back",
                                                          "clear",
                                                          "truncate",
                                                          "erase",
                                                          "drain",
                                                          "remove",
                                                          "resize",
                                                          "retain",
                                                          "split_off",
                                                          "swap_remove",
                                                          "take",
                                                          "swap",
                                                          "rotate",
                                                          "shrink",
                                                          "g_queue_pop_head",
                                                          "g_list_remove",
                                                          "g_list_remove_link",
                                                          "g_list_delete_link",
                                                          "g_ptr_array_remove_index",
                                                          "g_ptr_array_set_size",
                                                          "g_ptr_array_remove_range",
                                                          "g_slist_remove",
                                                          "exchange",
                                                          "g_queue_pop_tail",
                                                          "g_array_set_size",
                                                          "g_array_remove_range"});
constexpr auto kSizes = std::to_array<std::string_view>({"len", "size", "length", "count"});
constexpr auto kCompares = std::to_array<std::string_view>({"<", ">", "<=", ">=", "==", "!="});
constexpr auto kBoundedTypes = std::to_array<std::string_view>(
    {"Ring", "RingBuffer", "CircularBuffer", "circular_buffer", "BoundedVecDeque", "ArrayVec",
     "ArrayDeque", "AllocRingBuffer", "HeapRb", "array", "StringBuilder", "Sender", "SyncSender",
     "LruCache", "HashSet", "BTreeSet", "set", "Command"});

bool IsEventName(std::string_view name) { return HasWord(name, kEventWords); }

// The container that a call lets grow, as its last name; empty where it is a local.
struct Container {
  std::string_view name;
  Index at = 0;
};

Container Grown(const Code& code, const Call& call) {
  if (code.At(call.at).starts_with("g_")) {
    if (call.arguments.empty()) return {};
    Container container;
    bool member = false;
    for (Index at = call.arguments[0].begin; at < call.arguments[0].end; ++at) {
      member |= code.Is(at, "->") || code.Is(at, ".");
      if (code.IsKind(at, TokenKind::kName)) container = {code.At(at), at};
    }
    return member ? container : Container{};
  }
  if (call.begin == call.at || code.Is(call.at - 1, "::")) return {};
  // self.events.lock().unwrap().push(x): the member is the last name that is not called.
  Container container;
  bool member = false;
  for (Index at = call.begin; at < call.at - 1; ++at) {
    if (code.Is(at, "(") && code.Partner(at) != kNowhere) {
      at = code.Partner(at);
      continue;
    }
    if (!code.IsKind(at, TokenKind::kName) || code.Is(at + 1, "(") || code.Is(at, "self") ||
        code.Is(at, "this"))
      continue;
    member |= code.Is(at - 1, ".") || code.Is(at - 1, "->");
    container = {code.At(at), at};
  }
  if (member || container.name.ends_with('_') || container.name.starts_with("g_")) return container;
  // A global or static of this file.
  const Function& function = code.functions()[call.function];
  const auto places = code.Places(container.name);
  for (const Index at : places.first(std::min<std::size_t>(places.size(), 64))) {
    if (code.FunctionOf(at) == nullptr && at < function.head.begin &&
        (code.Is(at + 1, ";") || code.Is(at + 1, ":") || code.Is(at + 1, "{") ||
         code.Is(at + 1, "=")))
      return container;
    const Range statement = code.StatementOf(at);
    if (function.body.Holds(at) && code.Is(statement.begin, "static")) return container;
  }
  return {};
}

// Whether anything in the file takes from the container, or the function that lets it grow asks how
// long it is. Who only reads it may ask too; that bounds nothing.
bool IsBounded(const Code& code, std::string_view name, const Function& grower) {
  for (const Index place : code.Places(name)) {
    // name.lock().unwrap().pop_front()
    Index at = place + 1;
    while (code.Is(at, ".") || code.Is(at, "->")) {
      const std::string_view method = code.At(at + 1);
      if (IsAny(method, kBounds)) return true;
      Index after = at + 2;
      if (code.Is(after, "(") && code.Partner(after) != kNowhere) after = code.Partner(after) + 1;
      const bool own = grower.body.Holds(place);
      const bool compared =
          own && (IsAny(code.At(after), kCompares) || IsAny(code.At(place - 1), kCompares));
      if ((IsAny(method, kSizes) || method == "capacity" || method == "is_full") && compared)
        return true;
      // if (MAX <= x.name.size())
      if (own && IsAny(method, kSizes)) {
        const Range statement = code.StatementOf(place);
        const bool conditional =
            code.Is(statement.begin, "if") || code.Is(statement.begin, "while");
        if (conditional) return true;
      }
      at = after;
    }
    const Index open = code.Around(place);
    if (open != kNowhere && open > 0 && code.Is(open, "(") && IsAny(code.At(open - 1), kBounds))
      return true;
    // A new list replaces it: std::mem::take, name = Vec::new().
    const bool assigned = code.Is(place + 1, "=") && code.FunctionOf(place) != nullptr &&
                          !code.At(place + 2).starts_with("g_") && !code.Is(place - 1, "let") &&
                          !code.Is(place - 1, "mut");
    if (assigned) return true;
  }
  return false;
}

bool HasBoundedType(const Code& code, std::string_view name) {
  return std::ranges::any_of(code.fields(), [&](const Field& field) {
    return field.name == name && std::ranges::any_of(kBoundedTypes, [&](std::string_view type) {
             return code.Mentions(field.type, type);
           });
  });
}

// An input queue: bytes of a peer's choosing go in as they come, and another function takes them
// out when it likes.
constexpr auto kInputWords = std::to_array<std::string_view>(
    {"input", "queue", "enqueue", "incoming", "receive", "received", "feed", "ingest"});
constexpr auto kTakesBytes = std::to_array<std::string_view>(
    {"extend", "extend_from_slice", "append", "insert", "push_back", "write_all"});

bool QueuesInput(const Code& code, const Call& call, const Function& function,
                 std::string_view container) {
  if (!IsAny(call.name, kTakesBytes) || !HasWord(function.name, kInputWords)) return false;
  bool whole = false;  // a slice of the caller's, all of it
  for (const Parameter& parameter : function.parameters) {
    const bool bytes = code.Mentions(parameter.declaration, "u8") ||
                       code.Mentions(parameter.declaration, "span") ||
                       code.Mentions(parameter.declaration, "string_view") ||
                       code.Mentions(parameter.declaration, "Bytes");
    whole |=
        bytes && !call.arguments.empty() && code.Mentions({call.open, call.close}, parameter.name);
  }
  if (!whole) return false;
  // Nothing here looks at what is in it already.
  for (const Index at : code.PlacesIn(container, function.body)) {
    if (IsAny(code.At(at + 2), kSizes) || IsAny(code.At(at + 2), kBounds)) return false;
  }
  return true;
}

void FileGrowth(const Function& function, Container container, Index at, std::string what,
                Reports& reports) {
  Report report;
  report.vulnerability = fmt::format("{} grows without bound in {}", container.name, function.name);
  report.reason = fmt::format(
      "Every event adds to {}, and nothing in this file takes from it or looks at its length.",
      container.name);
  report.impact =
      "What runs in the sandbox causes the events: a program that loops on a denied call exhausts "
      "the memory of the host.";
  report.fix = fmt::format(
      "Before adding: when {} has reached its capacity, drop the oldest entry and count what was "
      "dropped.",
      container.name);
  report.effect = Severity::kMedium;
  report.at = at;
  report.flow = {{function.at, fmt::format("{} runs for each event", function.name)}, {at, what}};
  report.matched = fmt::format("{}; no pop, clear, truncate or comparison of a length of {}", what,
                               container.name);
  reports.File(report);
}

constexpr auto kAllocates = std::to_array<std::string_view>(
    {"malloc", "calloc", "realloc", "g_new", "g_new0", "reallocarray", "xmalloc", "xcalloc",
     "xrealloc", "g_malloc", "g_malloc0", "g_realloc", "g_renew", "strdup"});
constexpr auto kLimitWords =
    std::to_array<std::string_view>({"count", "len", "length", "size", "max", "cap", "capacity",
                                     "limit", "n", "num", "used", "total"});

// In C: a node linked into, or an array grown for, a list of events.
void CheckC(const Code& code, const Function& function, Reports& reports) {
  if (!IsEventName(function.name)) return;
  bool allocates = false;
  Index link = kNowhere;
  for (const Call& call : code.CallsIn(function.body)) {
    allocates |= IsAny(call.name, kAllocates);
    // Something is taken out or handed on here.
    if (call.name == "free" || call.name.ends_with("_free")) {
      const Range statement = code.StatementOf(call.at);
      const bool only_on_error = code.Is(statement.begin, "if");
      const auto around = code.Around(statement.begin);
      if (!only_on_error && around + 1 == function.body.begin) return;
    }
  }
  if (!allocates) return;
  Container container;
  for (const Assignment& assignment : code.AssignmentsIn(function.body)) {
    const bool member = code.Is(assignment.at - 2, "->") || code.Is(assignment.at - 2, ".");
    const bool global = !member && assignment.left.end == assignment.left.begin + 1 &&
                        std::ranges::any_of(code.Places(assignment.target), [&](Index at) {
                          return at < function.head.begin && code.FunctionOf(at) == nullptr;
                        });
    const bool grows = std::ranges::any_of(code.CallsIn(assignment.value), [](const Call& call) {
      return call.name.find("realloc") != std::string_view::npos || call.name == "g_renew";
    });
    const bool list_end = assignment.target == "head" || assignment.target == "tail" ||
                          assignment.target == "first" || assignment.target == "last" ||
                          (global && code.Mentions(function.body, "next"));
    if ((member || global) && (grows || list_end) && link == kNowhere) {
      link = assignment.at;
      container = {assignment.target, assignment.at - 1};
    }
  }
  if (link == kNowhere) return;
  for (Index at = function.body.begin; at < function.body.end; ++at) {
    if (!IsAny(code.At(at), kCompares)) continue;
    if (HasWord(code.At(at - 1), kLimitWords) || HasWord(code.At(at + 1), kLimitWords)) return;
    if (code.Is(at - 1, "]")) return;
  }
  // Somewhere the list is taken from: head = head->next.
  for (const Index at : code.Places(container.name)) {
    if (!code.Is(at + 1, "=")) continue;
    const Range value{at + 2, code.StatementOf(at).end};
    if (code.FunctionOf(at) != &function && code.Mentions(value, "next")) return;
  }
  FileGrowth(function, container, link, code.TextOf(code.StatementOf(link)), reports);
}

}  // namespace

void CheckUnboundedLog(const Code& code, Reports& reports) {
  for (const Call& call : code.calls()) {
    if (!IsAny(call.name, kGrows)) continue;
    const Function& function = code.functions()[call.function];
    const Container container = Grown(code, call);
    if (container.name.empty()) continue;
    if (QueuesInput(code, call, function, container.name)) {
      FileGrowth(function, container, call.at, code.TextOf({call.begin, call.close + 1}), reports);
      continue;
    }
    const bool eventful =
        IsEventName(container.name) || IsEventName(function.name) || IsEventName(function.owner);
    const bool starts = function.name == "main" || function.name == "new" ||
                        function.name == function.owner || function.name == "from" ||
                        function.name.starts_with("parse") || function.name.starts_with("load");
    if (!eventful || starts) continue;
    // A list of its own that is filled from another one is as long as that one.
    if (HasBoundedType(code, container.name) || IsBounded(code, container.name, function)) continue;
    FileGrowth(function, container, call.at, code.TextOf({call.begin, call.close + 1}), reports);
  }
  if (code.IsRust()) return;
  for (const Function& function : code.functions()) CheckC(code, function, reports);
}

}  // namespace bailey::review
