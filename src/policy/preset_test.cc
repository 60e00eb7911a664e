// The presets and the groups as data: that they are whole, and mean what their heads say on every
// architecture.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "abi/arguments.h"
#include "abi/constants.h"
#include "abi/syscalls.h"
#include "policy/groups.h"
#include "policy/load.h"

namespace bailey::policy {
namespace {

using testing::Contains;
using testing::Not;

Context On(abi::Arch native) {
  return {.home = "/home/u", .current_directory = "/proj", .native = native};
}

Policy LoadPreset(std::string_view name, abi::Arch native = abi::Arch::kX86_64) {
  auto policy = Load(name, On(native));
  EXPECT_TRUE(policy) << name << ": " << base::ToString(policy.error());
  return policy ? *std::move(policy) : Policy();
}

// The first rule that names a call, with or without a condition.
const Rule* FirstRule(const Policy& policy, std::string_view call) {
  const auto found = std::ranges::find(policy.syscalls.rules, call, &Rule::syscall);
  return found == policy.syscalls.rules.end() ? nullptr : &*found;
}

std::string DecisionOn(const Policy& policy, std::string_view call) {
  const Rule* const rule = FirstRule(policy, call);
  if (rule != nullptr)
    return ToString(rule->answer) + (rule->condition ? " when " + ToString(*rule->condition) : "");
  const bool falls_back =
      IsFallbackCall(call) && policy.syscalls.default_action.kind == abi::ActionKind::kErrno;
  return ToString(falls_back ? policy.syscalls.fallback_default : policy.syscalls.default_action);
}

TEST(Presets, AreTheFilesOfPolicies) {
  std::vector<std::string_view> names;
  for (const Preset& preset : Presets()) names.push_back(preset.name);
  EXPECT_THAT(names, testing::ElementsAre("agent", "allow-all", "build", "docker-default",
                                          "flatpak", "flatpak-devel", "flatpak-hardened", "npx",
                                          "os", "untrusted", "uvx", "vmm"));
  for (const Preset& preset : Presets()) {
    const std::string path = fmt::format("{}/policies/{}.toml", BAILEY_SOURCE_DIR, preset.name);
    const auto embedded = LoadPreset(preset.name);
    EXPECT_EQ(embedded.name, preset.name);
    // It names calls of single architectures, which a file may only where they are in play.
    if (preset.name == "docker-default") continue;
    // Read as a file, all the checks that a preset is spared run on it.
    auto file = Load(path, On(abi::Arch::kX86_64));
    ASSERT_TRUE(file) << base::ToString(file.error());
    for (std::vector<Rule>* const rules : {&file->syscalls.rules, &file->audit.probes}) {
      for (Rule& rule : *rules) {
        if (rule.location.file == path) rule.location.file = fmt::format("{}.toml", preset.name);
      }
    }
    for (Guarantee& guarantee : file->guarantees) {
      if (guarantee.location.file == path)
        guarantee.location.file = fmt::format("{}.toml", preset.name);
    }
    EXPECT_EQ(*file, embedded) << preset.name;
  }
}

// A condition of a preset must have a value wherever its call is: nobody could repair it there.
TEST(Presets, ConditionsHoldOnEveryArchitecture) {
  const auto check = [](const auto& self, const Condition& condition, const Rule& rule,
                        abi::Arch arch) -> void {
    for (const Condition& child : condition.children) self(self, child, rule, arch);
    if (condition.kind != Condition::Kind::kTest) return;
    const auto where = fmt::format("{} on {}", rule.syscall, abi::Info(arch).name);
    const auto argument = abi::FindArgument(arch, rule.syscall, condition.test.argument);
    ASSERT_TRUE(argument) << base::ToString(argument.error());
    EXPECT_NE(argument->type, abi::ArgumentType::kPointer) << where;
    if (condition.test.mask) {
      EXPECT_TRUE(Resolve(*condition.test.mask, arch)) << where;
    }
    for (const Value& value : condition.test.operands) EXPECT_TRUE(Resolve(value, arch)) << where;
  };
  std::size_t checked = 0;
  for (const abi::ArchInfo& info : abi::AllArchs()) {
    for (const Preset& preset : Presets()) {
      const Policy policy = LoadPreset(preset.name, info.arch);
      std::vector<Rule> rules = policy.syscalls.rules;
      rules.insert(rules.end(), policy.audit.probes.begin(), policy.audit.probes.end());
      for (const Rule& rule : rules) {
        if (!rule.condition) continue;
        for (const abi::Arch arch : policy.syscalls.architectures) {
          if (!abi::Number(arch, rule.syscall)) continue;
          check(check, *rule.condition, rule, arch);
          ++checked;
        }
      }
    }
  }
  fmt::print("{} conditions checked\n", checked);
  EXPECT_GT(checked, 1000u);
}

TEST(Presets, UntrustedClosesWhatLeadsOut) {
  const Policy policy = LoadPreset("untrusted");
  EXPECT_EQ(ToString(policy.syscalls.default_action), "EPERM");
  EXPECT_EQ(ToString(policy.syscalls.unknown), "ENOSYS");
  EXPECT_EQ(policy.syscalls.foreign.kind, abi::ActionKind::kKillProcess);
  EXPECT_EQ(policy.network.mode, NetworkMode::kNone);
  EXPECT_TRUE(policy.process.capabilities.empty());
  EXPECT_TRUE(policy.filesystem.write.empty());

  constexpr const char* kNeverPermitted[] = {"unshare",
                                             "setns",
                                             "mount",
                                             "umount",
                                             "umount2",
                                             "pivot_root",
                                             "chroot",
                                             "add_key",
                                             "request_key",
                                             "keyctl",
                                             "bpf",
                                             "perf_event_open",
                                             "userfaultfd",
                                             "ptrace",
                                             "process_vm_readv",
                                             "process_vm_writev",
                                             "kcmp",
                                             "move_pages",
                                             "migrate_pages",
                                             "mbind",
                                             "set_mempolicy",
                                             "get_mempolicy",
                                             "kexec_load",
                                             "kexec_file_load",
                                             "init_module",
                                             "finit_module",
                                             "delete_module",
                                             "create_module",
                                             "query_module",
                                             "get_kernel_syms",
                                             "modify_ldt",
                                             "vm86",
                                             "vm86old",
                                             "iopl",
                                             "ioperm",
                                             "uselib",
                                             "quotactl",
                                             "acct",
                                             "swapon",
                                             "swapoff",
                                             "reboot",
                                             "syslog",
                                             "name_to_handle_at",
                                             "open_by_handle_at",
                                             "settimeofday",
                                             "clock_settime",
                                             "adjtimex",
                                             "clock_adjtime",
                                             "stime",
                                             "fanotify_init",
                                             "lookup_dcookie",
                                             "_sysctl",
                                             "nfsservctl",
                                             "setgroups",
                                             "capset",
                                             "sethostname",
                                             "socketcall",
                                             "ipc",
                                             "shmget",
                                             "bind",
                                             "connect",
                                             "listen",
                                             "accept",
                                             "accept4"};
  for (const char* call : kNeverPermitted) EXPECT_EQ(DecisionOn(policy, call), "EPERM") << call;

  constexpr const char* kNotThere[] = {"clone3",
                                       "openat2",
                                       "io_uring_setup",
                                       "io_uring_enter",
                                       "io_uring_register",
                                       "open_tree",
                                       "open_tree_attr",
                                       "move_mount",
                                       "fsopen",
                                       "fsconfig",
                                       "fsmount",
                                       "fspick",
                                       "mount_setattr",
                                       "statmount",
                                       "listmount",
                                       "listns",
                                       "process_madvise",
                                       "pidfd_getfd",
                                       "quotactl_fd",
                                       "clock_settime64",
                                       "clock_adjtime64",
                                       "set_mempolicy_home_node"};
  for (const char* call : kNotThere) EXPECT_EQ(DecisionOn(policy, call), "ENOSYS") << call;

  const std::map<std::string_view, std::string_view> kSometimes = {
      {"clone",
       "EPERM when flags & CLONE_NEWNS|CLONE_NEWCGROUP|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWUSER|"
       "CLONE_NEWPID|CLONE_NEWNET"},
      {"ioctl", "EPERM when cmd in {TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD}"},
      {"personality", "EPERM when not personality in {0xffffffff, PER_LINUX, PER_LINUX32}"},
      {"openat", "EPERM when flags & O_CREAT|O_TMPFILE and mode & S_ISUID|S_ISGID"},
      {"chmod", "EPERM when mode & S_ISUID|S_ISGID"},
      {"fchmodat2", "ENOSYS when mode & S_ISUID|S_ISGID"},
      {"mknodat", "EPERM when mode & S_ISUID|S_ISGID or mode & S_IFMT in {S_IFCHR, S_IFBLK}"},
      {"socket",
       "EPERM when family in {AF_INET, AF_INET6} and type & 15 in {SOCK_RAW, SOCK_PACKET}"},
      {"setsockopt", "EPERM when level == SOL_SOCKET and optname == 36"},
      {"socketpair", "EAFNOSUPPORT when not family in {AF_UNIX}"},
  };
  for (const auto& [call, want] : kSometimes) EXPECT_EQ(DecisionOn(policy, call), want);

  constexpr const char* kAllowed[] = {"read",
                                      "write",
                                      "execve",
                                      "execveat",
                                      "fork",
                                      "vfork",
                                      "mmap",
                                      "mmap2",
                                      "futex",
                                      "futex_time64",
                                      "memfd_create",
                                      "getrandom",
                                      "statx",
                                      "stat64",
                                      "rseq",
                                      "select",
                                      "_newselect",
                                      "close_range",
                                      "landlock_restrict_self",
                                      "fchownat",
                                      "sendmsg"};
  for (const char* call : kAllowed) EXPECT_EQ(DecisionOn(policy, call), "allow") << call;
}

TEST(Presets, ShowNoSecretsOfTheSystem) {
  for (const Preset& preset : Presets()) {
    const Policy policy = LoadPreset(preset.name);
    for (const std::string& path : policy.filesystem.read) {
      for (const char* secret :
           {"/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/sudoers.d", "/etc/ssh",
            "/etc/ssl/private", "/root", "/home", "/proc", "/run", "/var"}) {
        const bool is_above = path == "/" || std::string_view(secret).starts_with(path + "/");
        EXPECT_FALSE(path == secret || is_above) << preset.name << " shows " << path;
      }
    }
  }
}

TEST(Presets, AgentWorksInItsWorkspace) {
  const Policy policy = LoadPreset("agent");
  EXPECT_THAT(policy.filesystem.write, testing::ElementsAre("/proj"));
  EXPECT_THAT(policy.filesystem.hide, Contains("/home/u/.ssh"));
  EXPECT_THAT(policy.filesystem.hide, Contains("/proj/**/.env"));
  EXPECT_THAT(policy.filesystem.tmpfs, testing::ElementsAre("/tmp", "/home/agent"));
  EXPECT_THAT(policy.filesystem.optional, Contains("/lib32"));
  EXPECT_THAT(policy.filesystem.optional, Not(Contains("/usr")));
  EXPECT_EQ(policy.environment.set.at("HOME"), "/home/agent");
  EXPECT_FALSE(policy.environment.set.contains("PATH")) << "it is passed";
  EXPECT_EQ(policy.process.workdir, "/proj");
  EXPECT_TRUE(policy.process.new_session);
  EXPECT_EQ(policy.limits.processes, 512u);
  EXPECT_EQ(policy.limits.wall, std::chrono::minutes(10));
  EXPECT_EQ(DecisionOn(policy, "connect"), "allow");
  EXPECT_EQ(DecisionOn(policy, "ptrace"), "EPERM");
  EXPECT_EQ(DecisionOn(policy, "clone3"), "ENOSYS");
  EXPECT_EQ(policy.syscalls.socket_families, (std::vector<std::uint16_t>{1, 2, 10, 16}));
}

TEST(Presets, AllowAllAllowsAll) {
  const Policy policy = LoadPreset("allow-all");
  EXPECT_TRUE(policy.syscalls.rules.empty());
  for (const abi::Syscall& call : abi::Syscalls(abi::Arch::kX86_64))
    EXPECT_EQ(DecisionOn(policy, call.name), "allow");
  EXPECT_EQ(ToString(policy.syscalls.unknown), "allow");
  EXPECT_EQ(policy.network.mode, NetworkMode::kNone);
}

TEST(Presets, FlatpakHardenedClosesWhatFlatpakLeavesOpen) {
  const Policy flatpak = LoadPreset("flatpak");
  const Policy hardened = LoadPreset("flatpak-hardened");
  for (const char* call : {"open_tree_attr", "io_uring_setup", "io_uring_enter", "bpf",
                           "userfaultfd", "kexec_load", "kexec_file_load", "modify_ldt",
                           "process_vm_readv", "pidfd_getfd", "init_module", "open_by_handle_at"}) {
    EXPECT_EQ(DecisionOn(flatpak, call), "allow") << call;
    EXPECT_EQ(DecisionOn(hardened, call), IsFallbackCall(call) ? "ENOSYS" : "EPERM") << call;
  }
  EXPECT_EQ(ToString(flatpak.syscalls.unknown), "allow");
  EXPECT_EQ(ToString(hardened.syscalls.unknown), "ENOSYS");
  EXPECT_EQ(flatpak.syscalls.multiplexers, Multiplexers::kOpen);
  EXPECT_EQ(hardened.syscalls.multiplexers, Multiplexers::kFollow);
  // What develops programs is what devel keeps open.
  const Policy devel = LoadPreset("flatpak-devel");
  for (const char* call : {"ptrace", "perf_event_open"}) {
    EXPECT_EQ(DecisionOn(devel, call), "allow") << call;
    EXPECT_EQ(DecisionOn(flatpak, call), "EPERM") << call;
  }
}

TEST(Groups, HoldEveryCallOnce) {
  std::map<std::string_view, std::string_view> home;
  for (const Group& group : Groups()) {
    if (group.name == "@default") continue;
    for (const GroupMember& member : group.members) {
      const auto [at, is_new] = home.emplace(abi::AllNames()[member.index], group.name);
      EXPECT_TRUE(is_new) << at->first << " is in " << at->second << " and " << group.name;
    }
  }
  std::vector<std::string_view> unclassified;
  for (const std::string_view name : abi::AllNames()) {
    if (!home.contains(name)) unclassified.push_back(name);
  }
  EXPECT_THAT(unclassified, testing::IsEmpty());
}

TEST(Groups, KnowTheArchitecturesOfTheirCalls) {
  for (const Group& group : Groups()) {
    for (const GroupMember& member : group.members) {
      for (const abi::ArchInfo& info : abi::AllArchs()) {
        const std::string_view name = abi::AllNames()[member.index];
        EXPECT_EQ((member.archs & ArchBit(info.arch)) != 0,
                  abi::Number(info.arch, name).has_value())
            << name << " on " << info.name;
      }
    }
  }
}

TEST(Groups, AreFoundByName) {
  for (const Group& group : Groups()) EXPECT_EQ(FindGroup(group.name), &group);
  EXPECT_EQ(FindGroup("@defaul"), nullptr);
  EXPECT_EQ(FindGroup(""), nullptr);
  EXPECT_EQ(Groups().size(), GroupNames().size());
}

TEST(Groups, AreDocumented) {
  std::ifstream file(BAILEY_SOURCE_DIR "/docs/policy.md");
  const std::string docs((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (const Group& group : Groups()) {
    if (group.name == "@default") continue;
    EXPECT_THAT(docs, testing::HasSubstr(fmt::format("| `{}` | {} |", group.name, group.about)));
  }
  for (const Preset& preset : Presets())
    EXPECT_THAT(docs, testing::HasSubstr(fmt::format("| `{}` |", preset.name)));
}

TEST(Groups, NoPresetOpensAMultiplexer) {
  for (const Preset& preset : Presets()) {
    if (preset.name == "docker-default") continue;  // Docker's profile does
    const Policy policy = LoadPreset(preset.name);
    for (const char* call : {"socketcall", "ipc"}) {
      EXPECT_EQ(FirstRule(policy, call), nullptr) << preset.name;
    }
  }
}

TEST(FallbackCalls, AreCallsThatSomeArchitectureHas) {
  std::size_t count = 0;
  for (const std::string_view name : abi::AllNames()) count += IsFallbackCall(name) ? 1 : 0;
  for (const char* name :
       {"clone3", "openat2", "faccessat2", "statx", "close_range", "fchmodat2", "futex_waitv",
        "epoll_pwait2", "rseq", "futex_time64", "clock_gettime64", "mount_setattr"})
    EXPECT_TRUE(IsFallbackCall(name)) << name;
  for (const char* name : {"read", "clone", "ptrace", "mount", "time64", ""})
    EXPECT_FALSE(IsFallbackCall(name)) << name;
  // Everything since the numbers became common has an older way that libraries know.
  for (const abi::Syscall& call : abi::Syscalls(abi::Arch::kX86_64))
    EXPECT_TRUE(call.number < 424 || IsFallbackCall(call.name)) << call.name;
  EXPECT_GT(count, 70u);
}

}  // namespace
}  // namespace bailey::policy
