// What becomes of values: statements, branches, assignments, and the results of calls.
#include <algorithm>
#include <array>

#include "review/source_code.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr auto kHeads =
    std::to_array<std::string_view>({"if", "while", "for", "switch", "constexpr"});
constexpr auto kAssigns =
    std::to_array<std::string_view>({"=", "+=", "|=", "&=", "-=", "*=", "/=", "^=", "<<=", ">>="});
// Methods of Rust after which an error has been answered.
constexpr auto kAnswered = std::to_array<std::string_view>(
    {"unwrap", "expect", "context", "with_context", "map_err", "unwrap_or_else", "or_else",
     "inspect_err", "is_err", "is_ok", "err"});
constexpr Index kMaxPattern = 24;

}  // namespace

bool Code::StartsStatement(Index at) const {
  if (at == 0) return true;
  const std::string_view before = At(at - 1);
  if (before == ";" || before == "{" || before == "}")
    return around_[at] == kNowhere || Is(around_[at], "{");
  if (before == "else" || before == "do") return true;
  if (before == ")" && partner_[at - 1] != kNowhere && partner_[at - 1] > 0)
    return !IsRust() && IsAny(At(partner_[at - 1] - 1), kHeads);
  if (before != ":" || IsRust()) return false;
  for (Index back = at - 1; back > 0 && at - back < kMaxPattern; --back) {
    if (Is(back, "?") || Is(back, "(")) return false;
    if (Is(back, "case") || Is(back, "default")) return true;
    if (Is(back, ";") || Is(back, "{") || Is(back, "}")) return at - back == 3;  // a label
  }
  return false;
}

Range Code::StatementOf(Index at) const {
  while (around_[at] != kNowhere && !Is(around_[at], "{")) at = around_[at];
  Index begin = at;
  while (begin > 0 && !StartsStatement(begin) && begin - 1 != around_[at]) {
    const Index partner = partner_[begin - 1];
    begin = partner != kNowhere && partner < begin - 1 ? partner : begin - 1;
  }
  Index end = at;
  while (end < tokens_.size() && !Is(end, ";")) {
    if (partner_[end] != kNowhere && partner_[end] < end && end != at) break;  // the block's end
    end = partner_[end] != kNowhere && partner_[end] > end ? partner_[end] + 1 : end + 1;
  }
  return {begin, std::min(end, tokens_.size())};
}

ResultUse Code::UseOf(const Call& call) const {
  Index begin = call.begin;
  Index after = call.close + 1;
  bool voided = false;
  if (IsRust()) {
    while (Is(after, ".") && IsKind(after + 1, TokenKind::kName)) {
      if (IsAny(At(after + 1), kAnswered)) return {};
      voided |= Is(after + 1, "ok");
      if (Is(after + 1, "await")) {
        after += 2;
        continue;
      }
      if (!Is(after + 2, "(") || partner_[after + 2] == kNowhere) return {};
      after = partner_[after + 2] + 1;
    }
    if (Is(begin - 1, "(") && Is(begin - 2, "drop") && Is(after, ")"))
      return {.kind = Use::kVoided};
  }
  if (begin >= 3 && Is(begin - 1, ")") && Is(begin - 2, "void") && Is(begin - 3, "(")) {
    voided = true;
    begin -= 3;
  }
  const bool ends = Is(after, ";");
  if (ends && StartsStatement(begin)) return {.kind = voided ? Use::kVoided : Use::kIgnored};
  if (begin < 2 || !Is(begin - 1, "=")) {
    // r |= f(): what it was before stays, and is looked at later.
    return {};
  }
  if (ends && (Is(begin - 2, "_") || Is(begin - 2, "ignore"))) return {.kind = Use::kVoided};
  // if ((r = f()) < 0) looks at it at once.
  const bool inside = around_[begin] != kNowhere && !Is(around_[begin], "{");
  if (inside || !(ends || Is(after, ","))) return {};
  Index target = begin - 2;
  if (IsRust()) {
    // let name: Type = f();
    for (Index back = target; back > 0 && target - back < kMaxPattern && !Is(back, ";"); --back) {
      if (!Is(back, "let")) continue;
      target = Is(back + 1, "mut") ? back + 2 : back + 1;
      break;
    }
  }
  if (!IsKind(target, TokenKind::kName)) return {};
  return {.kind = Use::kAssigned, .variable = At(target), .operator_at = begin - 1};
}

Branch Code::BranchAt(Index keyword) const {
  Branch branch;
  Index open = keyword + 1;
  if (Is(open, "constexpr")) ++open;
  Index body = open;
  if (IsRust()) {
    while (body < tokens_.size() && !Is(body, "{") && !Is(body, ";"))
      body = partner_[body] != kNowhere && partner_[body] > body ? partner_[body] + 1 : body + 1;
    branch.condition = {open, body};
  } else {
    if (!Is(open, "(") || partner_[open] == kNowhere) return branch;
    branch.condition = {open + 1, partner_[open]};
    body = partner_[open] + 1;
  }
  const auto block = [&](Index at) -> Range {
    if (at >= tokens_.size()) return {};
    if (Is(at, "{")) return partner_[at] == kNowhere ? Range{} : Range{at + 1, partner_[at]};
    Index end = at;
    while (end < tokens_.size() && !Is(end, ";") && !Is(end, "}")) {
      const bool skips = partner_[end] != kNowhere && partner_[end] > end;
      if (Is(end, "{") && skips) return {at, partner_[end] + 1};
      end = skips ? partner_[end] + 1 : end + 1;
    }
    return {at, std::min(end + 1, tokens_.size())};
  };
  branch.then = block(body);
  Index next = branch.then.end;
  if (Is(next, "}") && Is(body, "{")) ++next;
  if (Is(next, "else")) branch.otherwise = block(next + 1);
  if (Is(next, "else") && Is(next + 1, "if")) {
    // The whole chain is what happens otherwise.
    Range chain{next + 1, branch.otherwise.end};
    while (Is(chain.end, "else") || (Is(chain.end, "}") && Is(chain.end + 1, "else"))) {
      const Index otherwise = Is(chain.end, "else") ? chain.end : chain.end + 1;
      const Range more = block(otherwise + 1);
      if (more.Empty()) break;
      chain.end = more.end;
    }
    branch.otherwise = chain;
  }
  return branch;
}

std::vector<Assignment> Code::AssignmentsIn(Range range) const {
  std::vector<Assignment> list;
  const auto value_end = [&](Index at, bool stops_at_brace) {
    while (at < range.end && !Is(at, ";") && !Is(at, ",") && !(stops_at_brace && Is(at, "{"))) {
      if (partner_[at] != kNowhere && partner_[at] < at) break;
      at = partner_[at] != kNowhere && partner_[at] > at ? partner_[at] + 1 : at + 1;
    }
    return std::min(at, range.end);
  };
  for (Index at = range.begin; at < range.end; ++at) {
    const bool is_loop = IsRust() ? Is(at, "in") && !Is(at - 1, "pub") && !Is(at - 1, "(")
                                  : Is(at, ":") && around_[at] != kNowhere && around_[at] > 0 &&
                                        Is(around_[at], "(") && Is(around_[at] - 1, "for");
    if (const Call* call = CallAt(at); call != nullptr && call->is_declaration) {
      list.push_back({.target = call->name,
                      .at = call->open,
                      .left = {at, at + 1},
                      .value = {call->open + 1, call->close}});
      continue;
    }
    if (!is_loop && !(IsKind(at, TokenKind::kPunctuation) && IsAny(At(at), kAssigns))) continue;
    Assignment assignment{.target = {}, .at = at, .left = {at, at}, .value = {}};
    Index left = at;
    while (left > range.begin && !StartsStatement(left) && left - 1 != around_[at] &&
           at - left < kMaxPattern && !Is(left - 1, ",")) {
      const Index partner = partner_[left - 1];
      left = partner != kNowhere && partner < left - 1 ? partner : left - 1;
    }
    assignment.left = {left, at};
    bool is_let = false, conditional = is_loop;
    for (Index part = left; part < at; ++part) {
      is_let |= Is(part, "let");
      conditional |= Is(part, "if") || Is(part, "while");
    }
    for (Index part = left; part < at; ++part) {
      if (IsRust() && is_let && Is(part, ":")) break;
      const bool subscript = Is(part, "[") && partner_[part] != kNowhere;
      if (subscript) part = partner_[part];
      if (IsKind(part, TokenKind::kName)) assignment.target = At(part);
    }
    assignment.value = {at + 1, value_end(at + 1, IsRust() && conditional)};
    assignment.adds = !Is(at, "=") && !is_loop;
    if (!assignment.target.empty()) list.push_back(assignment);
  }
  return list;
}

}  // namespace bailey::review
