// Readers of confinements, and what the finders make of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "compat/bubblewrap_options.h"
#include "review/finder.h"
#include "review/read.h"
#include "review/read_bwrap.h"
#include "review/read_mounts.h"
#include "review/sight.h"

namespace bailey::review {
namespace {

using Rules = std::set<std::string>;

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char letter : text) {
    if (letter == ' ') {
      words.emplace_back();
    } else {
      words.back() += letter;
    }
  }
  return words;
}

Rules RulesOf(const Subject& subject) {
  std::vector<Finding> findings;
  for (const Finder& finder : ConfinementFinders()) finder.find(subject, findings);
  for (const Finder& finder : MachineFinders()) finder.find(subject, findings);
  Rules rules;
  for (const Finding& finding : findings) {
    EXPECT_FALSE(finding.evidence.empty()) << finding.rule;
    EXPECT_NE(finding.effect, Severity::kNone) << finding.rule;
    EXPECT_FALSE(finding.place.file.empty()) << finding.rule;
    rules.insert(finding.rule.substr(finding.rule.find('/') + 1));
  }
  return rules;
}

Subject Bwrap(std::string_view arguments, bool as_root) {
  const auto words = Words(arguments);
  const auto line = compat::ParseBubblewrap(words);
  EXPECT_TRUE(line) << line.error().text;
  Subject subject;
  subject.file = "bwrap arguments";
  subject.confinement = ConfinementOf(*line, as_root);
  subject.confinement->bubblewrap = words;
  return subject;
}

constexpr std::string_view kTight =
    "--unshare-all --unshare-user --disable-userns --new-session --clearenv --ro-bind /usr /usr "
    "--proc /proc --dev /dev --tmpfs /tmp ";

TEST(BwrapFinders, ATightSandboxOfAUserHasNoFindings) {
  EXPECT_EQ(RulesOf(Bwrap(std::string(kTight) + "true", false)), Rules{});
}

TEST(BwrapFinders, EachLooseArgumentIsFound) {
  struct Row {
    std::string_view added;
    Rules want;
  };
  for (const Row& row : std::vector<Row>{
           {"--share-net true", {"shared-network-namespace"}},
           {"--ro-bind /run/docker.sock /run/docker.sock true", {"engine-socket"}},
           {"--ro-bind /var/run/docker.sock /d true", {"engine-socket"}},
           {"--ro-bind /var/run /var/run true", {"engine-socket", "host-sockets"}},
           {"--ro-bind /run /run --tmpfs /run true", {}},
           {"--ro-bind /home/ann /home/ann true", {"home-secrets"}},
           {"--bind /home/ann /home/ann true", {"home-secrets", "startup-files"}},
           {"--bind /home/ann /home/ann --remount-ro /home/ann true", {"home-secrets"}},
           {"--bind /home/ann/work /home/ann/work true", {}},
           {"--ro-bind /home/ann /home/ann --tmpfs /home/ann true", {}},
           {"--ro-bind /home/ann/.ssh/config /c true", {}},
           {"--dev-bind /dev /dev true", {"host-devices"}},
           {"--ro-bind /proc /proc true", {"host-proc"}},
           {"--cap-add CAP_SYS_ADMIN true", {"capabilities-inside"}},
           {"--setenv GITHUB_TOKEN x true", {"secret-variables"}},
           {"--setenv GITHUB_TOKEN x --unsetenv GITHUB_TOKEN true", {}},
           {"--ro-bind /run/user/1000/bus /run/user/1000/bus true", {"host-sockets"}},
           {"--ro-bind /run/user/1000/bus /bus true", {"host-sockets"}},
           {"--ro-bind /run/user/1000 /r true", {"engine-socket", "host-sockets"}},
           {"--ro-bind /run/user/1000/proxy/a /run/user/1000/bus true", {}},
           {"--ro-bind /run/user/1000/bus /bus --tmpfs /bus true", {}},
           {"--chdir /proc/self/fd/7 true", {"working-directory"}},
           {"--chdir /proc/self/fd/7/../../../.. true", {"working-directory"}},
           {"--proc /p --chdir /p/1/cwd true", {"working-directory"}},
           {"--chdir /procedures true", {}},
           {"--setenv TOKENIZERS_PARALLELISM 1 true", {}},
       }) {
    EXPECT_EQ(RulesOf(Bwrap(std::string(kTight) + std::string(row.added), false)), row.want)
        << row.added;
  }
}

TEST(BwrapFinders, WhatIsLeftOutIsFound) {
  const Rules found = RulesOf(Bwrap("--ro-bind /usr /usr --proc /proc true", false));
  EXPECT_EQ(found, (Rules{"shared-pid-namespace", "shared-network-namespace",
                          "shared-ipc-namespace", "shared-cgroup-namespace", "host-proc",
                          "terminal-injection", "new-user-namespaces", "environment-inherited"}));
}

TEST(BwrapFinders, RootKeepsItsCapabilities) {
  const std::string_view line =
      "--unshare-pid --unshare-net --unshare-ipc --unshare-cgroup --unshare-uts --new-session "
      "--clearenv --ro-bind /usr /usr --proc /proc ";
  const Subject subject = Bwrap(std::string(line) + "true", true);
  EXPECT_EQ(subject.confinement->capabilities, (1ull << 41) - 1);
  const Rules found = RulesOf(subject);
  for (const char* const rule : {"capabilities", "host-root", "kernel-files", "unmasked-files"})
    EXPECT_TRUE(found.contains(rule)) << rule;
  const Subject dropped = Bwrap(std::string(line) + "--cap-drop ALL true", true);
  EXPECT_EQ(dropped.confinement->capabilities, 0u);
  EXPECT_FALSE(RulesOf(dropped).contains("capabilities"));
}

TEST(BwrapReader, PlacesAreArgumentNumbers) {
  const Subject subject = Bwrap("--unshare-all --ro-bind /run/docker.sock /s true", false);
  std::vector<Finding> findings;
  for (const Finder& finder : ConfinementFinders()) finder.find(subject, findings);
  const auto found = std::ranges::find(findings, "confinement/engine-socket", &Finding::rule);
  ASSERT_NE(found, findings.end());
  EXPECT_EQ(found->place, (Place{"bwrap arguments", 2, 0, {}}));
  EXPECT_EQ(found->evidence[0], (Evidence{EvidenceKind::kSourceRule, "reading argument 2 of bwrap",
                                          "the read-only bind of /run/docker.sock on /s"}));
  EXPECT_EQ(found->attempts, (std::vector<Attempt>{{Attempt::Kind::kConnect, "/s"}}));
}

TEST(Sight, LaterMountsCoverEarlierOnes) {
  Confinement confinement;
  const auto add = [&](std::string from, std::string to) {
    Mount mount;
    mount.type = "bind";
    mount.from = std::move(from);
    mount.to = std::move(to);
    confinement.mounts.push_back(mount);
  };
  add("/", "/");
  add("", "/home");
  add("/srv/a", "/home/x");
  EXPECT_TRUE(SightsOf(confinement, "/home/ann").empty());
  ASSERT_EQ(SightsOf(confinement, "/srv/a/b").size(), 2u);
  EXPECT_EQ(SightsOf(confinement, "/srv/a/b")[1].inside, "/home/x/b");
  EXPECT_EQ(PlainPath("/var//run/./x/../y/"), "/run/y");
  EXPECT_EQ(PlainPath("/../.."), "/");
}

TEST(Sight, AnyNameIsWhatAMountOfOneNameHas) {
  const Subject subject = Bwrap("--bind /run/user/7 /r --bind /run /s true", false);
  std::vector<std::string> insides;
  for (const Sight& sight : SightsOf(*subject.confinement, "/run/user/*/bus"))
    insides.push_back(sight.inside);
  EXPECT_EQ(insides, (std::vector<std::string>{"/r/bus", "/s/user/*/bus"}));
  EXPECT_EQ(SightsOf(*subject.confinement, "/run/users/*/bus").size(), 1u);
}

// Of a policy with the host's network whose filter allows these.
Finding SharedNetworkWith(const std::string& allowed) {
  const auto subject = ReadPolicyText(
      "bailey = 1\nname = \"p\"\nextends = [\"untrusted\"]\n[network]\nmode = \"host\"\n"
      "[syscalls]\nallow = [" +
          allowed + "]\n",
      "p.toml", {.home = "/home/u", .current_directory = "/w"}, {});
  if (!subject) {
    ADD_FAILURE() << subject.error().text;
    return {};
  }
  std::vector<Finding> findings;
  for (const Finder& finder : ConfinementFinders()) finder.find(*subject, findings);
  const auto found =
      std::ranges::find(findings, "confinement/shared-network-namespace", &Finding::rule);
  EXPECT_NE(found, findings.end());
  return found == findings.end() ? Finding{} : *found;
}

TEST(SharedNetwork, AbstractSocketsAreReachedWhereUnixOnesAreMadeAndConnected) {
  const std::string unix_socket = "{ syscall = \"socket\", when = \"family == AF_UNIX\" }";
  const Finding closed = SharedNetworkWith("");
  EXPECT_EQ(closed.reach, Reach::kOtherLayer);
  EXPECT_EQ(closed.bounded_by, "the filter keeps no-network");
  EXPECT_EQ(SharedNetworkWith(unix_socket).reach, Reach::kOtherLayer);
  EXPECT_EQ(SharedNetworkWith("\"connect\"").reach, Reach::kOtherLayer);
  const Finding open = SharedNetworkWith(unix_socket + ", \"connect\"");
  EXPECT_EQ(open.reach, Reach::kAnyProgram);
  EXPECT_TRUE(open.attempts.empty());
  EXPECT_EQ(closed.attempts.size(), 1u);
  ASSERT_EQ(open.evidence.size(), 2u);
  EXPECT_EQ(open.evidence[1].ran, "prove that no unix socket is connected");
  EXPECT_EQ(open.evidence[1].result,
            "x86_64: socket(family=1 /* AF_UNIX */, type=0, protocol=0) -> allow; x86_64: "
            "connect(fd=0, uservaddr=0, addrlen=0) -> allow");
  EXPECT_NE(open.reason.find("CVE-2020-15257"), std::string::npos);
}

TEST(Mounts, AreFoundOnTheHost) {
  const auto host = ParseMountRecords(
      "20 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
      "21 20 0:5 / /proc rw - proc proc rw\n"
      "nonsense\n");
  const auto own = ParseMountRecords(
      "90 80 254:0 /srv/my\\040data /data ro,nosuid - ext4 /dev/vda rw\n"
      "91 80 0:99 / /proc rw,nodev - proc proc rw\n"
      "92 80 254:0 /srv/x /x rw - ext4 /dev/vda ro\n"
      "93 80 0:98 / /tmp rw - tmpfs tmpfs rw\n");
  const auto mounts = MountsOf(own, host, "f");
  ASSERT_EQ(mounts.size(), 4u);
  EXPECT_EQ(mounts[0].from, "/srv/my data");
  EXPECT_EQ(mounts[0].type, "bind");
  EXPECT_TRUE(mounts[0].nosuid);
  EXPECT_FALSE(mounts[0].writable);
  EXPECT_EQ(mounts[1].from, "");
  EXPECT_EQ(mounts[1].type, "proc");
  EXPECT_FALSE(mounts[2].writable) << "its file system is read-only";
  EXPECT_EQ(mounts[3].type, "tmpfs");
  EXPECT_EQ(mounts[3].place.line, 4);
}

}  // namespace
}  // namespace bailey::review
