#include "review/source_code.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "review/source_flow.h"
#include "review/source_lex.h"

namespace bailey::review {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Read {
  std::unique_ptr<SourceFile> file;
  std::unique_ptr<Code> code;
  const Code* operator->() const { return code.get(); }
};

Read ReadCode(std::string text, std::string path) {
  auto file = Lex(std::move(text), std::move(path));
  EXPECT_TRUE(file.has_value());
  Read read;
  read.file = std::make_unique<SourceFile>(*std::move(file));
  read.code = std::make_unique<Code>(*read.file);
  return read;
}

std::vector<std::string> Functions(const Read& read) {
  std::vector<std::string> list;
  for (const Function& function : read->functions()) {
    std::string text;
    if (!function.owner.empty()) text += std::string(function.owner) + "::";
    text += function.name;
    for (const Parameter& parameter : function.parameters)
      text += ' ' + std::string(parameter.name);
    list.push_back(text);
  }
  return list;
}

TEST(Code, FunctionsOfC) {
  const Read read = ReadCode(R"(
int first(void);
static int kTable[] = {1, 2};
enum e { a, b };
struct s { int field; char *text; };
struct s *second(const char *name, int (*callback)(int), int list[]) { return 0; }
static void __attribute__((noreturn)) third(int x) MACRO { for (;;) {} }
)",
                             "a.c");
  EXPECT_THAT(Functions(read), ElementsAre("second name callback list", "third x"));
  ASSERT_EQ(read->fields().size(), 2u);
  EXPECT_EQ(read->fields()[1].owner, "s");
  EXPECT_EQ(read->fields()[1].name, "text");
}

TEST(Code, FunctionsOfCxx) {
  const Read read = ReadCode(R"(
namespace a::b {
class Box : public Base {
 public:
  explicit Box(int id) : id_(id), list_{1, 2} {}
  int id() const { return id_; }
  bool operator==(const Box& other) const noexcept { return true; }
  std::vector<int> list_{};

 private:
  int id_ = 0;
};
auto Box::Run(std::string_view name) const -> int { auto f = [](int x) { return x; }; return f(1); }
template <class T> T Twice(T value) { return value; }
}
)",
                             "a.cc");
  EXPECT_THAT(Functions(read), ElementsAre("Box::Box id", "Box::id", "Box::== other",
                                           "Box::Run name", "Twice value"));
}

TEST(Code, FunctionsOfRust) {
  const Read read = ReadCode(R"(
impl<T: Fn(u8) -> u8> Runner<T> for Box<T> where T: Send {
    pub fn run<'a, F: Fn(u8) -> u8>(&'a mut self, mut name: &str) -> Result<(), Error> { inner() }
}
pub struct Log { pub entries: Mutex<Vec<(u8, u8)>>, name: String }
#[cfg(test)]
mod tests { fn helper() {} }
fn outer() { fn inner(a: u8) {} inner(1); }
)",
                             "a.rs");
  EXPECT_THAT(Functions(read), ElementsAre("Box::run self name", "outer", "inner a"));
  ASSERT_EQ(read->fields().size(), 2u);
  EXPECT_EQ(read->fields()[0].name, "entries");
  EXPECT_EQ(read->fields()[1].name, "name");
}

TEST(Code, OnlyOneBranchIsReadWhereTheyDoNotBalance) {
  const Read read = ReadCode(R"(
int f(int a) {
#ifdef X
  if (a) {
#else
  if (!a) {
#endif
    g();
  }
#if Y
  h();
#else
  i();
#endif
  return 0;
}
int j(void) { return 1; }
)",
                             "a.c");
  EXPECT_THAT(Functions(read), ElementsAre("f a", "j"));
  EXPECT_EQ(read->CallsIn(read->functions()[0].body).size(), 3u);
}

Use UseOf(const std::string& statement, const std::string& path) {
  const bool rust = path.ends_with(".rs");
  const Read read =
      ReadCode((rust ? "fn f(x: u8) { " : "void f(int x) { ") + statement + " }", path);
  for (const Call& call : read->calls()) {
    if (call.name == "call") return read->UseOf(call).kind;
  }
  ADD_FAILURE() << statement;
  return Use::kUsed;
}

TEST(Code, WhatBecomesOfAResult) {
  const struct {
    std::string path, statement;
    Use want;
  } rows[] = {
      {"a.c", "call(x);", Use::kIgnored},
      {"a.c", "if (x) call(x);", Use::kIgnored},
      {"a.c", "else_less: call(x);", Use::kIgnored},
      {"a.c", "for (;;) call(x);", Use::kIgnored},
      {"a.c", "(void)call(x);", Use::kVoided},
      {"a.c", "int r = call(x);", Use::kAssigned},
      {"a.c", "x |= call(x);", Use::kUsed},
      {"a.c", "if (call(x) < 0) return;", Use::kUsed},
      {"a.c", "if ((x = call(x)) < 0) return;", Use::kUsed},
      {"a.c", "return call(x);", Use::kUsed},
      {"a.c", "check(call(x));", Use::kUsed},
      {"a.cc", "std::ignore = call(x);", Use::kVoided},
      {"a.cc", "box->call(x);", Use::kIgnored},
      {"a.rs", "call(x);", Use::kIgnored},
      {"a.rs", "let _ = call(x);", Use::kVoided},
      {"a.rs", "_ = a.b(1)?.call(x);", Use::kVoided},
      {"a.rs", "call(x).ok();", Use::kVoided},
      {"a.rs", "drop(call(x));", Use::kVoided},
      {"a.rs", "call(x)?;", Use::kUsed},
      {"a.rs", "call(x).unwrap();", Use::kUsed},
      {"a.rs", "let r: Result<(), E> = call(x);", Use::kAssigned},
      {"a.rs", "call(x)", Use::kUsed},
  };
  for (const auto& row : rows) EXPECT_EQ(UseOf(row.statement, row.path), row.want) << row.statement;
}

// Whether the id of f arrives in the argument of sink.
bool Arrives(const std::string& body, const std::string& path) {
  const bool rust = path.ends_with(".rs");
  const Read read = ReadCode(
      (rust ? "fn f(id: &str, dir: &Path) { " : "void f(const char* id, int n) { ") + body + " }",
      path);
  const Function& function = read->functions().front();
  const Flow flow(*read.code, function.body, "id", function.head.begin);
  for (const Call& call : read->calls()) {
    if (call.name == "sink") return flow.In({call.open + 1, call.close}) != nullptr;
  }
  return false;
}

TEST(Flow, FollowsTextAndNothingElse) {
  const struct {
    std::string path, body;
    bool want;
  } rows[] = {
      {"a.c", "sink(id);", true},
      {"a.c", "char p[9]; snprintf(p, 9, \"/a/%s\", id); sink(p);", true},
      {"a.c", "char* p = strdup(id); sink(p);", true},
      {"a.c", "strcpy(p, \"/a\"); strcat(p, id); sink(p);", true},
      {"a.c", "n = strlen(id); sink(n);", false},
      {"a.c", "n = id == 0; sink(n);", false},
      {"a.c", "sink(other->id);", true},
      {"a.c", "sink(p); snprintf(p, 9, \"%s\", id);", false},
      {"a.cc", "auto p = \"/a/\" + std::string(id); sink(p);", true},
      {"a.cc", "std::string p(id); sink(p.c_str());", true},
      {"a.cc", "auto h = Hash(id); sink(h);", false},
      {"a.rs", "let p = format!(\"/a/{id}\"); sink(&p);", true},
      {"a.rs", "let p = dir.join(id).join(\"x\"); sink(p);", true},
      {"a.rs", "let mut p = PathBuf::new(); p.push(id.to_string()); sink(&p);", true},
      {"a.rs", "let known = look_up(id)?; sink(known);", false},
      {"a.rs", "sink(\"{id}\");", true},
      {"a.rs", "sink(\"{{id}}\");", false},
  };
  for (const auto& row : rows) EXPECT_EQ(Arrives(row.body, row.path), row.want) << row.body;
}

TEST(Code, BrokenBracketsAreReadAsFarAsTheyGo) {
  for (const std::string text :
       {"}}}", "((({{{", "int f( {", "void f() { g( ; }", "struct { (", "fn f(", "f(]",
        "#if\n{\n#else", "impl {", "void f() { a(b(c(d) } int g() { return 1; }"}) {
    for (const std::string path : {"a.c", "a.cc", "a.rs"}) {
      const Read read = ReadCode(text, path);
      for (const Call& call : read->calls()) read->UseOf(call);
    }
  }
}

}  // namespace
}  // namespace bailey::review
