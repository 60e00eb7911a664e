#include "mcp/workspace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace bailey::mcp {
namespace {

class WorkspaceTest : public testing::Test {
 protected:
  WorkspaceTest() {
    std::string name = "/tmp/bailey-workspace-XXXXXX";
    top_ = std::filesystem::canonical(::mkdtemp(name.data())).string();
    inside_ = top_ + "/inside";
    std::filesystem::create_directories(inside_ + "/src/deep");
    std::filesystem::create_directories(inside_ + "/read-only");
    Put(top_ + "/outside", "outside");
    Put(inside_ + "/a", "one two one");
    Put(inside_ + "/.env", "SECRET");
    Put(inside_ + "/src/.env", "SECRET");
    Put(inside_ + "/src/b", "b");
    std::filesystem::create_symlink("../outside", inside_ + "/out");
    std::filesystem::create_symlink(top_, inside_ + "/up");
    std::filesystem::create_symlink("src/b", inside_ + "/within");
  }
  ~WorkspaceTest() override { std::filesystem::remove_all(top_); }
  static void Put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
  static std::string Get(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  Workspace Open() const {
    auto opened = Workspace::Open(inside_, {.hide = {inside_ + "/**/.env", inside_ + "/src/deep"},
                                            .write = {inside_ + "/src", inside_ + "/a",
                                                      inside_ + "/.env", inside_ + "/new"}});
    EXPECT_TRUE(opened);
    return *std::move(opened);
  }

  std::string top_, inside_;
};

TEST_F(WorkspaceTest, ReadsWhatIsInside) {
  const Workspace workspace = Open();
  for (const std::string& path : {std::string("src/b"), std::string("within"),
                                  std::string("src/../src/b"), inside_ + "/src/b"})
    EXPECT_EQ(workspace.Read(path).value_or("?"), "b") << path;
}

TEST_F(WorkspaceTest, LeadsNowhereElse) {
  const Workspace workspace = Open();
  struct {
    std::string path, cause;
  } const rows[] = {
      {"../outside", "it leads out of the workspace; name a path inside"},
      {"out", "it leads out of the workspace; name a path inside"},
      {"up/outside", "it leads out of the workspace; name a path inside"},
      {"src/../../outside", "it leads out of the workspace; name a path inside"},
      {"/etc/passwd", "it leads out of the workspace; name a path inside"},
      {inside_ + "x/a", "it leads out of the workspace; name a path inside"},
      {"none", "No such file or directory"},
      {".env", "No such file or directory"},
      {"src/.env", "No such file or directory"},
      {"src", "Is a directory"},
      {std::string("a\0b", 3), "Invalid argument"},
  };
  for (const auto& row : rows) {
    const auto text = workspace.Read(row.path);
    ASSERT_FALSE(text) << row.path;
    EXPECT_THAT(text.error().text, testing::EndsWith(": " + row.cause)) << row.path;
  }
  for (const char* path : {"../made", "out", "up/made", "/tmp/bailey-made", "src/.env", ".env",
                           "..", "read-only/x", "src/none/x", "src/deep/x", "within", "src/"}) {
    EXPECT_FALSE(workspace.Write(path, "bad")) << path;
  }
  EXPECT_EQ(Get(top_ + "/outside"), "outside");
  EXPECT_EQ(Get(inside_ + "/.env"), "SECRET");
  EXPECT_FALSE(std::filesystem::exists(top_ + "/made"));
}

TEST_F(WorkspaceTest, WritesWholeFiles) {
  const Workspace workspace = Open();
  ASSERT_EQ(::chmod((inside_ + "/src/b").c_str(), 0750), 0);
  EXPECT_TRUE(workspace.Write("src/b", "changed"));
  EXPECT_TRUE(workspace.Write("new", "made"));
  EXPECT_EQ(Get(inside_ + "/src/b"), "changed");
  EXPECT_EQ(Get(inside_ + "/new"), "made");
  struct stat found = {};
  ASSERT_EQ(::stat((inside_ + "/src/b").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777u, 0750u);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(inside_ + "/src"))
    files += entry.is_regular_file();
  EXPECT_EQ(files, 2u) << "nothing is left beside it";
}

TEST_F(WorkspaceTest, Edits) {
  const Workspace workspace = Open();
  EXPECT_EQ(workspace.Edit("a", "two", "2", false).value_or(0), 1u);
  EXPECT_EQ(Get(inside_ + "/a"), "one 2 one");
  const auto twice = workspace.Edit("a", "one", "1", false);
  ASSERT_FALSE(twice);
  EXPECT_EQ(
      twice.error().text,
      "edit a: the old text stands in it 2 times, not once; name more of what is around it, or "
      "say \"all\"");
  EXPECT_EQ(workspace.Edit("a", "one", "1", true).value_or(0), 2u);
  EXPECT_EQ(Get(inside_ + "/a"), "1 2 1");
  EXPECT_EQ(workspace.Edit("a", "three", "3", false).error().text,
            "edit a: the old text stands in it 0 times, not once; read it again");
}

TEST_F(WorkspaceTest, Lists) {
  std::vector<std::string> names;
  const auto entries = Open().List(".");
  ASSERT_TRUE(entries);
  for (const Entry& entry : *entries) names.push_back(entry.kind + " " + entry.name);
  EXPECT_THAT(names, testing::ElementsAre("file a", "link out", "directory read-only",
                                          "directory src", "link up", "link within"));
}

TEST(Hidden, IsWhatIsBelowToo) {
  const std::vector<std::string> hide = {"/h/.ssh", "/p/**/.env", "/p/*.key", "/q/a?"};
  for (const char* path :
       {"/h/.ssh", "/h/.ssh/id", "/p/.env", "/p/a/b/.env", "/p/.env/x", "/p/my.key", "/q/ab"})
    EXPECT_TRUE(IsHiddenBy(hide, path)) << path;
  for (const char* path : {"/h/.sshx", "/h", "/p/a.env", "/p/a/my.key", "/q/a", "/q/abc"})
    EXPECT_FALSE(IsHiddenBy(hide, path)) << path;
}

}  // namespace
}  // namespace bailey::mcp
