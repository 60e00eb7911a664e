// A thin layer of syntax over the tokens of one file: which brackets belong together, where
// functions begin and end, what is called with which arguments and what becomes of the result.
// It is no compiler: no types are resolved, no macro is expanded, no other file is read.
//
//   Code code(file);
//   for (const Call& call : code.calls()) {
//     if (call.name == "setuid" && code.UseOf(call).kind == Use::kIgnored) ...
//   }
//
// Comments, directives and Rust's tests are not among the tokens here. Where the branches of an #if
// do not balance, only the first is read. Everything is computed once, in time linear in the text.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "review/source.h"

namespace bailey::review {

// A token's number in Code::tokens().
using Index = std::size_t;
inline constexpr Index kNowhere = static_cast<Index>(-1);

struct Range {
  Index begin = 0;
  Index end = 0;  // behind the last
  bool Empty() const { return begin >= end; }
  bool Holds(Index at) const { return at >= begin && at < end; }
};

struct Parameter {
  std::string_view name;
  Range declaration;  // type and name
};

struct Function {
  std::string_view name;
  std::string_view owner;  // the class, struct or impl around it; empty outside of one
  Index at = 0;            // the name
  Range head;              // from the first token of its declaration to the brace
  Range body;              // within the braces
  std::vector<Parameter> parameters;
};

struct Call {
  std::string_view name;         // the last part: "open" of std::fs::OpenOptions::open
  Index at = 0;                  // the name
  Index begin = 0;               // the first token of the expression that is called
  Index open = 0;                // the bracket; of a macro of Rust, behind "!"
  Index close = 0;               // its partner
  bool is_macro = false;         // name!(...)
  bool is_declaration = false;   // Type name(arguments) of C++
  std::vector<Range> arguments;  // none where the brackets are empty
  std::size_t function = 0;      // in Code::functions()
};

struct Field {
  std::string_view owner;  // the struct or class
  std::string_view name;
  Index at = 0;
  Range type;  // of Rust, behind the colon; of C, what stands before the name
};

struct Comment {
  std::string_view text;
  int line = 0;
  int column = 0;
  Index before = 0;  // the token that follows
};

// What becomes of a call's result.
enum class Use {
  kIgnored,   // the call is a statement
  kVoided,    // thrown away by name: (void), let _ =, .ok()
  kAssigned,  // to `variable`
  kUsed,      // compared, passed on, returned
};
struct ResultUse {
  Use kind = Use::kUsed;
  std::string_view variable;  // the name assigned to, without what it is a member of
  Index operator_at = 0;      // "="
};

// "if", "while": what is asked and what then happens.
struct Branch {
  Range condition;
  Range then;
  Range otherwise;  // empty: there is none
};

struct Assignment {
  std::string_view target;  // the last name on the left
  Index at = 0;             // the operator
  Range left;
  Range value;
  bool adds = false;  // += and |=: what was there stays
};

class Code {
 public:
  // The file must outlive it.
  explicit Code(const SourceFile& file);
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;

  const SourceFile& file() const { return file_; }
  bool IsRust() const { return file_.language == Language::kRust; }

  std::span<const Token> tokens() const { return tokens_; }
  std::span<const Comment> comments() const { return comments_; }
  std::span<const Token> directives() const { return directives_; }
  std::span<const Function> functions() const { return functions_; }
  std::span<const Call> calls() const { return calls_; }
  std::span<const Field> fields() const { return fields_; }

  // The text at a place; empty outside of the file.
  std::string_view At(Index at) const {
    return at < tokens_.size() ? tokens_[at].text : std::string_view();
  }
  bool Is(Index at, std::string_view text) const { return At(at) == text; }
  bool IsKind(Index at, TokenKind kind) const {
    return at < tokens_.size() && tokens_[at].kind == kind;
  }
  // The other bracket; kNowhere for what is no bracket or has no partner.
  Index Partner(Index bracket) const { return partner_[bracket]; }
  // The opening bracket around a token; kNowhere at the top.
  Index Around(Index at) const { return around_[at]; }

  // Where a name stands, in order.
  std::span<const Index> Places(std::string_view name) const;
  std::span<const Index> PlacesIn(std::string_view name, Range range) const;
  bool Mentions(Range range, std::string_view name) const { return !PlacesIn(name, range).empty(); }

  std::span<const Call> CallsIn(Range range) const;
  // The call whose name stands there, nullptr for none.
  const Call* CallAt(Index name) const;
  // Functions of this file with that name.
  std::span<const Function* const> FunctionsNamed(std::string_view name) const;
  // The function around a token; nullptr outside of all.
  const Function* FunctionOf(Index at) const;

  ResultUse UseOf(const Call& call) const;
  // From the statement's first token to its ";" (or the end of its block).
  Range StatementOf(Index at) const;
  bool StartsStatement(Index at) const;
  Branch BranchAt(Index keyword) const;
  // The assignments of a function's body, in order.
  std::vector<Assignment> AssignmentsIn(Range range) const;

  // The tokens as a line of text, for reports; shortened.
  std::string TextOf(Range range) const;
  // The strings in a range, joined; Rust's format macros have their string as it is written.
  std::string StringsIn(Range range) const;

 private:
  void Read();
  void Match();
  void LeaveOutTests();
  void FindFunctions();
  void FindRustFunctions();
  void FindCalls();
  void FindNames();
  void AddFunction(Index name, Index parenthesis, Index brace, Index head, std::string_view owner);
  void AddFields(std::string_view owner, Index brace);
  void AddCall(Index name, Index open, bool is_macro, std::size_t function);
  Index HeadName(Range head) const;
  Index CalleeBegin(Index name) const;
  std::vector<Range> Split(Index open) const;

  const SourceFile& file_;
  std::vector<Token> tokens_;
  std::vector<Comment> comments_;
  std::vector<Token> directives_;
  std::vector<Index> partner_, around_;
  std::vector<Function> functions_;
  std::vector<Call> calls_;
  std::vector<Field> fields_;
  std::unordered_map<std::string_view, std::vector<Index>> places_;
  std::unordered_map<std::string_view, std::vector<const Function*>> named_;
};

}  // namespace bailey::review
