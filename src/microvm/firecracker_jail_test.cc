#include "microvm/firecracker_jail.h"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "os/vmm.h"

namespace bailey::microvm {
namespace {

bool IsRoot() { return ::geteuid() == 0; }

TEST(FirecrackerJail, TheWholeCommandLine) {
  const JailPlan plan{
      {"/usr/bin/firecracker", "/usr/bin/jailer"}, "test-one", 1879048200, 512 << 20};
  EXPECT_EQ(fmt::format("{}", fmt::join(JailerArguments(plan), " ")),
            "/usr/bin/jailer --id test-one --exec-file /usr/bin/firecracker --uid 1879048200 --gid "
            "1879048200 --cgroup-version 1 --chroot-base-dir /tmp --resource-limit fsize=536870912 "
            "--resource-limit no-file=256 -- --api-sock /api");
}

TEST(FirecrackerJail, WhatOthersMayChangeIsNotStarted) {
  if (!IsRoot()) GTEST_SKIP() << "only root's own files are trusted";
  char name[] = "/tmp/bailey-trust-XXXXXX";
  const std::string place = ::mkdtemp(name);
  const std::string file = place + "/jailer";
  std::ofstream(file) << "#!/bin/sh\n";
  EXPECT_TRUE(CheckTrusted(file));
  const auto refused = [&](const std::string& culprit) {
    const auto checked = CheckTrusted(file);
    EXPECT_EQ(checked ? "" : checked.error().text,
              "use " + file + ": others than root may change " + culprit);
  };
  ::chmod(file.c_str(), 0777);
  refused(file);
  ::chmod(file.c_str(), 0755);
  ASSERT_EQ(::chown(file.c_str(), 12345, 0), 0);
  refused(file);
  ASSERT_EQ(::chown(file.c_str(), 0, 0), 0);
  ::chmod(place.c_str(), 0770);
  refused(place);
  ::chmod(place.c_str(), 0700);
  EXPECT_TRUE(CheckTrusted(file));
  std::filesystem::remove_all(place);
}

TEST(FirecrackerJail, EachMachineHasAUserOfItsOwn) {
  char name[] = "/tmp/bailey-users-XXXXXX";
  const std::string place = ::mkdtemp(name);
  ::setenv("XDG_RUNTIME_DIR", place.c_str(), 1);
  std::set<std::uint32_t> ids;
  std::vector<JailUser> users;
  for (int i = 0; i < 100; ++i) {
    auto user = JailUser::Claim();
    ASSERT_TRUE(user) << user.error().text;
    EXPECT_GE(user->Id(), 0x70000000u);
    EXPECT_LT(user->Id(), 0x7ffe0000u);
    EXPECT_TRUE(ids.insert(user->Id()).second);
    users.push_back(*std::move(user));
  }
  ::unsetenv("XDG_RUNTIME_DIR");
  std::filesystem::remove_all(place);
}

base::UniqueFd FileOf(std::string_view text) {
  auto file = os::MakeMemoryFile("test", 0);
  EXPECT_TRUE(file);
  EXPECT_EQ(::write(file->Get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return *std::move(file);
}

std::string Read(int directory, const char* name) {
  base::UniqueFd file(::openat(directory, name, O_RDONLY | O_CLOEXEC));
  std::string text(64, '\0');
  const ssize_t count = ::read(file.Get(), text.data(), text.size());
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

TEST(FirecrackerJail, FilesOfTheMachineLieInItAndBelongToItsUser) {
  if (!IsRoot()) GTEST_SKIP() << "only root makes file systems and gives files away";
  const base::UniqueFd kernel = FileOf("kernel"), initramfs = FileOf("first files"),
                       root = FileOf("root"), changes = FileOf("");
  const JailContents contents{1,
                              kernel.Get(),
                              initramfs.Get(),
                              {{"root", false, root.Get()}, {"changes", true, changes.Get()}}};
  const JailPlan plan{
      {"/usr/bin/firecracker-v1", "/usr/bin/jailer"}, "test-one", 0x70000001, 1 << 20};
  auto jail = Jail::Make(plan, contents);
  ASSERT_TRUE(jail) << jail.error().text;
  struct stat top, below;
  ASSERT_EQ(::fstat(jail->Root(), &below), 0);
  ASSERT_EQ(::fstatat(jail->Mount(), "firecracker-v1/test-one/root", &top, 0), 0);
  EXPECT_EQ(top.st_ino, below.st_ino);
  EXPECT_EQ(Read(jail->Root(), "vmlinux"), "kernel");
  EXPECT_EQ(Read(jail->Root(), "initramfs"), "first files");
  EXPECT_EQ(Read(jail->Root(), "drive0"), "root");
  const std::pair<const char*, mode_t> files[] = {
      {"vmlinux", S_IFREG | 0400}, {"initramfs", S_IFREG | 0400}, {"drive0", S_IFREG | 0400},
      {"drive1", S_IFREG | 0600},  {"log", S_IFIFO | 0600},       {"metrics", S_IFIFO | 0600}};
  std::string serials;
  for (const auto& [name, mode] : files) {
    struct stat found;
    ASSERT_EQ(::fstatat(jail->Root(), name, &found, AT_SYMLINK_NOFOLLOW), 0) << name;
    EXPECT_EQ(found.st_mode, mode) << name;
    EXPECT_EQ(found.st_uid, 0x70000001u) << name;
    EXPECT_EQ(found.st_gid, 0x70000001u) << name;
    if (std::string_view(name).starts_with("drive"))
      serials += (serials.empty() ? "" : ",") +
                 (std::to_string(found.st_dev) + std::to_string(found.st_rdev) +
                  std::to_string(found.st_ino))
                     .substr(0, 20) +
                 (name[5] == '0' ? ":root" : ":changes");
  }
  const FirecrackerPlan& machine = jail->Machine();
  EXPECT_EQ(machine.boot,
            "quiet loglevel=1 panic=-1 reboot=k audit=0 8250.nr_uarts=0 bailey.line=vsock "
            "bailey.drives=" +
                serials);
  EXPECT_TRUE(BootRequests(machine));
  // What is written is read from outside.
  base::UniqueFd written(::openat(jail->Root(), "drive1", O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::write(written.Get(), "changed", 7), 7);
  const base::UniqueFd seen = jail->TakeWritten();
  char text[8] = {};
  EXPECT_EQ(::pread(seen.Get(), text, 7, 0), 7);
  EXPECT_STREQ(text, "changed");
  struct stat size;
  ASSERT_EQ(::fstat(seen.Get(), &size), 0);
  EXPECT_EQ(size.st_size, 1 << 20);
  // Its log is read as far as it goes, and never waited for.
  EXPECT_EQ(jail->ReadLog(100), "");
  base::UniqueFd log(::openat(jail->Root(), "log", O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_EQ(::write(log.Get(), "words", 5), 5);
  EXPECT_EQ(jail->ReadLog(100), "words");
}

}  // namespace
}  // namespace bailey::microvm
