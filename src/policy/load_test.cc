// Layers, sections and bounds. Calls are in load_calls_test.cc, the texts of errors in
// load_error_test.cc.
#include "policy/load.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include "policy/test_loading.h"

namespace bailey::policy {
namespace {

using testing::ElementsAre;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    const char* const base = std::getenv("TMPDIR");
    path_ = fmt::format("{}/bailey-policy-XXXXXX", base != nullptr ? base : "/tmp");
    EXPECT_NE(mkdtemp(path_.data()), nullptr);
  }
  ~TemporaryDirectory() {
    for (const std::string& file : files_) std::remove(file.c_str());
    rmdir(path_.c_str());
  }
  std::string Write(const std::string& name, const std::string& text) {
    files_.push_back(path_ + "/" + name);
    std::ofstream(files_.back(), std::ios::binary) << text;
    return files_.back();
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::vector<std::string> files_;
};

TEST(Layers, DenyBeatsAllowAndANamedAllowBeatsWhatIsBelow) {
  TemporaryDirectory directory;
  directory.Write("low.toml", R"(bailey = 1
name = "low"
[syscalls]
allow = ["@ipc", "ptrace", "kcmp"]
deny = ["semget", "mount", "@keyring", { syscall = "shmget", when = "size > 4096" }]
)");
  const auto path = directory.Write("high.toml", R"(bailey = 1
name = "high"
extends = ["low.toml"]
[syscalls]
allow = ["mount", "@keyring", { syscall = "shmget", when = "key == 0" }]
deny = ["kcmp"]
)");
  const auto policy = Load(path, kContext);
  ASSERT_TRUE(policy) << base::ToString(policy.error());
  EXPECT_EQ(policy->name, "high");
  const struct {
    const char* sentence;
    const char* call;
    std::vector<std::string> want;
  } kCases[] = {
      {"a deny beats the allow below", "kcmp", {"EPERM (deny of high)"}},
      {"an allow by name beats the deny below", "mount", {"allow (allow of high)"}},
      {"an allow by group does not", "keyctl", {"EPERM (deny @keyring of low)"}},
      {"a deny beats the group of its own layer", "semget", {"EPERM (deny of low)"}},
      {"an inherited allow stays", "ptrace", {"allow (allow of low)"}},
      {"an inherited group stays", "semop", {"allow (allow @ipc of low)"}},
      {"conditions stand in the order of precedence",
       "shmget",
       {"allow when key == 0 (allow of high)", "EPERM when size > 0x1000 (deny of low)",
        "allow (allow @ipc of low)"}},
  };
  for (const auto& c : kCases) EXPECT_EQ(RulesOf(*policy, c.call), c.want) << c.sentence;
}

TEST(Layers, TheCommandLineIsTheTop) {
  const Policy policy = Read(R"(
[filesystem]
read = ["/srv/a"]
write = ["/srv/b"]
[network]
mode = "none"
[process]
workdir = "/srv"
[limits]
wall = "1s"
[environment]
set = { HOME = "/x", KEEP = "1" }
[syscalls]
allow = ["read"]
deny = ["ptrace"]
)",
                             {.read = {"/srv/b"},
                              .write = {"out", "/srv/a"},
                              .hide = {"**/*.key"},
                              .tmpfs = {"/scratch"},
                              .set_environment = {"A=b=c"},
                              .pass_environment = {"HOME"},
                              .network = {"host"},
                              .workdir = "..",
                              .timeout = "2m",
                              .allow_syscalls = {"ptrace"},
                              .deny_syscalls = {"@signal", "read"}});
  EXPECT_THAT(policy.filesystem.read, ElementsAre("/srv/b"));
  EXPECT_THAT(policy.filesystem.write, ElementsAre("/srv/a", "/proj/here/out"));
  EXPECT_THAT(policy.filesystem.hide, ElementsAre("/proj/here/**/*.key"));
  EXPECT_THAT(policy.filesystem.tmpfs, ElementsAre("/scratch"));
  EXPECT_EQ(policy.network.mode, NetworkMode::kHost);
  EXPECT_EQ(policy.process.workdir, "/proj");
  EXPECT_EQ(policy.limits.wall, std::chrono::minutes(2));
  EXPECT_EQ(policy.environment.set.at("A"), "b=c");
  EXPECT_EQ(policy.environment.set.at("KEEP"), "1");
  EXPECT_FALSE(policy.environment.set.contains("HOME")) << "the command line passes the caller's";
  EXPECT_EQ(RulesOf(policy, "ptrace"),
            (std::vector<std::string>{"allow (allow of the command line)"}));
  EXPECT_EQ(RulesOf(policy, "read"),
            (std::vector<std::string>{"EPERM (deny of the command line)"}));
  EXPECT_EQ(RulesOf(policy, "kill"),
            (std::vector<std::string>{"EPERM (deny @signal of the command line)"}));
}

TEST(Layers, NetworksHoldTogether) {
  const Policy policy = Read(R"(
extends = ["untrusted"]
[network]
mode = "allow"
allow = ["*.example.org:443", "10.1.0.0/16:5432"]
deny = ["bad.example.org:*"]
listen = [8080, 8080]
connections = 100
out = "1MiB"
idle = "10s"
proxy = "http://Proxy.test:3128/"
)",
                             {.network = {"allow:a.test:80", "allow:a.test:80"}});
  EXPECT_EQ(policy.network.mode, NetworkMode::kAllow);
  std::vector<std::string> rules;
  for (const auto& rule : policy.network.egress.allow) rules.push_back(egress::ToString(rule));
  EXPECT_THAT(rules, ElementsAre("*.example.org:443", "10.1.0.0/16:5432", "a.test:80"));
  EXPECT_EQ(egress::ToString(policy.network.egress.deny.at(0)), "bad.example.org:*");
  EXPECT_THAT(policy.network.listen, ElementsAre(8080));
  EXPECT_EQ(policy.network.connections, 100u);
  EXPECT_EQ(policy.network.out, 1u << 20);
  EXPECT_EQ(policy.network.idle, std::chrono::seconds(10));
  EXPECT_EQ(policy.network.total, std::nullopt);
  EXPECT_EQ(policy.network.proxy, (UpstreamProxy{"proxy.test", 3128}));
}

TEST(Layers, ANetworkComesWithSockets) {
  const Policy without = Read("extends = [\"untrusted\"]\n");
  EXPECT_EQ(without.syscalls.socket_families, (std::vector<std::uint16_t>{1}));
  const Policy with = Read("extends = [\"untrusted\"]\n", {.network = {"allow"}});
  EXPECT_EQ(with.syscalls.socket_families, (std::vector<std::uint16_t>{1, 2, 10, 16}));
  EXPECT_EQ(RulesOf(with, "connect").at(0), "allow (allow of the command line)");
  const Policy denied = Read(R"(
extends = ["untrusted"]
[network]
mode = "allow"
[syscalls]
deny = ["listen"]
socket-families = ["inet"]
)");
  EXPECT_EQ(denied.syscalls.socket_families, (std::vector<std::uint16_t>{2}));
  EXPECT_EQ(RulesOf(denied, "listen").at(0), "EPERM (deny of x)");
}

TEST(Layers, EntriesOnTopOfPlainRouting) {
  for (const auto& words : {std::vector<std::string>{"nat", "allow:10.0.0.0/8:80"},
                            std::vector<std::string>{"allow:10.0.0.0/8:80", "nat"}}) {
    const Policy policy = Read("extends = [\"untrusted\"]", {.network = words});
    EXPECT_EQ(policy.network.mode, NetworkMode::kNat);
    ASSERT_EQ(policy.network.egress.allow.size(), 1U);
    EXPECT_EQ(egress::ToString(policy.network.egress.allow[0]), "10.0.0.0/8:80");
  }
}

TEST(Layers, OverridesThatCannotBe) {
  const struct {
    Overrides overrides;
    const char* want;
  } kCases[] = {
      {{.network = {"nat:x"}},
       "read --net \"nat:x\": expected \"none\", \"allow\", \"allow:HOST:PORT\", \"nat\" or "
       "\"host\""},
      {{.network = {"allow:example.org"}},
       "read --net allow: read \"example.org\": it has no port, as in example.org:443"},
      {{.network = {"allow", "none"}},
       "read --net \"none\": it is another mode than the one before"},
      {{.network = {"allow", "nat"}}, "read --net \"nat\": it is another mode than the one before"},
      {{.timeout = "10"},
       "read --timeout: read time \"10\": unknown unit \"\", expected one as in \"30s\""},
      {{.timeout = "0s"}, "read --timeout: it is zero"},
      {{.set_environment = {"X"}}, "read --env \"X\": expected NAME=value"},
      {{.set_environment = {"=x"}}, "read --env \"=x\": expected NAME=value"},
      {{.architectures = {"x86_46"}}, "read --arch \"x86_46\": unknown architecture"},
      {{.allow_syscalls = {"raed"}},
       "read --allow-syscall: no architecture has a system call \"raed\", did you mean \"read\"?"},
      {{.deny_syscalls = {"@keyrings"}},
       "read --deny-syscall: unknown group \"@keyrings\", did you mean \"@keyring\"?"},
      {{.read = {"/a/../b"}},
       "command line: resolve [filesystem] read \"/a/../b\": \"..\" behind a name could lead "
       "through a symbolic link"},
      {{.read = {"/a"}, .hide = {"/a"}},
       "command line: read [filesystem]: /a is in hide here and in read at command line"},
      {{.allow_syscalls = {"read"}, .deny_syscalls = {"read"}},
       "command line: read [syscalls]: read is denied here and allowed at command line"},
  };
  for (const auto& c : kCases) EXPECT_EQ(ErrorOf("", c.overrides), c.want);
}

TEST(Layers, EachIsReadOnceAndCyclesAreNamed) {
  TemporaryDirectory directory;
  const auto write = [&](const char* name, const char* extends) {
    return directory.Write(name, fmt::format("bailey = 1\nextends = [{}]\n", extends));
  };
  write("base.toml", "");
  write("left.toml", "\"base.toml\"");
  write("right.toml", "\"./base.toml\", \"untrusted\"");
  EXPECT_TRUE(
      Load(write("diamond.toml", "\"left.toml\", \"right.toml\", \"untrusted\""), kContext));

  const std::string a = write("a.toml", "\"b.toml\"");
  const std::string b = write("b.toml", "\"agent\", \"a.toml\"");
  const auto cycle = Load(a, kContext);
  ASSERT_FALSE(cycle);
  EXPECT_EQ(base::ToString(cycle.error()),
            fmt::format("{1}:2:21: read extends: {0} extends itself: {0} -> {1} -> {0}\n"
                        "extends = [\"agent\", \"a.toml\"]\n"
                        "                    ^",
                        a, b));
  for (int i = 0; i < 20; ++i)
    write(fmt::format("{}.toml", i).c_str(), fmt::format("\"{}.toml\"", i + 1).c_str());
  const auto deep = Load(directory.path() + "/0.toml", kContext);
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().text, "read extends: more than 16 levels");
}

TEST(Layers, ScalarsAreTheHighestAndListsAddUp) {
  const Policy policy = Read(R"(
extends = ["agent"]
[filesystem]
read = ["/srv/data", "~/.netrc"]
sockets = ["/run/x.sock?"]
bind = [{ from = "/srv/b?", to = "/b" }, { from = "/srv/c", to = "/c", write = true }]
devices = ["kvm", "null"]
[process]
uid = 7
capabilities = ["CAP_NET_RAW", "CAP_NET_RAW"]
[limits]
pids = 3
)");
  EXPECT_THAT(policy.filesystem.read, testing::IsSupersetOf({"/usr", "/srv/data"}));
  EXPECT_THAT(policy.filesystem.read, testing::Contains("/home/u/.netrc"));
  EXPECT_THAT(policy.filesystem.hide, testing::Not(testing::Contains("/home/u/.netrc")))
      << "the file names what its preset hides";
  EXPECT_THAT(policy.filesystem.sockets, ElementsAre("/run/x.sock"));
  EXPECT_THAT(policy.filesystem.optional, testing::IsSupersetOf({"/run/x.sock", "/srv/b"}));
  EXPECT_THAT(policy.filesystem.binds,
              ElementsAre(Bind{"/srv/b", "/b", false}, Bind{"/srv/c", "/c", true}));
  EXPECT_THAT(policy.filesystem.devices,
              ElementsAre("null", "zero", "full", "random", "urandom", "tty", "kvm"));
  EXPECT_EQ(policy.process.uid, 7u);
  EXPECT_EQ(policy.process.gid, 1000u);
  EXPECT_THAT(policy.process.capabilities, ElementsAre("CAP_NET_RAW"));
  EXPECT_EQ(policy.limits.processes, 3u);
  EXPECT_EQ(policy.limits.files, 1024u);
  // A socket's path is granted, so socket(AF_UNIX) is open.
  const std::vector<std::string> sockets = RulesOf(policy, "socket");
  EXPECT_EQ(sockets.front(),
            "EAFNOSUPPORT when not family in {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK} "
            "(socket-families of agent)");
  EXPECT_EQ(sockets.back(), "allow (allow @network-io of untrusted)");
}

TEST(Layers, NothingIsGrantedByAnEmptyFile) {
  const Policy policy = Read("");
  Policy want;
  want.name = "x";
  want.environment.set["PATH"] = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";
  want.syscalls.default_action = {abi::ActionKind::kErrno, "EPERM", 0};
  want.syscalls.architectures = {abi::Arch::kX86_64, abi::Arch::kI386};
  EXPECT_EQ(policy, want);
}

TEST(Paths, AreResolved) {
  const struct {
    const char* written;
    const char* want;
  } kCases[] = {
      {"/srv", "/srv"},
      {"/srv/", "/srv"},
      {"//a///b/./c/.", "/a/b/c"},
      {"/", "/"},
      {".", "/proj/here"},
      {"./x", "/proj/here/x"},
      {"x/y", "/proj/here/x/y"},
      {"..", "/proj"},
      {"../../..", "/"},
      {"../z", "/proj/z"},
      {"/../x", "/x"},
      {"~", "/home/u"},
      {"~/x", "/home/u/x"},
      {"~x", "/proj/here/~x"},
      {"a b", "/proj/here/a b"},
  };
  for (const auto& c : kCases) {
    const Policy policy = Read(fmt::format("filesystem.read = ['{}']", c.written));
    EXPECT_THAT(policy.filesystem.read, ElementsAre(c.want)) << c.written;
  }
  EXPECT_EQ(ErrorOf("filesystem.read = ['~/..']"),
            "x.toml:2:20: resolve [filesystem] read \"~/..\": \"..\" behind a name could lead "
            "through a symbolic link\n"
            "filesystem.read = ['~/..']\n"
            "                   ^");
  Context homeless = kContext;
  homeless.home = "";
  EXPECT_THAT(ErrorOf("filesystem.hide = ['~/.ssh']", {}, homeless),
              testing::HasSubstr("resolve [filesystem] hide \"~/.ssh\": the home directory is not "
                                 "known"));
}

// A "?" in the caller's own directory is part of a name, not a mark.
TEST(Paths, TheMarkIsWhatWasWritten) {
  Context context = kContext;
  context.current_directory = "/proj/what?";
  const Policy policy = Read("filesystem.read = ['.', 'x?', '/y']", {}, context);
  EXPECT_THAT(policy.filesystem.read, ElementsAre("/proj/what?", "/proj/what?/x", "/y"));
  EXPECT_THAT(policy.filesystem.optional, ElementsAre("/proj/what?/x"));
  const Policy both = Read("filesystem.read = ['/y?']\nfilesystem.write = ['/y']");
  EXPECT_THAT(both.filesystem.write, ElementsAre("/y"));
  EXPECT_THAT(both.filesystem.optional, testing::IsEmpty());
}

TEST(Environment, APathIsSetUnlessThereIsOne) {
  EXPECT_TRUE(Read("").environment.set.contains("PATH"));
  EXPECT_FALSE(Read("environment.pass = ['PATH']").environment.set.contains("PATH"));
  EXPECT_FALSE(Read("environment.pass = ['PA*']").environment.set.contains("PATH"));
  EXPECT_EQ(Read("environment.set = { PATH = '/x' }").environment.set.at("PATH"), "/x");
}

TEST(Loading, NamesAndFiles) {
  const auto error = [](std::string_view name) {
    const auto policy = Load(name, kContext);
    return policy ? "(none)" : base::ToString(policy.error());
  };
  EXPECT_EQ(error("untrustd"),
            "load policy: unknown preset \"untrustd\", did you mean \"untrusted\"?; a file is "
            "named by a path with \"/\" or by its ending \".toml\"");
  EXPECT_EQ(error("/nowhere/x.toml"), "read policy \"/nowhere/x.toml\": No such file or directory");
  EXPECT_EQ(error("/"), "read policy \"/\": Is a directory");
  TemporaryDirectory directory;
  EXPECT_EQ(Load(directory.Write("my.toml", "bailey = 1\n"), kContext)->name, "my");
  const auto huge = directory.Write("huge.toml", std::string(10 << 20, '#'));
  EXPECT_EQ(error(huge), fmt::format("read policy \"{}\": it is larger than 1048576 bytes", huge));
  EXPECT_EQ(Parse(std::string(kMaxPolicyBytes + 1, '\n'), "x", kContext).error().text,
            "read policy \"x\": it is larger than 1048576 bytes");
}

TEST(Loading, WhatIsNotText) {
  const struct {
    const char* sentence;
    std::string text;
    const char* want;
  } kCases[] = {
      {"a program",
       std::string("\x7f"
                   "ELF\x02\x01\x01\0\0",
                   9),
       "x:1:8: read policy: it is not text (byte 0x00)\n ELF     \n       ^"},
      {"latin-1", "bailey = 1\nname = \"caf\xe9\"\n",
       "x:2:12: read policy: it is not text (byte 0xe9)\nname = \"caf?\"\n           ^"},
      {"a surrogate", "# \xed\xa0\x80",
       "x:1:3: read policy: it is not text (byte 0xed)\n# ???\n  ^"},
      {"an overlong slash", "\xc0\xaf", "x:1:1: read policy: it is not text (byte 0xc0)\n??\n^"},
      {"a sequence cut short", "bailey = 1 # \xe2\x82",
       "x:1:14: read policy: it is not text (byte 0xe2)\nbailey = 1 # ??\n             ^"},
  };
  for (const auto& c : kCases) {
    const auto policy = Parse(c.text, "x", kContext);
    ASSERT_FALSE(policy) << c.sentence;
    EXPECT_EQ(base::ToString(policy.error()), c.want) << c.sentence;
  }
}

// What an error shows of a text does not steer the terminal it is shown on.
TEST(Loading, ExcerptsAreHarmless) {
  EXPECT_EQ(ErrorOf("name = 1 # \x1b[31m"),
            "x.toml:2:12: read policy: Error while parsing comment: control characters other than "
            "TAB (U+0009) are explicitly prohibited in comments\nname = 1 #  [31m\n           ^");
  EXPECT_EQ(ErrorOf("name = 1 # \xc2\x9b"
                    "31m é"),
            "x.toml:2:8: read policy name: expected a string, found an integer\n"
            "name = 1 #  31m é\n       ^");
  EXPECT_EQ(ErrorOf("name = 1 #" + std::string(1000, '-')),
            "x.toml:2:8: read policy name: expected a string, found an integer\nname = 1 #" +
                std::string(57, '-') + "\n       ^");
}

std::string Repeat(std::string_view part, std::size_t bytes) {
  std::string text;
  while (text.size() + part.size() <= bytes) text += part;
  return text;
}

// The form again and again, with 0, 1, 2... in it.
std::string Numbered(const char* form, std::size_t bytes) {
  std::string text;
  constexpr std::size_t kLongest = 40;
  for (int i = 0; text.size() + kLongest < bytes; ++i) text += fmt::format(fmt::runtime(form), i);
  return text;
}

TEST(Loading, DepthIsBounded) {
  constexpr std::size_t kAlmost = kMaxPolicyBytes - 100;
  const std::string kTexts[] = {
      "a = " + Repeat("[", kAlmost),
      "a = " + Repeat("{a=", kAlmost),
      Repeat("a.", kAlmost) + "a = 1",
      "[" + Repeat("a.", kAlmost) + "a]",
      "[[" + Repeat("'a'.", kAlmost) + "a]]",
      Repeat("\"\".", kAlmost) + "a = 1",
      "a = ''''x'''''\n" + Repeat("a.", kAlmost) + "a = 1",
  };
  for (const std::string& text : kTexts) {
    const auto policy = Parse(text, "x", kContext);
    ASSERT_FALSE(policy);
    EXPECT_EQ(policy.error().text, "read policy: it nests deeper than 16 levels")
        << text.substr(0, 20);
    EXPECT_LT(policy.error().excerpt.size(), 500u);
  }
  const auto condition =
      ErrorOf("syscalls.deny = [{ syscall = 'read', when = '" + Repeat("(", kAlmost) + "' }]");
  EXPECT_THAT(condition, testing::StartsWith(
                             "x.toml:2:110: read condition: it nests deeper than 64 levels\n"));
}

// Long lines and long lists of everything: no time or memory beyond what the input's size explains.
TEST(Loading, LargeTextsAreReadInLinearTime) {
  constexpr std::size_t kAlmost = kMaxPolicyBytes / 2;
  const std::clock_t start = std::clock();
  const std::string kTexts[] = {
      "environment.pass = ['é'," + Numbered("'A{}',", kAlmost) + "]",
      "environment.set = {'é'='é'," + Numbered("A{}='',", kAlmost) + "B=''}",
      "filesystem.read = [" + Numbered("'/{}',", kAlmost) + "]",
      "filesystem.hide = [" + Numbered("'/{}/*',", kAlmost) + "]",
      "filesystem.bind = [" + Numbered("{{to='/{0}',from='/{0}?'}},", kAlmost) + "]",
      "syscalls.allow = [" + Numbered("{{nr={},arch='i386'}},", kAlmost) + "]",
      Numbered("k{}=0\n", kAlmost),
      "syscalls.allow = [" + Repeat("'@default',", kAlmost) + "]",
      "syscalls.deny = [" + Repeat("{syscall='read',when='fd==1'},", kAlmost) + "]",
      "name = '" + Repeat("x", kAlmost) + "'",
      "syscalls.allow = ['" + Repeat("x", kAlmost) + "']",
      "extends = [" + Repeat("'os',", kAlmost) + "]",
  };
  for (const std::string& text : kTexts) {
    const auto policy = Parse("bailey = 1\n" + text, "x", kContext);
    if (policy) {
      EXPECT_LT(policy->syscalls.rules.size(), text.size() / 20);
    } else {
      EXPECT_LT(base::ToString(policy.error()).size(), 1000u);
    }
  }
  // Some seconds; with a loop within a loop over 100,000 elements it would be many minutes.
  EXPECT_LT((std::clock() - start) / CLOCKS_PER_SEC, 100);
}

}  // namespace
}  // namespace bailey::policy
