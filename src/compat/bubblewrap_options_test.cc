#include "compat/bubblewrap_options.h"

#include <gtest/gtest.h>

namespace bailey::compat {
namespace {

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char letter : text) {
    if (letter != ' ') {
      word += letter;
    } else {
      words.push_back(std::exchange(word, {}));
    }
  }
  words.push_back(word);
  return words;
}

TEST(Bubblewrap, KeepsOrderValuesAndPositions) {
  const auto words =
      Words("--unshare-all --perms 0700 --size 10 --tmpfs /t --bind /a /b -- true --bind");
  const auto line = ParseBubblewrap(words);
  ASSERT_TRUE(line) << line.error().text;
  const std::vector<Operation> want = {
      {Option::kUnshareAll, {}, 1}, {Option::kPerms, {"0700"}, 2},    {Option::kSize, {"10"}, 4},
      {Option::kTmpfs, {"/t"}, 6},  {Option::kBind, {"/a", "/b"}, 8},
  };
  EXPECT_EQ(line->operations, want);
  EXPECT_EQ(line->command, (std::vector<std::string>{"true", "--bind"}));
  EXPECT_EQ(ToString(line->operations[4]), "--bind /a /b");
}

TEST(Bubblewrap, TakesEveryOptionOfTheManual) {
  for (const std::string_view text : {
           "--argv0 x --level-prefix true",
           "--unshare-user --unshare-user-try --unshare-ipc --unshare-pid --unshare-net true",
           "--unshare-uts --unshare-cgroup --unshare-cgroup-try --hostname h true",
           "--unshare-all --share-net --uid 5 --gid 6 true",
           "--userns 3 --userns2 4 --pidns 5 true",
           "--unshare-user --disable-userns --assert-userns-disabled true",
           "--chdir / --clearenv --setenv A b --unsetenv A --lock-file /l --sync-fd 3 true",
           "--bind-try a b --dev-bind a b --dev-bind-try a b --ro-bind a b --ro-bind-try a b true",
           "--bind-fd 3 b --ro-bind-fd 3 b --remount-ro /b true",
           "--overlay-src a --overlay b c d --overlay-src a --tmp-overlay b true",
           "--overlay-src a --overlay-src b --ro-overlay c true",
           "--exec-label l --file-label l --proc /proc --dev /dev --mqueue /m --dir /d true",
           "--perms 600 --file 3 /f --bind-data 3 /f --ro-bind-data 3 /f --symlink a b true",
           "--seccomp 3 true",
           "--add-seccomp-fd 3 --add-seccomp-fd 4 true",
           "--unshare-user --block-fd 3 --userns-block-fd 3 --info-fd 3 --json-status-fd 3 true",
           "--new-session --die-with-parent --unshare-pid --as-pid-1 true",
           "--cap-add ALL --cap-drop cap_net_admin --chmod 0755 /a true",
       }) {
    const auto line = ParseBubblewrap(Words(text));
    EXPECT_TRUE(line) << text << ": " << line.error().text;
  }
}

TEST(Bubblewrap, TakesFurtherArgumentsFromDescriptors) {
  const auto read = [](int descriptor) -> base::Result<std::string> {
    if (descriptor == 3) return std::string("--unshare-pid\0--setenv\0A\0b c\0", 28);
    if (descriptor == 4) return std::string("--dir\0/x\0--\0ignored", 20);
    if (descriptor == 5) return std::string("--args\0003", 8);
    return base::SystemError("read descriptor 6", EBADF);
  };
  const auto words = Words("--args 3 --args 4 --unshare-net true --args 9");
  const auto request = ReadBubblewrap(words, read);
  ASSERT_TRUE(request) << request.error().text;
  const std::vector<Operation> want = {
      {Option::kUnsharePid, {}, 1},
      {Option::kSetenv, {"A", "b c"}, 1},
      {Option::kDir, {"/x"}, 3},
      {Option::kUnshareNet, {}, 5},
  };
  EXPECT_EQ(request->line.operations, want);
  EXPECT_EQ(request->line.command, (std::vector<std::string>{"true", "--args", "9"}));
  struct Row {
    std::string_view arguments, want;
  };
  for (const Row& row : std::vector<Row>{
           {"--args 5 true", "--args not supported in arguments file"},
           {"--args 6 true", "Can't read --args data: read descriptor 6: Bad file descriptor"},
           {"--args x true", "Invalid fd: x"},
           {"--args", "--args takes an argument"},
           {"--bin / / true", "Unknown option --bin"},
           {"--bind /", "--bind takes two arguments"},
           {"--cap-add CAP_FOO true", "unknown cap: CAP_FOO"},
           {"--uid -1 true", "Invalid uid: -1"},
           {"--as-pid-1 true", "--as-pid-1 needs --unshare-pid"},
       }) {
    const auto refused = ReadBubblewrap(Words(row.arguments), read);
    ASSERT_FALSE(refused) << row.arguments;
    EXPECT_EQ(refused.error().text, row.want);
  }
}

TEST(Bubblewrap, SaysEveryOptionInItsHelp) {
  const std::string help = BubblewrapHelp();
  for (int option = 0; option <= static_cast<int>(Option::kBaileyPolicy); ++option) {
    const std::string_view name = Name(static_cast<Option>(option));
    EXPECT_NE(help.find("\n    " + std::string(name) + " "), std::string::npos) << name;
  }
  EXPECT_EQ(ReadBubblewrap(Words("--unshare-all --help -x"), {})->kind,
            BubblewrapRequest::Kind::kHelp);
}

TEST(Bubblewrap, RefusesInOneLine) {
  struct Row {
    std::string_view arguments, want;
  };
  for (const Row& row : std::vector<Row>{
           {"--bind /", "read bwrap argument 1: --bind takes 2 values"},
           {"--unshare-all --proc", "read bwrap argument 2: --proc takes 1 value"},
           {"--dev /dev", "read bwrap arguments: they name no command"},
           {"--unshare-al true",
            "read bwrap argument 1: unknown option --unshare-al (did you mean --unshare-all?)"},
           {"-x true", "read bwrap argument 1: unknown option -x"},
           {"--seccomp x true",
            "read bwrap argument 2: \"x\" of --seccomp is no descriptor's number"},
           {"--seccomp 99999999999 true",
            "read bwrap argument 2: \"99999999999\" of --seccomp is no descriptor's number"},
           {"--uid 4294967295 true",
            "read bwrap argument 2: \"4294967295\" of --uid is no user's or group's number"},
           {"--perms 9 --dir /x true",
            "read bwrap argument 2: \"9\" of --perms is no octal mode up to 07777"},
           {"--perms 700 --bind / / true",
            "read bwrap argument 1: --perms is not followed by an option that makes a file"},
           {"--perms 700 --perms 700 --dir / true",
            "read bwrap argument 3: --perms is given twice for one action"},
           {"--size 10 --dir / true", "read bwrap argument 1: --size is not followed by --tmpfs"},
           {"--size 0 --tmpfs / true",
            "read bwrap argument 2: \"0\" of --size is no number of bytes above 0"},
           {"--overlay-src a true",
            "read bwrap argument 1: --overlay-src is not followed by an overlay"},
           {"--overlay-src a --ro-overlay b true",
            "read bwrap argument 3: --ro-overlay needs two --overlay-src before it"},
           {"--tmp-overlay b true",
            "read bwrap argument 1: --tmp-overlay needs an --overlay-src before it"},
           {"--cap-add CAP_FOO true",
            "read bwrap argument 2: \"CAP_FOO\" of --cap-add is no capability"},
           {"--userns 3 --unshare-user true",
            "read bwrap argument 3: --unshare-user cannot be combined with --userns (argument 1)"},
           {"--seccomp 3 --add-seccomp-fd 3 true",
            "read bwrap argument 3: --add-seccomp-fd cannot be combined with --seccomp (argument "
            "1)"},
           {"--disable-userns true",
            "read bwrap argument 1: --disable-userns needs --unshare-user"},
           {"--as-pid-1 true", "read bwrap argument 1: --as-pid-1 needs --unshare-pid"},
           {"--hostname h true", "read bwrap argument 1: --hostname needs --unshare-uts"},
           {"--help", "read bwrap argument 1: --help starts nothing"},
           {"--args 3 true",
            "read bwrap argument 1: --args takes further arguments from a descriptor, which cannot "
            "be read here: give them in its place"},
       }) {
    const auto line = ParseBubblewrap(Words(row.arguments));
    ASSERT_FALSE(line) << row.arguments;
    EXPECT_EQ(line.error().text, row.want);
  }
}

}  // namespace
}  // namespace bailey::compat
