#include "review/source_code.h"

#include <algorithm>
#include <array>

#include "review/source_lex.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr std::size_t kMaxShown = 120;

// What may stand before "(" without being called.
constexpr auto kNotCalled =
    std::to_array<std::string_view>({"if",       "while",    "for",           "switch",
                                     "return",   "sizeof",   "catch",         "alignof",
                                     "alignas",  "decltype", "typeof",        "noexcept",
                                     "else",     "do",       "case",          "new",
                                     "delete",   "throw",    "__attribute__", "match",
                                     "loop",     "in",       "let",           "mut",
                                     "fn",       "as",       "unsafe",        "move",
                                     "ref",      "where",    "impl",          "static_assert",
                                     "_Alignof", "_Generic", "defined",       "co_await",
                                     "co_yield", "co_return"});

bool IsOpen(std::string_view text) { return text == "(" || text == "[" || text == "{"; }
bool IsClose(std::string_view text) { return text == ")" || text == "]" || text == "}"; }
char OpenOf(std::string_view close) { return close == ")" ? '(' : close == "]" ? '[' : '{'; }

// The word behind "#": "if", "ifdef", "else"...
std::string_view DirectiveWord(std::string_view text) {
  const std::size_t begin = text.find_first_not_of("# \t");
  if (begin == std::string_view::npos) return {};
  const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz", begin);
  return text.substr(begin, end == std::string_view::npos ? end : end - begin);
}

// Which branches of #if groups to leave out: all but the first where one does not balance.
class Branches {
 public:
  void Directive(std::string_view word, std::size_t at) {
    if (word == "if" || word == "ifdef" || word == "ifndef") {
      groups_.push_back({{{at, at, 0, false}}});
    } else if (groups_.empty()) {
      return;
    } else if (word == "else" || word == "elif") {
      groups_.back().branches.back().end = at;
      groups_.back().branches.push_back({at, at, 0, false});
    } else if (word == "endif") {
      groups_.back().branches.back().end = at;
      Close();
    }
  }
  void Bracket(int change) {
    if (groups_.empty()) return;
    Branch& branch = groups_.back().branches.back();
    branch.depth += change;
    branch.dips |= branch.depth < 0;
    branch.has_code = true;
  }
  void Word() {
    if (!groups_.empty()) groups_.back().branches.back().has_code = true;
  }
  // Sorted by where they begin; they may nest.
  std::vector<std::pair<std::size_t, std::size_t>> LeftOut() {
    std::ranges::sort(left_out_);
    return std::move(left_out_);
  }

 private:
  struct Branch {
    std::size_t begin = 0, end = 0;
    int depth = 0;
    bool dips = false;
    bool has_code = false;
  };
  struct Group {
    std::vector<Branch> branches;
  };

  void Close() {
    const Group group = std::move(groups_.back());
    groups_.pop_back();
    const bool balances =
        std::ranges::none_of(group.branches, [](const Branch& b) { return b.depth || b.dips; });
    int depth = 0;
    bool dips = false, kept = false, has_code = false;
    for (const Branch& branch : group.branches) {
      has_code |= branch.has_code;
      if (balances) continue;
      if (!kept && branch.has_code) {
        kept = true;
        depth = branch.depth;
        dips = branch.dips;
      } else {
        left_out_.emplace_back(branch.begin, branch.end);
      }
    }
    if (groups_.empty()) return;
    Branch& outer = groups_.back().branches.back();
    outer.depth += depth;
    outer.dips |= dips && outer.depth < 0;
    outer.has_code |= has_code;
  }

  std::vector<Group> groups_;
  std::vector<std::pair<std::size_t, std::size_t>> left_out_;
};

std::vector<std::pair<std::size_t, std::size_t>> LeftOutBranches(std::span<const Token> tokens) {
  Branches branches;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.kind == TokenKind::kDirective) {
      branches.Directive(DirectiveWord(token.text), i);
    } else if (token.kind == TokenKind::kPunctuation && IsOpen(token.text)) {
      branches.Bracket(1);
    } else if (token.kind == TokenKind::kPunctuation && IsClose(token.text)) {
      branches.Bracket(-1);
    } else if (token.kind != TokenKind::kComment) {
      branches.Word();
    }
  }
  return branches.LeftOut();
}

}  // namespace

Code::Code(const SourceFile& file) : file_(file) {
  Read();
  Match();
  if (IsRust()) LeaveOutTests();
  if (IsRust()) {
    FindRustFunctions();
  } else {
    FindFunctions();
  }
  std::ranges::sort(functions_, {}, &Function::at);
  FindNames();
  FindCalls();
}

void Code::Read() {
  const auto left_out = LeftOutBranches(file_.tokens);
  std::size_t next = 0, skip_to = 0;
  for (std::size_t i = 0; i < file_.tokens.size(); ++i) {
    const Token& token = file_.tokens[i];
    for (; next < left_out.size() && left_out[next].first <= i; ++next)
      skip_to = std::max(skip_to, left_out[next].second);
    if (i < skip_to) continue;
    if (token.kind == TokenKind::kComment) {
      comments_.push_back({token.text, token.line, token.column, tokens_.size()});
    } else if (token.kind == TokenKind::kDirective) {
      directives_.push_back(token);
    } else {
      tokens_.push_back(token);
    }
  }
}

void Code::Match() {
  partner_.assign(tokens_.size(), kNowhere);
  around_.assign(tokens_.size(), kNowhere);
  std::vector<Index> open;
  for (Index i = 0; i < tokens_.size(); ++i) {
    around_[i] = open.empty() ? kNowhere : open.back();
    if (!IsKind(i, TokenKind::kPunctuation)) continue;
    if (IsOpen(At(i))) {
      open.push_back(i);
    } else if (IsClose(At(i)) && !open.empty()) {
      // A bracket that lost its partner to a macro is passed over; a brace closes what is in it.
      if (At(open.back())[0] != OpenOf(At(i)) && At(i) != "}") continue;
      while (!open.empty() && At(open.back())[0] != OpenOf(At(i))) open.pop_back();
      if (open.empty()) continue;
      partner_[i] = open.back();
      partner_[open.back()] = i;
      open.pop_back();
      around_[i] = open.empty() ? kNowhere : open.back();
    }
  }
}

// #[test] fn, #[cfg(test)] mod: they run nowhere.
void Code::LeaveOutTests() {
  std::vector<Token> kept;
  std::vector<Index> moved(tokens_.size() + 1);
  for (Index i = 0; i < tokens_.size(); ++i) {
    moved[i] = kept.size();
    const Index close = Is(i, "#") && Is(i + 1, "[") ? partner_[i + 1] : kNowhere;
    bool is_test = false;
    for (Index at = i; close != kNowhere && at < close; ++at) {
      is_test |= Is(at, "test") && !(Is(at - 1, "(") && Is(at - 2, "not"));
    }
    if (!is_test) {
      kept.push_back(tokens_[i]);
      continue;
    }
    Index end = close + 1;
    while (end < tokens_.size() && !Is(end, "{") && !Is(end, ";")) {
      end = partner_[end] != kNowhere && partner_[end] > end ? partner_[end] + 1 : end + 1;
    }
    if (Is(end, "{") && partner_[end] != kNowhere) end = partner_[end];
    for (; i < std::min(end, tokens_.size() - 1); ++i) moved[i] = kept.size();
    moved[i] = kept.size();
  }
  moved[tokens_.size()] = kept.size();
  for (Comment& comment : comments_) comment.before = moved[comment.before];
  if (kept.size() == tokens_.size()) return;
  tokens_ = std::move(kept);
  Match();
}

void Code::FindNames() {
  for (Index i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i].kind == TokenKind::kName) places_[tokens_[i].text].push_back(i);
  }
  for (const Function& function : functions_) named_[function.name].push_back(&function);
}

std::span<const Index> Code::Places(std::string_view name) const {
  const auto found = places_.find(name);
  return found == places_.end() ? std::span<const Index>() : found->second;
}

std::span<const Index> Code::PlacesIn(std::string_view name, Range range) const {
  const auto all = Places(name);
  const auto begin = std::ranges::lower_bound(all, range.begin);
  const auto end = std::ranges::lower_bound(all, std::max(range.begin, range.end));
  return {begin, end};
}

const Function* Code::FunctionOf(Index at) const {
  // Rust's functions may nest: the innermost is the last that begins before.
  auto found = std::ranges::upper_bound(functions_, at, {}, &Function::at);
  for (int tries = 0; found != functions_.begin() && tries < 16; ++tries) {
    --found;
    if (found->body.Holds(at)) return &*found;
  }
  return nullptr;
}

std::span<const Function* const> Code::FunctionsNamed(std::string_view name) const {
  const auto found = named_.find(name);
  return found == named_.end() ? std::span<const Function* const>() : found->second;
}

void Code::FindCalls() {
  std::vector<std::size_t> within;  // functions around this place, the innermost last
  std::size_t next = 0;
  for (Index i = 0; i < tokens_.size(); ++i) {
    while (next < functions_.size() && functions_[next].body.begin <= i) within.push_back(next++);
    while (!within.empty() && functions_[within.back()].body.end <= i) within.pop_back();
    if (within.empty() || !IsKind(i, TokenKind::kName)) continue;
    if (IsAny(At(i), kNotCalled) && !(IsRust() && Is(i, "new"))) continue;
    if (Is(i + 1, "(") && !Is(i - 1, "fn")) {
      AddCall(i, i + 1, false, within.back());
    } else if (IsRust() && Is(i + 1, "!") && i + 2 < tokens_.size() && IsOpen(At(i + 2))) {
      AddCall(i, i + 2, true, within.back());
    } else if (IsRust() && Is(i + 1, "::") && Is(i + 2, "<")) {
      // collect::<Vec<_>>(): the angle brackets of the type, at most a line of them.
      Index at = i + 3;
      for (int depth = 1; depth > 0 && at < tokens_.size() && at < i + 40; ++at) {
        depth += Is(at, "<") ? 1 : Is(at, ">") ? -1 : Is(at, ">>") ? -2 : 0;
      }
      if (Is(at, "(")) AddCall(i, at, false, within.back());
    }
  }
}

void Code::AddCall(Index name, Index open, bool is_macro, std::size_t function) {
  if (partner_[open] == kNowhere || partner_[open] < open) return;
  Call call;
  call.name = At(name);
  call.at = name;
  call.begin = CalleeBegin(name);
  call.open = open;
  call.close = partner_[open];
  call.is_macro = is_macro;
  call.is_declaration = !IsRust() && name > 0 &&
                        ((IsKind(name - 1, TokenKind::kName) && !IsAny(At(name - 1), kNotCalled) &&
                          !Is(name - 1, "goto")) ||
                         Is(name - 1, ">"));
  call.arguments = Split(open);
  call.function = function;
  calls_.push_back(std::move(call));
}

// Back over a.b, a->b, a::b, a(x).b, a[x].b and a?.b.
Index Code::CalleeBegin(Index name) const {
  Index at = name;
  for (int parts = 0; parts < 64 && at >= 2; ++parts) {
    if (Is(at - 1, "::") && !IsKind(at - 2, TokenKind::kName) && !Is(at - 2, ">")) return at - 1;
    if (!Is(at - 1, ".") && !Is(at - 1, "->") && !Is(at - 1, "::")) return at;
    Index before = at - 2;
    while (before > 0 && (Is(before, "?") || Is(before, ")") || Is(before, "]"))) {
      if (Is(before, "?")) {
        --before;
      } else if (partner_[before] == kNowhere || partner_[before] == 0) {
        return at;
      } else {
        before = partner_[before] - 1;
        if (IsRust() && Is(before, "!") && before > 0) --before;
      }
    }
    if (Is(before, ">") && before > 2) {  // the type of name::<Type>(...)
      Index angle = before;
      for (int depth = 0; angle > 0 && before - angle < 40; --angle) {
        depth += Is(angle, ">") ? 1 : Is(angle, "<") ? -1 : 0;
        if (depth == 0) break;
      }
      before = Is(angle - 1, "::") && angle > 2 ? angle - 2 : angle - 1;
    }
    if (!IsKind(before, TokenKind::kName) && !IsKind(before, TokenKind::kString)) return before + 1;
    at = before;
  }
  return at;
}

std::vector<Range> Code::Split(Index open) const {
  std::vector<Range> parts;
  const Index close = partner_[open];
  if (open + 1 == close) return parts;
  Index begin = open + 1;
  for (Index at = begin; at < close; ++at) {
    if (partner_[at] != kNowhere && partner_[at] > at) at = partner_[at];
    if (!Is(at, ",")) continue;
    parts.push_back({begin, at});
    begin = at + 1;
  }
  if (begin < close) parts.push_back({begin, close});
  return parts;
}

std::span<const Call> Code::CallsIn(Range range) const {
  const auto begin = std::ranges::lower_bound(calls_, range.begin, {}, &Call::at);
  const auto end =
      std::ranges::lower_bound(calls_, std::max(range.begin, range.end), {}, &Call::at);
  return {begin, end};
}

const Call* Code::CallAt(Index name) const {
  const auto found = std::ranges::lower_bound(calls_, name, {}, &Call::at);
  return found != calls_.end() && found->at == name ? &*found : nullptr;
}

std::string Code::TextOf(Range range) const {
  std::string text;
  for (Index at = range.begin; at < std::min(range.end, tokens_.size()); ++at) {
    const Token& token = tokens_[at];
    if (at > range.begin) {
      const Token& before = tokens_[at - 1];
      const bool touches =
          before.line == token.line && before.text.data() + before.text.size() == token.text.data();
      if (!touches) text += ' ';
    }
    text += token.text;
    if (text.size() > kMaxShown) {
      text.resize(kMaxShown);
      while (!text.empty() && (text.back() & 0x80) != 0) text.pop_back();
      return text + "...";
    }
  }
  return text;
}

std::string Code::StringsIn(Range range) const {
  std::string text;
  for (Index at = range.begin; at < std::min(range.end, tokens_.size()); ++at) {
    if (tokens_[at].kind == TokenKind::kString) text += Unquote(tokens_[at]);
  }
  return text;
}

}  // namespace bailey::review
