// A recursive descent over tokens, one function for each line of the grammar in condition.h. It
// knows no system call: what names mean is looked up for each architecture by who uses them.
#include "policy/condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "abi/constants.h"
#include "base/text.h"

namespace bailey::policy {
namespace {

// Parentheses and "not" recurse; people write three levels, and the stack is finite.
constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxShown = 40;

struct Operator {
  std::string_view text;
  Comparison comparison;
};
// Longer ones first: "<=" is not "<" and then "=".
constexpr std::array<Operator, 6> kOperators = {{{"==", Comparison::kEqual},
                                                 {"!=", Comparison::kNotEqual},
                                                 {"<=", Comparison::kLessEqual},
                                                 {">=", Comparison::kGreaterEqual},
                                                 {"<", Comparison::kLess},
                                                 {">", Comparison::kGreater}}};

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsKeyword(std::string_view word) {
  return word == "and" || word == "or" || word == "not" || word == "in";
}

std::string Quote(std::string_view word) {
  return fmt::format("\"{}{}\"", base::Escape(word.substr(0, kMaxShown)),
                     word.size() > kMaxShown ? "..." : "");
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) { Advance(); }

  base::Result<Condition> Parse() {
    Condition condition;
    if (Disjunction(condition) && !token_.empty()) {
      Fail(fmt::format("expected \"and\", \"or\" or the end, found {}", Quote(token_)));
    }
    if (error_) return *std::move(error_);
    return condition;
  }

 private:
  bool Disjunction(Condition& out) {
    return Chain("or", Condition::Kind::kOr, &Parser::Conjunction, out);
  }
  bool Conjunction(Condition& out) {
    return Chain("and", Condition::Kind::kAnd, &Parser::Negation, out);
  }

  bool Chain(std::string_view word, Condition::Kind kind, bool (Parser::*part)(Condition&),
             Condition& out) {
    if (!(this->*part)(out)) return false;
    if (token_ != word) return true;
    Condition chain;
    chain.kind = kind;
    chain.children.push_back(std::move(out));
    while (Take(word)) {
      if (!(this->*part)(chain.children.emplace_back())) return false;
    }
    out = std::move(chain);
    return true;
  }

  bool Negation(Condition& out) {
    if (token_ != "not" && token_ != "(") return ReadTest(out.test);
    if (depth_ == kMaxDepth) return Fail(fmt::format("it nests deeper than {} levels", kMaxDepth));
    ++depth_;
    const bool done = Take("not") ? Negated(out) : Parenthesis(out);
    --depth_;
    return done;
  }

  bool Negated(Condition& out) {
    out.kind = Condition::Kind::kNot;
    return Negation(out.children.emplace_back());
  }

  bool Parenthesis(Condition& out) {
    Take("(");
    if (!Disjunction(out)) return false;
    return Take(")") || Expected("\")\"");
  }

  bool ReadTest(Test& test) {
    if (token_.empty() || !IsLetter(token_.front()) || IsKeyword(token_))
      return Expected("the name of an argument");
    test.argument = token_;
    Advance();
    if (Take("&")) {
      if (!ReadValue(test.mask.emplace())) return false;
      test.comparison = Comparison::kAnyBit;
    }
    if (Take("in")) {
      test.comparison = Comparison::kIn;
      return Set(test.operands);
    }
    const auto found = std::ranges::find(kOperators, token_, &Operator::text);
    if (found == kOperators.end())
      return test.mask || Expected("an operator (== != < <= > >= & in)");
    Advance();
    test.comparison = found->comparison;
    return ReadValue(test.operands.emplace_back());
  }

  bool Set(std::vector<Value>& values) {
    if (!Take("{")) return Expected("\"{\" after \"in\"");
    do {
      if (!ReadValue(values.emplace_back())) return false;
    } while (Take(","));
    return Take("}") || Expected("\",\" or \"}\"");
  }

  bool ReadValue(Value& value) {
    do {
      if (!ReadTerm(value.terms.emplace_back())) return false;
    } while (Take("|"));
    return true;
  }

  bool ReadTerm(Term& term) {
    const bool negative = Take("-");
    if (!negative && !token_.empty() && IsLetter(token_.front()) && !IsKeyword(token_)) {
      term.constant = token_;
      Advance();
      return true;
    }
    if (token_.empty() || !IsDigit(token_.front()))
      return Expected(negative ? "a number after \"-\"" : "a constant or a number");
    const auto number = base::ParseNumber(token_);
    // -2^63 is the smallest number of 64 bits.
    if (!number || (negative && *number > 1ull << 63))
      return Fail(fmt::format("{} is not a number of 64 bits", Quote(token_)));
    term.number = negative ? 0 - *number : *number;
    Advance();
    return true;
  }

  bool Take(std::string_view word) {
    if (token_ != word) return false;
    Advance();
    return true;
  }

  void Advance() {
    position_ += token_.size();
    position_ = std::min(text_.find_first_not_of(" \t\r\n", position_), text_.size());
    token_ = text_.substr(position_, TokenSize());
  }

  std::size_t TokenSize() const {
    const std::string_view rest = text_.substr(position_);
    if (rest.empty()) return 0;
    if (IsLetter(rest.front()) || IsDigit(rest.front())) {
      const auto end = std::ranges::find_if_not(
          rest, [](char c) { return IsLetter(c) || IsDigit(c) || c == '.'; });
      return static_cast<std::size_t>(end - rest.begin());
    }
    for (const Operator& candidate : kOperators) {
      if (rest.starts_with(candidate.text)) return candidate.text.size();
    }
    return 1;
  }

  bool Expected(std::string_view what) {
    return Fail(token_.empty() ? fmt::format("expected {}, found the end", what)
                               : fmt::format("expected {}, found {}", what, Quote(token_)));
  }

  bool Fail(std::string cause) {
    error_ = base::InvalidInput("read condition: " + std::move(cause));
    error_->location = {.file = "", .line = 1, .column = static_cast<std::uint32_t>(position_ + 1)};
    return false;
  }

  std::string_view text_;
  std::size_t position_ = 0;  // where token_ begins
  std::string_view token_;    // empty at the end
  int depth_ = 0;
  std::optional<base::Error> error_;
};

std::string ToString(const Term& term) {
  if (!term.constant.empty()) return term.constant;
  if (term.number < 4096) return fmt::format("{}", term.number);
  return fmt::format("{:#x}", term.number);
}

std::string ToString(const Value& value) {
  std::string out;
  for (const Term& term : value.terms) {
    if (!out.empty()) out += '|';
    out += ToString(term);
  }
  return out;
}

std::string ToString(const Test& test) {
  std::string out = test.argument;
  if (test.mask) out += " & " + ToString(*test.mask);
  if (test.comparison == Comparison::kAnyBit) return out;
  if (test.comparison == Comparison::kIn) {
    std::string values;
    for (const Value& value : test.operands) {
      if (!values.empty()) values += ", ";
      values += ToString(value);
    }
    return fmt::format("{} in {{{}}}", out, values);
  }
  const auto found = std::ranges::find(kOperators, test.comparison, &Operator::comparison);
  return fmt::format("{} {} {}", out, found->text, ToString(test.operands.front()));
}

// A chain inside another keeps its parentheses also where they change nothing ("(a and b) and c"),
// so that what is read again is the same tree.
std::string ToStringWithin(const Condition& condition) {
  const bool chain =
      condition.kind == Condition::Kind::kAnd || condition.kind == Condition::Kind::kOr;
  return chain ? fmt::format("({})", ToString(condition)) : ToString(condition);
}

}  // namespace

base::Result<Condition> ParseCondition(std::string_view text) { return Parser(text).Parse(); }

std::string ToString(const Condition& condition) {
  switch (condition.kind) {
    case Condition::Kind::kTest:
      return ToString(condition.test);
    case Condition::Kind::kNot:
      return fmt::format("not {}", ToStringWithin(condition.children.front()));
    case Condition::Kind::kAnd:
    case Condition::Kind::kOr:
      break;
  }
  const bool disjunction = condition.kind == Condition::Kind::kOr;
  std::string out;
  for (const Condition& child : condition.children) {
    if (!out.empty()) out += disjunction ? " or " : " and ";
    // "and" binds tighter than "or", so it needs none there.
    const bool bare = disjunction && child.kind == Condition::Kind::kAnd;
    out += bare ? ToString(child) : ToStringWithin(child);
  }
  return out;
}

std::optional<std::uint64_t> Resolve(const Value& value, abi::Arch arch) {
  std::uint64_t bits = 0;
  for (const Term& term : value.terms) {
    if (term.constant.empty()) {
      bits |= term.number;
      continue;
    }
    const auto constant = abi::Constant(arch, term.constant);
    if (!constant) return std::nullopt;
    bits |= *constant;
  }
  return bits;
}

}  // namespace bailey::policy
