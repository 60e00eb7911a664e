#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "learn/fold.h"
#include "learn/policy_text.h"
#include "learn/profile.h"
#include "policy/load.h"
#include "prove/reading.h"

namespace bailey::learn {
namespace {

using abi::Arch;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const policy::Context kContext = {.home = "/home/me", .current_directory = "/ws/tree"};

Profile Example() {
  Profile profile = {.runs = 1};
  profile.calls[{Arch::kX86_64, "openat"}] = {.count = 20};
  profile.calls[{Arch::kX86_64, "execve"}] = {.count = 1};
  profile.calls[{Arch::kX86_64, "socket"}] = {.count = 2, .values = {1}};
  profile.unix_sockets = true;
  profile.calls[{Arch::kX86_64, "ioctl"}] = {.count = 3, .values = {0x5401, 0x5413}};
  profile.calls[{Arch::kX86_64, "clone"}] = {.count = 1, .values = {0x1200011}};
  profile.paths["/srv/repo/HEAD"] = {.read = true, .count = 1};
  return profile;
}

TEST(Profile, ComesBackAsItWas) {
  Profile profile = Example();
  profile.sockets = {"/run/x"};
  profile.addresses = {"127.0.0.1:80"};
  profile.destinations = {"example.org:443", "[2001:db8:1::1]:53/udp"};
  profile.names = {"example.org", "www.example.org"};
  const auto back = ParseProfile(ToJson(profile), "x.json");
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(*back, profile);
}

TEST(Profile, IsNotReadFromWhatIsNone) {
  EXPECT_EQ(ParseProfile("{", "x.json").error().text, "read profile x.json: it is no JSON");
  EXPECT_THAT(ParseProfile("{}", "x.json").error().text, HasSubstr("read profile x.json: "));
  EXPECT_EQ(ParseProfile(R"({"version":9})", "x.json").error().text,
            "read profile x.json: this program reads version 1");
  EXPECT_FALSE(ParseProfile(R"({"version":1,"runs":1,"calls":[{"arch":"pdp11"}],"paths":[],)"
                            R"("sockets":[],"addresses":[]})",
                            "x.json"));
}

TEST(Profile, RunsAddUp) {
  Profile one = Example();
  Profile other = {.runs = 2};
  other.calls[{Arch::kX86_64, "socket"}] = {.count = 5, .values = {2}};
  other.calls[{Arch::kI386, "socketcall"}] = {.count = 1, .values = {1}};
  other.paths["/srv/repo/HEAD"] = {.write = true, .count = 4};
  Merge(one, other);
  EXPECT_EQ(one.runs, 3u);
  EXPECT_EQ((one.calls[{Arch::kX86_64, "socket"}]), (CallUse{7, {1, 2}, false}));
  EXPECT_EQ(one.paths["/srv/repo/HEAD"].count, 5u);
  EXPECT_TRUE(one.paths["/srv/repo/HEAD"].write);
  EXPECT_EQ(one.calls.size(), 6u);
}

TEST(Fold, ManyPathsAreADirectory) {
  Profile profile;
  for (const char* const path :
       {"/srv/repo/HEAD", "/srv/repo/config", "/srv/repo/objects/a", "/srv/repo/refs/b", "/etc/one",
        "/etc/two", "/etc/three", "/etc/four", "/etc/five", "/home/me/.profile", "/opt/tool/bin/x",
        "/usr/lib/libc.so"})
    profile.paths[path] = {.read = true, .count = 1};
  profile.paths["/ws/tree/in"] = {.read = true, .count = 1};
  profile.paths["/ws/tree/out"] = {.write = true, .change_entries = true, .count = 1};
  profile.paths["/var/cache/tool/x"] = {.write = true, .change_entries = true, .count = 1};
  profile.paths["/home/me/.state"] = {.write = true, .change_entries = true, .count = 1};
  const Grants grants = Fold(profile, "/ws/tree", [](const std::string& path, bool write) {
    return !write && path.starts_with("/usr/");
  });
  EXPECT_THAT(grants.read,
              ElementsAre("/etc/five", "/etc/four", "/etc/one", "/etc/three", "/etc/two",
                          "/home/me/.profile", "/opt/tool/bin/x", "/srv/repo"));
  EXPECT_THAT(grants.write, ElementsAre("/home/me/.state", "/var/cache/tool", "/ws/tree"));
}

TEST(PolicyText, AllowsWhatWasSeenAndNoMore) {
  const std::string text = PolicyText(Example(), {.read = {"/srv/repo"}, .write = {"/ws/tree"}},
                                      {.name = "git", .workspace = "/ws/tree", .pass = {"HOME"}});
  const auto policy = policy::Parse(text, "git.toml", kContext);
  ASSERT_TRUE(policy) << base::ToString(policy.error()) << "\n" << text;
  EXPECT_THAT(text, HasSubstr("{ syscall = \"socket\", when = \"family == AF_UNIX\" }"));
  EXPECT_THAT(text, HasSubstr("\"/srv/repo?\""));
  EXPECT_THAT(text, HasSubstr("write = [\n  \".\",\n]"));
  EXPECT_THAT(Check(*policy, Example()), IsEmpty());
  Profile more = Example();
  more.calls[{Arch::kX86_64, "socket"}].values = {1, 40};
  more.calls[{Arch::kX86_64, "ioctl"}].values = {0x5412};
  more.calls[{Arch::kX86_64, "clone"}].values = {0x10000011};
  more.calls[{Arch::kX86_64, "bpf"}] = {.count = 1, .values = {0}};
  std::vector<std::string> denied;
  for (const WouldDeny& one : Check(*policy, more)) denied.push_back(one.call);
  EXPECT_THAT(denied,
              ElementsAre("bpf(cmd=BPF_MAP_CREATE)", "clone(clone_flags=CLONE_NEWUSER|0x11)",
                          "ioctl(cmd=TIOCSTI)", "socket(family=AF_VSOCK)"));
}

std::string Answer(const policy::Policy& policy, std::uint32_t number,
                   std::array<std::uint64_t, 6> args) {
  const bpf::SeccompData call = {
      .nr = number, .arch = abi::Info(Arch::kX86_64).token, .args = args};
  return abi::ToString(prove::Decide(policy.syscalls, call).action, Arch::kX86_64);
}

TEST(PolicyText, GivesNoFileTheBitsThatSetIds) {
  Profile profile;
  for (const char* const name : {"openat", "fchmodat", "mkdir"})
    profile.calls[{Arch::kX86_64, name}] = {.count = 1};
  constexpr std::uint64_t kCreate = 0100, kSetuid = 04755, kSetgid = 02755;
  const auto load = [&] {
    return policy::Parse(PolicyText(profile, {}, {.name = "x"}), "x.toml", kContext);
  };
  auto policy = load();
  ASSERT_TRUE(policy) << base::ToString(policy.error());
  EXPECT_EQ(Answer(*policy, 257, {0, 0, kCreate, 0644}), "allow");
  EXPECT_EQ(Answer(*policy, 257, {0, 0, kCreate, kSetuid}), "EPERM");
  // Where no file is made, the register of the mode holds anything.
  EXPECT_EQ(Answer(*policy, 257, {0, 0, 0, kSetuid}), "allow");
  EXPECT_EQ(Answer(*policy, 268, {0, 0, 0755}), "allow");
  EXPECT_EQ(Answer(*policy, 268, {0, 0, kSetgid}), "EPERM");
  EXPECT_EQ(Answer(*policy, 83, {0, kSetgid}), "EPERM");
  profile.calls[{Arch::kX86_64, "mkdir"}].sets_ids = true;
  policy = load();
  ASSERT_TRUE(policy);
  EXPECT_EQ(Answer(*policy, 83, {0, kSetgid}), "allow");
  EXPECT_EQ(Answer(*policy, 268, {0, 0, kSetgid}), "EPERM");
}

TEST(PolicyText, UnixSocketsThatLedNowhereAreProbes) {
  Profile profile;
  profile.calls[{Arch::kX86_64, "socket"}] = {.count = 3, .values = {1, 2}};
  auto policy = policy::Parse(PolicyText(profile, {}, {.name = "x"}), "x.toml", kContext);
  ASSERT_TRUE(policy) << base::ToString(policy.error());
  EXPECT_EQ(Answer(*policy, 41, {1, 1, 0}), "EPERM");
  EXPECT_EQ(Answer(*policy, 41, {2, 1, 0}), "allow");
  EXPECT_EQ(policy->audit.probes.size(), 1u);
  EXPECT_THAT(Check(*policy, profile), IsEmpty());
  profile.unix_sockets = true;
  policy = policy::Parse(PolicyText(profile, {}, {.name = "x"}), "x.toml", kContext);
  ASSERT_TRUE(policy) << base::ToString(policy.error());
  EXPECT_EQ(Answer(*policy, 41, {1, 1, 0}), "allow");
  EXPECT_TRUE(policy->audit.probes.empty());
}

TEST(PolicyText, BoundsProcessesAndHidesSecrets) {
  Profile profile = Example();
  const LearnedOptions options = {.name = "x", .hide = {"~/.ssh", "**/.env"}};
  auto policy = policy::Parse(PolicyText(profile, {}, options), "x.toml", kContext);
  ASSERT_TRUE(policy) << base::ToString(policy.error());
  EXPECT_EQ(policy->limits.processes, 256u);
  EXPECT_THAT(policy->filesystem.hide, ElementsAre("/home/me/.ssh", "/ws/tree/**/.env"));
  profile.calls[{Arch::kX86_64, "vfork"}] = {.count = 999};
  policy = policy::Parse(PolicyText(profile, {}, options), "x.toml", kContext);
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->limits.processes, 2000u);
}

TEST(Profile, OfOlderProgramsMayHaveDoneWhatItDoesNotSay) {
  const auto old = ParseProfile(
      R"({"version":1,"runs":1,"calls":[{"arch":"x86_64","name":"openat","count":1,"values":[],)"
      R"("has_more_values":false}],"paths":[],"sockets":[],"addresses":[]})",
      "x.json");
  ASSERT_TRUE(old) << old.error().text;
  EXPECT_TRUE(old->unix_sockets);
  EXPECT_TRUE(old->calls.begin()->second.sets_ids);
}

TEST(Fold, StopsWhereWaysPart) {
  Profile profile;
  for (const char* const name : {"HEAD", "config", "objects/a", "refs/b"}) {
    profile.paths[std::string("/home/me/projects/one/.git/") + name] = {.read = true, .count = 1};
    profile.paths[std::string("/home/me/projects/two/src/") + name] = {.read = true, .count = 1};
  }
  profile.paths["/home/me/projects/two/one-file"] = {.read = true, .count = 1};
  const Grants grants = Fold(profile, "/ws/tree", [](const std::string&, bool) { return false; });
  EXPECT_THAT(grants.read,
              ElementsAre("/home/me/projects/one/.git", "/home/me/projects/two/one-file",
                          "/home/me/projects/two/src"));
}

TEST(Fold, ADirectoryThatWasOnlyLookedAtIsNotShown) {
  Profile profile;
  profile.paths["/home/me/projects"] = {.count = 3};
  profile.paths["/srv"] = {.count = 3};
  profile.paths["/srv/one"] = {.read = true, .count = 1};
  profile.paths["/ws/tree"] = {.count = 3};
  const Grants grants = Fold(profile, "/ws/tree", [](const std::string&, bool) { return false; });
  EXPECT_THAT(grants.read, ElementsAre("/srv/one", "/ws/tree"));
  EXPECT_THAT(grants.write, IsEmpty());
}

TEST(Fold, ADirectoryThatTheCommandLineNamedIsShownAsTheProgramsOwn) {
  Profile profile;
  profile.named = {"/srv/repo", "/srv/unused"};
  profile.paths["/srv/repo/.git/HEAD"] = {.read = true, .count = 1};
  profile.paths["/srv/other/file"] = {.read = true, .count = 1};
  const Grants grants = Fold(profile, "/ws/tree", [](const std::string&, bool) { return false; });
  EXPECT_THAT(grants.named, ElementsAre("/srv/repo"));
  EXPECT_THAT(grants.read, ElementsAre("/srv/other/file"));
  EXPECT_THAT(PolicyText(profile, grants, {.name = "x"}), HasSubstr(R"(bind = [
  { from = "/srv/repo?", to = "/srv/repo" },
])"));
}

TEST(Profile, DestinationsAreEntriesAndNamesAreNames) {
  const auto fault = [](const std::string& field) {
    const auto read = ParseProfile(R"({"version":1,"runs":1,"calls":[],"paths":[],"sockets":[],)"
                                   R"("addresses":[],)" +
                                       field + "}",
                                   "x.json");
    return read ? "" : read.error().text;
  };
  EXPECT_EQ(fault(R"("destinations":["example.org:443"],"names":["example.org"])"), "");
  EXPECT_THAT(fault(R"("destinations":["example.org"])"), HasSubstr("it has no port"));
  EXPECT_THAT(fault(R"("names":["a\nmode"])"), HasSubstr("is no name"));
}

TEST(PolicyText, AllowsTheHostsThatWereConnectedTo) {
  Profile profile = Example();
  profile.destinations = {"203.0.113.9:53/udp", "[2606:4700::1]:80", "example.org:443"};
  profile.names = {"example.org", "org", "www.example.org"};
  const std::string text = PolicyText(profile, {}, {.name = "x", .workspace = "/ws/tree"});
  const auto policy = policy::Parse(text, "x.toml", kContext);
  ASSERT_TRUE(policy) << base::ToString(policy.error()) << "\n" << text;
  EXPECT_EQ(policy->network.mode, policy::NetworkMode::kAllow);
  EXPECT_THAT(CheckNetwork(policy->network, profile), IsEmpty());
  EXPECT_THAT(text, HasSubstr("# asked for the address of www.example.org, and connected to none"));
  EXPECT_THAT(text, HasSubstr("# asked for the address of org, and connected to none"));
  EXPECT_THAT(text, HasSubstr("to let it have one: \"www.example.org:443\""));
  EXPECT_THAT(text, Not(HasSubstr("address of example.org")));
  EXPECT_THAT(OnlyLookedUp(profile), ElementsAre("org", "www.example.org"));
  Profile more;
  more.destinations = {"example.org:80", "203.0.113.8:53/udp"};
  EXPECT_THAT(CheckNetwork(policy->network, more),
              ElementsAre(WouldRefuse{"203.0.113.8:53/udp", "no entry allows it"},
                          WouldRefuse{"example.org:80", "no entry allows it"}));
  EXPECT_EQ(CheckNetwork({}, more).at(0).why, "the policy has no network");
}

TEST(PolicyText, FallsBackFromClone3) {
  Profile profile = {.runs = 1};
  profile.calls[{Arch::kX86_64, "clone3"}] = {.count = 1};
  const std::string text = PolicyText(profile, {}, {.name = "x", .workspace = "/ws/tree"});
  EXPECT_THAT(text, Not(HasSubstr("\"clone3\"")));
  EXPECT_THAT(text, HasSubstr("{ syscall = \"clone\", when = \"not clone_flags & CLONE_NEWNS|"));
  const auto policy = policy::Parse(text, "x.toml", kContext);
  ASSERT_TRUE(policy) << base::ToString(policy.error());
  EXPECT_THAT(Check(*policy, profile), IsEmpty());
}

TEST(PolicyText, KeepsTheArchitecturesApart) {
  Profile profile = Example();
  profile.calls[{Arch::kI386, "socketcall"}] = {.count = 1, .values = {1}};
  const std::string text = PolicyText(profile, {}, {.name = "x", .workspace = "/ws/tree"});
  const auto policy = policy::Parse(text, "x.toml", kContext);
  ASSERT_TRUE(policy) << base::ToString(policy.error()) << "\n" << text;
  EXPECT_THAT(Check(*policy, profile), IsEmpty());
  Profile crossed = {.runs = 1};
  crossed.calls[{Arch::kI386, "execve"}] = {.count = 1};
  EXPECT_THAT(Check(*policy, crossed), Not(IsEmpty()));
}

TEST(PolicyText, NamesOfFilesCannotAddKeys) {
  Profile profile = Example();
  const std::string name = "/srv/\"]\n[syscalls]\ndefault = \"allow\"\n#";
  const std::string text =
      PolicyText(profile, {.read = {name}}, {.name = "x", .workspace = "/ws/tree"});
  const auto policy = policy::Parse(text, "x.toml", kContext);
  ASSERT_TRUE(policy) << base::ToString(policy.error());
  EXPECT_EQ(policy->syscalls.default_action.errno_name, "EPERM");
}

TEST(HotText, IsReadAsFrequencies) { EXPECT_THAT(HotText(Example()), HasSubstr("\"openat\": 20")); }

}  // namespace
}  // namespace bailey::learn
