// Where functions, classes and their fields are.
#include <algorithm>
#include <array>

#include "review/source_code.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr auto kBehindParameters =
    std::to_array<std::string_view>({"{", "const", "noexcept", "override", "final", "->", ":", "&",
                                     "&&", "__attribute__", "try", "requires"});
constexpr auto kNoName = std::to_array<std::string_view>(
    {"__attribute__", "alignas", "decltype", "noexcept", "requires", "if", "while", "for", "switch",
     "catch", "__declspec", "throw"});
constexpr auto kRecords = std::to_array<std::string_view>({"struct", "class", "union"});

}  // namespace

// The name before the parameters, in what precedes a brace; kNowhere where it is no function.
Index Code::HeadName(Range head) const {
  Index name = kNowhere;
  for (Index at = head.begin; at < head.end; ++at) {
    if (Is(at, "(") && partner_[at] != kNowhere) {
      const Index close = partner_[at];
      const bool named =
          at > head.begin && IsKind(at - 1, TokenKind::kName) && !IsAny(At(at - 1), kNoName);
      const bool is_operator = at > head.begin + 1 && (Is(at - 2, "operator"));
      if (named || is_operator) {
        name = at - 1;
        if (IsAny(At(close + 1), kBehindParameters)) return name;
      }
      at = close;
    } else if (partner_[at] != kNowhere && partner_[at] > at) {
      at = partner_[at];
    } else if (Is(at, "=") && (at == head.begin || !Is(at - 1, "operator"))) {
      return kNowhere;
    }
  }
  return name;
}

void Code::FindFunctions() {
  std::vector<std::pair<Index, std::string_view>> owners;  // where they end
  Index head = 0;
  for (Index i = 0; i < tokens_.size(); ++i) {
    while (!owners.empty() && owners.back().first <= i) owners.pop_back();
    if (Is(i, ";") || Is(i, "}")) head = i + 1;
    const bool is_access = Is(i, ":") && i > 0 &&
                           (Is(i - 1, "public") || Is(i - 1, "private") || Is(i - 1, "protected"));
    if (is_access) head = i + 1;
    const bool opens = partner_[i] != kNowhere && partner_[i] > i;
    if (!opens) continue;
    if (!Is(i, "{")) {
      i = partner_[i];
      continue;
    }
    const Range before{head, i};
    const std::string_view owner = owners.empty() ? std::string_view() : owners.back().second;
    const Index name = HeadName(before);
    // A member's initialiser, as in "Class() : a{1}, b{2} {".
    const bool initialises = name != kNowhere && IsKind(i - 1, TokenKind::kName) &&
                             (Is(partner_[i] + 1, ",") || Is(partner_[i] + 1, "{")) &&
                             std::any_of(tokens_.begin() + static_cast<std::ptrdiff_t>(name),
                                         tokens_.begin() + static_cast<std::ptrdiff_t>(i),
                                         [](const Token& token) { return token.text == ":"; });
    if (initialises) {
      i = partner_[i];
      continue;
    }
    if (name != kNowhere) {
      AddFunction(name, name + 1, i, head, owner);
      i = partner_[i];
      head = i + 1;
      continue;
    }
    Index record = kNowhere;
    bool holds_items = before.Empty(), is_value = false;
    for (Index at = head; at < i; ++at) {
      if (IsAny(At(at), kRecords) && !(at > head && Is(at - 1, "enum"))) record = at;
      holds_items |= Is(at, "namespace") || Is(at, "extern");
      is_value |= Is(at, "=") || Is(at, "enum");
    }
    if (is_value) {
      i = partner_[i];
      head = i + 1;
    } else if (record != kNowhere) {
      const bool named = IsKind(record + 1, TokenKind::kName) && record + 1 < i;
      const std::string_view type = named ? At(record + 1)
                                    : IsKind(partner_[i] + 1, TokenKind::kName)
                                        ? At(partner_[i] + 1)
                                        : std::string_view();
      AddFields(type, i);
      owners.emplace_back(partner_[i], type);
      head = i + 1;
    } else if (holds_items) {
      head = i + 1;
    } else {
      i = partner_[i];
      head = i + 1;
    }
  }
}

void Code::FindRustFunctions() {
  std::vector<std::pair<Index, std::string_view>> owners;
  for (Index i = 0; i < tokens_.size(); ++i) {
    while (!owners.empty() && owners.back().first <= i) owners.pop_back();
    const bool is_item = Is(i, "impl") || Is(i, "struct") || Is(i, "trait");
    const bool begins = i == 0 || Is(i - 1, ";") || Is(i - 1, "}") || Is(i - 1, "{") ||
                        Is(i - 1, "]") || Is(i - 1, "pub") || Is(i - 1, ")") || Is(i - 1, "unsafe");
    if (is_item && begins && FunctionOf(i) == nullptr) {
      // impl<T> Trait for Type<T> where ... {: the last name outside of angle brackets.
      std::string_view type;
      bool in_where = false;
      int angle = 0;
      Index at = i + 1;
      for (; at < tokens_.size() && !Is(at, "{") && !Is(at, ";"); ++at) {
        if (Is(at, "(") && angle == 0) break;  // a tuple's
        angle += Is(at, "<") ? 1 : Is(at, ">") ? -1 : Is(at, ">>") ? -2 : 0;
        in_where |= Is(at, "where");
        if (angle == 0 && !in_where && IsKind(at, TokenKind::kName)) type = At(at);
      }
      if (!Is(at, "{") || partner_[at] == kNowhere) continue;
      if (Is(i, "struct")) AddFields(type, at);
      owners.emplace_back(partner_[at], type);
      i = at;
      continue;
    }
    if (!Is(i, "fn") || !IsKind(i + 1, TokenKind::kName)) continue;
    Index at = i + 2;
    if (Is(at, "<")) {
      int angle = 0;
      for (; at < tokens_.size() && !Is(at, "{") && !Is(at, ";"); ++at) {
        angle += Is(at, "<") ? 1 : Is(at, ">") ? -1 : Is(at, ">>") ? -2 : 0;
        if (angle <= 0 && Is(at + 1, "(")) break;
      }
      ++at;
    }
    if (!Is(at, "(") || partner_[at] == kNowhere) continue;
    Index brace = partner_[at] + 1;
    while (brace < tokens_.size() && !Is(brace, "{") && !Is(brace, ";")) {
      brace =
          partner_[brace] != kNowhere && partner_[brace] > brace ? partner_[brace] + 1 : brace + 1;
    }
    if (!Is(brace, "{") || partner_[brace] == kNowhere) continue;
    Index head = i;
    while (head > 0 && (IsKind(head - 1, TokenKind::kName) || Is(head - 1, ")")) && i - head < 8 &&
           !Is(head - 1, "}")) {
      --head;
    }
    AddFunction(i + 1, at, brace, head, owners.empty() ? std::string_view() : owners.back().second);
  }
}

void Code::AddFunction(Index name, Index parenthesis, Index brace, Index head,
                       std::string_view owner) {
  Function function;
  function.name = At(name);
  function.owner = owner;
  if (!IsRust() && name >= 2 && Is(name - 1, "::") && IsKind(name - 2, TokenKind::kName))
    function.owner = At(name - 2);
  function.at = name;
  function.head = {head, brace};
  function.body = {brace + 1, partner_[brace]};
  for (const Range part : Split(parenthesis)) {
    Parameter parameter{.name = {}, .declaration = part};
    for (Index at = part.begin; at < part.end; ++at) {
      if (IsRust() ? Is(at, ":") : (Is(at, "=") || Is(at, "["))) break;
      if (!IsRust() && Is(at, "(") && Is(at + 1, "*") && IsKind(at + 2, TokenKind::kName)) {
        parameter.name = At(at + 2);
        break;
      }
      if (IsKind(at, TokenKind::kName)) parameter.name = At(at);
    }
    if (!parameter.name.empty() && parameter.name != "void")
      function.parameters.push_back(parameter);
  }
  functions_.push_back(std::move(function));
}

void Code::AddFields(std::string_view owner, Index brace) {
  const Index close = partner_[brace];
  Index begin = brace + 1;
  for (Index at = begin; at <= close; ++at) {
    if (partner_[at] != kNowhere && partner_[at] > at) {
      // A method's body ends what precedes it.
      const bool is_body = !IsRust() && Is(at, "{") && HeadName({begin, at}) != kNowhere;
      at = partner_[at];
      if (is_body) begin = at + 1;
      continue;
    }
    if (!IsRust() && Is(at, ":") && at > 0 &&
        (Is(at - 1, "public") || Is(at - 1, "private") || Is(at - 1, "protected"))) {
      begin = at + 1;
      continue;
    }
    if (IsRust() ? !(Is(at, ",") || at == close) : !Is(at, ";")) continue;
    if (IsRust()) {
      // Commas within angle brackets belong to the type.
      int angle = 0;
      Index colon = kNowhere;
      for (Index part = begin; part < at; ++part) {
        angle += Is(part, "<") ? 1 : Is(part, ">") ? -1 : Is(part, ">>") ? -2 : 0;
        if (Is(part, ":") && colon == kNowhere) colon = part;
      }
      if (angle > 0) continue;
      if (colon != kNowhere && colon > begin)
        fields_.push_back({owner, At(colon - 1), colon - 1, {colon + 1, at}});
    } else {
      Index name = kNowhere;
      for (Index part = begin; part < at; ++part) {
        if (Is(part, "=") || Is(part, "[") || Is(part, "{") || Is(part, ":")) break;
        if (Is(part, "(")) {
          name = kNowhere;
          break;
        }
        if (IsKind(part, TokenKind::kName)) name = part;
      }
      if (name != kNowhere && name > begin)
        fields_.push_back({owner, At(name), name, {begin, name}});
    }
    begin = at + 1;
  }
}

}  // namespace bailey::review
