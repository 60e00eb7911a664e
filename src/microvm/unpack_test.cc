// What a guest says that it has changed, honest and not.
#include "microvm/unpack.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "os/tree.h"
#include "os/vmm.h"

namespace bailey::microvm {
namespace {

std::string Octal(std::size_t digits, std::uint64_t value) {
  std::string text(digits, '0');
  for (std::size_t i = digits; i-- > 0; value >>= 3) text[i] = static_cast<char>('0' + (value & 7));
  return text + '\0';
}

std::string Entry(char type, const std::string& name, const std::string& contents = "",
                  const std::string& link = "", unsigned mode = 0644) {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) {
    header.replace(at, text.size(), text);
  };
  put(0, name.substr(0, 99));
  put(100, Octal(7, mode));
  put(124, Octal(11, contents.size()));
  header[156] = type;
  put(157, link.substr(0, 99));
  put(257, "ustar");
  std::string padded = contents;
  padded.resize((padded.size() + 511) / 512 * 512);
  return header + padded;
}

const std::string kEnd(1024, '\0');

class Unpacking : public ::testing::Test {
 protected:
  Unpacking() {
    char name[] = "/tmp/bailey-unpack-XXXXXX";
    top_ = ::mkdtemp(name);
    upper_ = top_ + "/upper";
    std::filesystem::create_directory(upper_);
  }
  ~Unpacking() override { std::filesystem::remove_all(top_); }

  // What Unpack says of this tar, claimed to be so long.
  std::string Said(const std::string& tar, std::uint64_t claimed) {
    auto drive = os::MakeMemoryFile("drive", 1 << 20);
    EXPECT_EQ(::pwrite(drive->Get(), tar.data(), tar.size(), 0), static_cast<ssize_t>(tar.size()));
    std::vector<ChangedMount> mounts(1);
    mounts[0].mount = 2;
    mounts[0].upper = base::UniqueFd(::open(upper_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    mounts[0].owner = ::geteuid();
    mounts[0].group = ::getegid();
    mounts[0].hidden = {"secret", "sub/.env"};
    const auto done = Unpack(drive->Get(), claimed, mounts);
    return done ? "done" : done.error().text;
  }
  std::string Said(const std::string& tar) { return Said(tar, tar.size()); }
  std::string Contents(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(upper_ + "/" + path).rdbuf();
    return text.str();
  }

  std::string top_, upper_;
};

TEST_F(Unpacking, FilesDirectoriesLinksAndMarks) {
  const std::string deep = "2/sub/" + std::string(150, 'n');
  EXPECT_EQ(Said(Entry('5', "2", "", "", 0755) + Entry('0', "2/a", "hello", "", 04755) +
                 Entry('O', "2/sub", "", "", 0700) + Entry('L', "x", deep) +
                 Entry('0', "cut", std::string(1000, 'z')) +
                 Entry('2', "2/link", "", "/etc/passwd") + kEnd),
            "done");
  EXPECT_EQ(Contents("a"), "hello");
  struct stat found;
  ASSERT_EQ(::stat((upper_ + "/a").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0755u);  // without the bit that gives power
  EXPECT_EQ(Contents(deep.substr(2)), std::string(1000, 'z'));
  EXPECT_EQ(std::filesystem::read_symlink(upper_ + "/link"), "/etc/passwd");
  const base::UniqueFd sub(::open((upper_ + "/sub").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_TRUE(os::IsOpaque(sub.Get()));
}

TEST_F(Unpacking, ANameThatLeadsElsewhereIsRefused) {
  for (const std::string name : {"2/../out", "2//out", "2/./out", "2/a/../../out", "2/"}) {
    EXPECT_EQ(Said(Entry('0', name, "x") + kEnd),
              "unpack what the guest has changed: a name leads elsewhere")
        << name;
  }
  EXPECT_FALSE(std::filesystem::exists(top_ + "/out"));
}

TEST_F(Unpacking, AnEntryOfNoPathOfOursIsRefused) {
  for (const std::string name : {"3/a", "/etc/x", "a", "", "0/a", "-2/a", "2a/b"}) {
    EXPECT_EQ(Said(Entry('0', name, "x") + kEnd),
              "unpack what the guest has changed: an entry is of no path that it may change")
        << name;
  }
}

TEST_F(Unpacking, ALinkIsNotFollowed) {
  EXPECT_EQ(Said(Entry('2', "2/l", "", top_) + Entry('0', "2/l/out", "x") + kEnd),
            "unpack what the guest has changed: l/out: Too many levels of symbolic links");
  EXPECT_EQ(Said(Entry('2', "2/m", "", top_ + "/out") + Entry('0', "2/m", "x") + kEnd),
            "unpack what the guest has changed: m: File exists");
  EXPECT_FALSE(std::filesystem::exists(top_ + "/out"));
}

TEST_F(Unpacking, LengthsAreNotBelieved) {
  const std::string whole = Entry('0', "2/a", std::string(2000, 'x')) + kEnd;
  for (std::size_t size = 0; size < 2500; size += 100) {
    std::filesystem::remove(upper_ + "/a");
    EXPECT_NE(Said(whole, size), "done") << size;
  }
  EXPECT_EQ(Said("", ~0ull >> 1), "done");  // zeros: an empty tar
  std::string header = Entry('0', "2/b");
  header.replace(124, 11, "77777777777");
  EXPECT_EQ(Said(header + kEnd), "unpack what the guest has changed: b: Protocol error");
  EXPECT_EQ(Said(Entry('L', "x", std::string(20'000, 'n')) + kEnd),
            "unpack what the guest has changed: a name is too long");
  EXPECT_EQ(Said(std::string(512, 'x') + kEnd), "unpack what the guest has changed: it is no tar");
  EXPECT_EQ(Said(Entry('5', "2/d", "x") + kEnd),
            "unpack what the guest has changed: an entry has contents");
}

TEST_F(Unpacking, WhatIsNoFileIsRefused) {
  for (const char type : {'3', '4', '6', '1', '\0', 'x'})
    EXPECT_EQ(Said(Entry(type, "2/dev") + kEnd),
              "unpack what the guest has changed: dev: Protocol error");
  EXPECT_EQ(Said(Entry('0', "2") + kEnd),
            "unpack what the guest has changed: a directory has become something else");
}

TEST_F(Unpacking, HiddenNamesArePassedOver) {
  EXPECT_EQ(
      Said(Entry('0', "2/secret", "x") + Entry('5', "2/sub") +
           Entry('0', "2/sub/.env", std::string(700, 'y')) + Entry('0', "2/after", "z") + kEnd),
      "done");
  EXPECT_FALSE(std::filesystem::exists(upper_ + "/secret"));
  EXPECT_FALSE(std::filesystem::exists(upper_ + "/sub/.env"));
  EXPECT_EQ(Contents("after"), "z");
}

}  // namespace
}  // namespace bailey::microvm
