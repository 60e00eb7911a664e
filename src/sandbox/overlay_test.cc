#include "sandbox/overlay.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "os/file.h"
#include "os/identity.h"
#include "os/mount.h"
#include "os/process.h"

namespace bailey::sandbox {
namespace {

namespace fs = std::filesystem;

class OverlayTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/bailey-overlay-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    top_ = fs::canonical(name).string();
    for (const char* directory : {"/low:er", "/upper", "/work", "/top,most"})
      fs::create_directories(top_ + directory);
    std::ofstream(top_ + "/low:er/both") << "lower";
    std::ofstream(top_ + "/low:er/below");
    std::ofstream(top_ + "/top,most/both") << "topmost";
  }
  void TearDown() override { fs::remove_all(top_); }

  // The outcome of `act` below the overlay's mount, in namespaces of its own; an errno if the mount
  // failed.
  template <class F>
  int Inside(const OverlayMount& overlay, F act) {
    const uid_t uid = ::geteuid();
    const gid_t gid = ::getegid();
    const auto child = os::Fork(os::kUserNamespace | os::kMountNamespace);
    if (!child) return child.error().value;
    if (child->pid == 0) os::Exit(Mounted(overlay, uid, gid, act));
    const auto ended = os::WaitFor(child->pid);
    return ended && WIFEXITED(ended->wait_status) ? WEXITSTATUS(ended->wait_status) : 255;
  }

  std::string top_;

 private:
  template <class F>
  static int Mounted(const OverlayMount& overlay, uid_t uid, gid_t gid, F act) {
    const auto proc = os::Open(AT_FDCWD, "/proc", O_PATH);
    if (!proc || !os::WriteOwnIdMaps(proc->Get(), {0, uid, 1}, {0, gid, 1}, true)) return 254;
    if (!os::MakeMountsPrivate()) return 253;
    Overlays overlays;
    if (!overlays.Begin()) return 253;
    const auto root = os::NewFilesystem("tmpfs", {}, 0);
    const auto place = os::Open(AT_FDCWD, "/proc", O_PATH);
    if (!root || !place || !os::Attach(root->Get(), place->Get())) return 252;
    const auto tree = overlays.Make(overlay, root->Get());
    if (!tree) return tree.error().value;
    if (!os::MakeDirectory(root->Get(), "merged", 0755)) return 251;
    const auto target = os::Open(root->Get(), "merged", O_PATH);
    if (!target || !os::Attach(tree->Get(), target->Get())) return 250;
    if (!overlays.Finish()) return 249;
    return act("/proc/merged") ? 0 : 248;
  }
};

std::string Read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(OverlayTest, ChangesGoToUpperAndTheTopmostIsSeen) {
  const OverlayMount overlay = {.lower = {top_ + "/top,most", top_ + "/low:er"},
                                .upper = top_ + "/upper",
                                .work = top_ + "/work"};
  EXPECT_EQ(Inside(overlay,
                   [](const std::string& merged) {
                     std::ofstream(merged + "/new") << "new";
                     fs::remove(merged + "/below");
                     return Read(merged + "/both") == "topmost";
                   }),
            0);
  EXPECT_EQ(Read(top_ + "/upper/new"), "new");
  EXPECT_FALSE(fs::exists(top_ + "/low:er/new"));
  EXPECT_TRUE(fs::exists(top_ + "/low:er/below"));
}

TEST_F(OverlayTest, InMemoryNothingIsLeft) {
  const OverlayMount overlay = {.lower = {top_ + "/low:er"}, .in_memory = true};
  EXPECT_EQ(Inside(overlay,
                   [](const std::string& merged) {
                     std::ofstream(merged + "/new") << "new";
                     return Read(merged + "/new") == "new" &&
                            !fs::exists(merged + "/../.bailey-overlay");
                   }),
            0);
  EXPECT_FALSE(fs::exists(top_ + "/low:er/new"));
}

TEST_F(OverlayTest, WithoutUpperNothingCanBeChanged) {
  const OverlayMount overlay = {.lower = {top_ + "/top,most", top_ + "/low:er"}};
  EXPECT_EQ(Inside(overlay,
                   [](const std::string& merged) {
                     return !os::MakeFile(AT_FDCWD, (merged + "/new").c_str(), 0644);
                   }),
            0);
}

TEST_F(OverlayTest, ALayerThatIsNotThereIsAnError) {
  EXPECT_EQ(Inside({.lower = {top_ + "/none"}}, [](const std::string&) { return true; }), ENOENT);
}

}  // namespace
}  // namespace bailey::sandbox
