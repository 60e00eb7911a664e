#include "abi/arguments.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>

#include "abi/syscalls.h"

namespace bailey::abi {
namespace {

// "fd:u32@0 pos:i64@3+4": name, type, the slot, or the low one and the high one.
std::string Draw(const Argument& argument) {
  static constexpr std::string_view kTypes[] = {"u16", "i32", "u32", "i64", "u64", "pointer"};
  const std::string text =
      fmt::format("{}:{}@{}", argument.name, kTypes[static_cast<std::size_t>(argument.type)],
                  argument.low_slot);
  if (argument.high_slot == argument.low_slot) return text;
  return fmt::format("{}+{}", text, argument.high_slot);
}

std::string Draw(const ArgumentList& arguments) {
  std::string text;
  for (const Argument& argument : arguments) {
    text += fmt::format("{}{}", text.empty() ? "" : " ", Draw(argument));
  }
  return text;
}

struct LayoutRow {
  Arch arch;
  std::string_view call;
  std::string_view want;
};

void ExpectLayouts(std::span<const LayoutRow> rows) {
  for (const LayoutRow& row : rows) {
    EXPECT_EQ(Draw(Arguments(row.arch, row.call)), row.want)
        << Info(row.arch).name << ' ' << row.call;
  }
}

TEST(Arguments, TypesThatFiltersGetWrong) {
  constexpr LayoutRow kRows[] = {
      {Arch::kX86_64, "ioctl", "fd:u32@0 cmd:u32@1 arg:u64@2"},
      {Arch::kX32, "ioctl", "fd:u32@0 cmd:u32@1 arg:u32@2"},
      {Arch::kI386, "ioctl", "fd:u32@0 cmd:u32@1 arg:u32@2"},
      {Arch::kX86_64, "socket", "family:i32@0 type:i32@1 protocol:i32@2"},
      {Arch::kX86_64, "openat", "dfd:i32@0 filename:pointer@1 flags:i32@2 mode:u16@3"},
      {Arch::kX86_64, "mknod", "filename:pointer@0 mode:u16@1 dev:u32@2"},
      {Arch::kX86_64, "personality", "personality:u32@0"},
      {Arch::kMips64n32, "personality", "personality:u32@0"},
      {Arch::kX86_64, "unshare", "unshare_flags:u64@0"},
      {Arch::kI386, "unshare", "unshare_flags:u32@0"},
      {Arch::kX86_64, "mprotect", "start:u64@0 len:u64@1 prot:u64@2"},
      {Arch::kI386, "mprotect", "start:u32@0 len:u32@1 prot:u32@2"},
      {Arch::kX86_64, "ptrace", "request:i64@0 pid:i64@1 addr:u64@2 data:u64@3"},
      {Arch::kX32, "ptrace", "request:i32@0 pid:i32@1 addr:i32@2 data:i32@3"},
      {Arch::kX86_64, "setuid", "uid:u32@0"},
      {Arch::kI386, "setuid", "uid:u16@0"},
      {Arch::kI386, "setuid32", "uid:u32@0"},
  };
  ExpectLayouts(kRows);
}

TEST(Arguments, CloneHasFourOrders) {
  constexpr std::string_view kBackwards =
      "clone_flags:u32@0 newsp:u64@1 parent_tidptr:pointer@2 tls:u64@3 child_tidptr:pointer@4";
  constexpr LayoutRow kRows[] = {
      {Arch::kAarch64, "clone", kBackwards},
      {Arch::kRiscv64, "clone", kBackwards},
      {Arch::kPpc64le, "clone", kBackwards},
      {Arch::kI386, "clone",
       "clone_flags:u32@0 newsp:u32@1 parent_tidptr:pointer@2 tls:u32@3 child_tidptr:pointer@4"},
      {Arch::kX86_64, "clone",
       "clone_flags:u32@0 newsp:u64@1 parent_tidptr:pointer@2 child_tidptr:pointer@3 tls:u64@4"},
      {Arch::kSh, "clone",
       "clone_flags:u32@0 newsp:u32@1 parent_tidptr:pointer@2 child_tidptr:pointer@3 tls:u32@4"},
      {Arch::kS390x, "clone",
       "newsp:u64@0 clone_flags:u32@1 parent_tidptr:pointer@2 child_tidptr:pointer@3 tls:u64@4"},
  };
  ExpectLayouts(kRows);
  for (const ArchInfo& info : AllArchs()) {
    const auto flags = FindArgument(info.arch, "clone", "flags");
    ASSERT_TRUE(flags) << info.name;
    EXPECT_EQ(flags->low_slot, info.clone_flags_second ? 1 : 0) << info.name;
    EXPECT_EQ(flags->type, ArgumentType::kU32) << info.name;
  }
}

TEST(Arguments, SixtyFourBitValuesTakePairsOn32BitAbis) {
  constexpr std::string_view kHead = "fd:u32@0 buf:pointer@1 count:u32@2 ";
  const std::string head(kHead);
  const std::string next_low_first = head + "pos:i64@3+4";
  const std::string next_high_first = head + "pos:i64@4+3";
  const std::string even_low_first = head + "pos:i64@4+5";
  const std::string even_high_first = head + "pos:i64@5+4";
  const LayoutRow kRows[] = {
      {Arch::kX86_64, "pread64", "fd:u32@0 buf:pointer@1 count:u64@2 pos:i64@3"},
      {Arch::kX32, "pread64", "fd:u32@0 buf:pointer@1 count:u64@2 pos:i64@3"},
      {Arch::kMips64n32, "pread64", "fd:u32@0 buf:pointer@1 count:u64@2 pos:i64@3"},
      {Arch::kI386, "pread64", next_low_first},
      {Arch::kM68k, "pread64", next_high_first},
      {Arch::kS390, "pread64", next_high_first},
      {Arch::kParisc, "pread64", next_high_first},
      {Arch::kArm, "pread64", even_low_first},
      {Arch::kMipsel, "pread64", even_low_first},
      {Arch::kMips, "pread64", even_high_first},
      {Arch::kPpc, "pread64", even_high_first},
      {Arch::kSh, "pread64", even_low_first},
      {Arch::kSheb, "pread64", even_high_first},
      {Arch::kI386, "truncate64", "path:pointer@0 length:i64@1+2"},
      {Arch::kSh, "truncate64", "path:pointer@0 length:i64@1+2"},
      {Arch::kArm, "truncate64", "path:pointer@0 length:i64@2+3"},
      {Arch::kPpc, "truncate64", "path:pointer@0 length:i64@3+2"},
      {Arch::kParisc64, "truncate64", "path:pointer@0 length:i64@1"},
      {Arch::kI386, "fallocate", "fd:i32@0 mode:i32@1 offset:i64@2+3 len:i64@4+5"},
      {Arch::kS390, "fallocate", "fd:i32@0 mode:i32@1 offset:i64@3+2 len:i64@5+4"},
      {Arch::kArm, "readahead", "fd:i32@0 offset:i64@2+3 count:u32@4"},
      {Arch::kI386, "readahead", "fd:i32@0 offset:i64@1+2 count:u32@3"},
      {Arch::kI386, "fanotify_mark",
       "fanotify_fd:i32@0 flags:u32@1 mask:u64@2+3 dfd:i32@4 pathname:pointer@5"},
      {Arch::kParisc, "fanotify_mark",
       "fanotify_fd:i32@0 flags:u32@1 dfd:i32@4 pathname:pointer@5"},
  };
  ExpectLayouts(kRows);
}

TEST(Arguments, CallsWhoseOrderDependsOnTheAbi) {
  constexpr LayoutRow kRows[] = {
      {Arch::kI386, "fadvise64_64", "fd:i32@0 offset:i64@1+2 len:i64@3+4 advice:i32@5"},
      {Arch::kPpc, "fadvise64_64", "fd:i32@0 advice:i32@1 offset:i64@3+2 len:i64@5+4"},
      {Arch::kArm, "arm_fadvise64_64", "fd:i32@0 advice:i32@1 offset:i64@2+3 len:i64@4+5"},
      {Arch::kS390, "fadvise64_64", "args:pointer@0"},
      {Arch::kI386, "sync_file_range", "fd:i32@0 offset:i64@1+2 nbytes:i64@3+4 flags:u32@5"},
      {Arch::kPpc, "sync_file_range2", "fd:i32@0 flags:u32@1 offset:i64@3+2 nbytes:i64@5+4"},
      // o32's seventh word is on the stack.
      {Arch::kMips, "sync_file_range", "fd:i32@0 offset:i64@3+2 nbytes:i64@5+4"},
      {Arch::kI386, "mmap", "arg:pointer@0"},
      {Arch::kS390x, "mmap", "arg:pointer@0"},
      {Arch::kAarch64, "mmap", "addr:u64@0 len:u64@1 prot:u64@2 flags:u64@3 fd:u32@4 off:u64@5"},
      {Arch::kI386, "mmap2", "addr:u32@0 len:u32@1 prot:u32@2 flags:u32@3 fd:u32@4 pgoff:u32@5"},
      {Arch::kX86_64, "preadv", "fd:u32@0 vec:pointer@1 vlen:u64@2 pos_l:u64@3 pos_h:u64@4"},
      {Arch::kX32, "preadv", "fd:u32@0 vec:pointer@1 vlen:u64@2 pos:i64@3"},
  };
  ExpectLayouts(kRows);
}

TEST(Arguments, EveryLayoutIsPossible) {
  std::size_t layouts = 0;
  for (const ArchInfo& info : AllArchs()) {
    for (const Syscall& call : Syscalls(info.arch)) {
      unsigned used = 0;
      for (const Argument& argument : Arguments(info.arch, call.name)) {
        const std::string where = fmt::format("{} {}", info.name, call.name);
        ASSERT_LT(argument.low_slot, 6) << where;
        ASSERT_LT(argument.high_slot, 6) << where;
        const unsigned slots = 1U << argument.low_slot | 1U << argument.high_slot;
        EXPECT_EQ(used & slots, 0u) << where;
        used |= slots;
        const bool pair = argument.low_slot != argument.high_slot;
        EXPECT_EQ(pair, Bits(argument.type, info.arch) > info.word_bits) << where;
        EXPECT_EQ(FindArgument(info.arch, call.name, argument.name).value(), argument) << where;
      }
      layouts += HasSignature(info.arch, call.name) ? 1 : 0;
    }
  }
  EXPECT_GT(layouts, 23u * 150u);
}

// What the guarantees name or condition on; a call of this list without names is a hole in the
// data.
TEST(Arguments, GuaranteesFindWhatTheyName) {
  constexpr std::string_view kCalls[] = {"clone",
                                         "clone3",
                                         "unshare",
                                         "setns",
                                         "mount",
                                         "umount",
                                         "umount2",
                                         "pivot_root",
                                         "chroot",
                                         "open_tree",
                                         "move_mount",
                                         "fsopen",
                                         "fsconfig",
                                         "fsmount",
                                         "fspick",
                                         "mount_setattr",
                                         "open_tree_attr",
                                         "statmount",
                                         "listmount",
                                         "ioctl",
                                         "add_key",
                                         "request_key",
                                         "keyctl",
                                         "io_uring_setup",
                                         "io_uring_enter",
                                         "io_uring_register",
                                         "bpf",
                                         "perf_event_open",
                                         "userfaultfd",
                                         "ptrace",
                                         "process_vm_readv",
                                         "process_vm_writev",
                                         "process_madvise",
                                         "pidfd_getfd",
                                         "kcmp",
                                         "pidfd_open",
                                         "move_pages",
                                         "migrate_pages",
                                         "kexec_load",
                                         "kexec_file_load",
                                         "init_module",
                                         "finit_module",
                                         "delete_module",
                                         "personality",
                                         "modify_ldt",
                                         "vm86",
                                         "vm86old",
                                         "iopl",
                                         "ioperm",
                                         "arch_prctl",
                                         "quotactl",
                                         "quotactl_fd",
                                         "acct",
                                         "swapon",
                                         "swapoff",
                                         "reboot",
                                         "syslog",
                                         "name_to_handle_at",
                                         "open_by_handle_at",
                                         "settimeofday",
                                         "clock_settime",
                                         "clock_settime64",
                                         "adjtimex",
                                         "clock_adjtime",
                                         "clock_adjtime64",
                                         "stime",
                                         "socket",
                                         "socketpair",
                                         "socketcall",
                                         "sendmsg",
                                         "recvmsg",
                                         "sendmmsg",
                                         "recvmmsg",
                                         "memfd_create",
                                         "execve",
                                         "execveat",
                                         "chmod",
                                         "fchmod",
                                         "fchmodat",
                                         "fchmodat2",
                                         "mkdir",
                                         "mkdirat",
                                         "open",
                                         "creat",
                                         "openat",
                                         "openat2",
                                         "mknod",
                                         "mknodat",
                                         "setxattr",
                                         "lsetxattr",
                                         "fsetxattr",
                                         "setxattrat",
                                         "removexattrat",
                                         "file_setattr",
                                         "seccomp",
                                         "prctl",
                                         "mmap",
                                         "mmap2",
                                         "mprotect",
                                         "pkey_mprotect",
                                         "shmat",
                                         "ipc",
                                         "mbind",
                                         "set_mempolicy",
                                         "set_mempolicy_home_node",
                                         "get_mempolicy",
                                         "fanotify_init",
                                         "vmsplice",
                                         "remap_file_pages",
                                         "lookup_dcookie",
                                         "memfd_secret",
                                         "landlock_create_ruleset",
                                         "landlock_add_rule",
                                         "landlock_restrict_self",
                                         "faccessat2",
                                         "statx",
                                         "close_range",
                                         "futex_waitv",
                                         "rseq",
                                         "semget",
                                         "shmget",
                                         "msgget"};
  for (const std::string_view call : kCalls) {
    ASSERT_TRUE(IsKnownName(call)) << call;
    for (const ArchInfo& info : AllArchs()) {
      EXPECT_EQ(HasSignature(info.arch, call), Number(info.arch, call).has_value())
          << info.name << ' ' << call;
    }
  }
}

TEST(FindArgument, ByNameOtherNameAndRegister) {
  const struct {
    Arch arch;
    std::string_view call;
    std::string_view name;
    std::string_view want;
  } kRows[] = {
      {Arch::kX86_64, "ioctl", "cmd", "cmd:u32@1"},
      {Arch::kX86_64, "ioctl", "request", "cmd:u32@1"},
      {Arch::kX86_64, "clone", "clone_flags", "clone_flags:u32@0"},
      {Arch::kX86_64, "clone", "flags", "clone_flags:u32@0"},
      {Arch::kX86_64, "socket", "domain", "family:i32@0"},
      {Arch::kX86_64, "ioctl", "arg1", "cmd:u32@1"},
      {Arch::kX86_64, "ioctl", "arg1.raw", "arg1.raw:u64@1"},
      {Arch::kI386, "ioctl", "arg1.raw", "arg1.raw:u64@1"},
      {Arch::kX86_64, "ioctl", "arg5", "arg5:u64@5"},
      {Arch::kI386, "ioctl", "arg5", "arg5:u32@5"},
      {Arch::kI386, "pread64", "arg3", "arg3:u32@3"},
      {Arch::kX86_64, "pread64", "arg3", "pos:i64@3"},
      {Arch::kX86_64, "gettid", "arg0", "arg0:u64@0"},
      // The manual counts prctl's arguments from one; conditions count registers from zero.
      {Arch::kX86_64, "prctl", "arg1", "arg1:u64@1"},
      {Arch::kX86_64, "prctl", "arg2", "arg2:u64@2"},
      {Arch::kX86_64, "prctl", "arg2.raw", "arg2.raw:u64@2"},
  };
  for (const auto& row : kRows) {
    const auto found = FindArgument(row.arch, row.call, row.name);
    ASSERT_TRUE(found) << row.call << ' ' << row.name;
    EXPECT_EQ(Draw(*found), row.want);
  }
}

TEST(FindArgument, SaysWhatThereIs) {
  const struct {
    Arch arch;
    std::string_view call;
    std::string_view name;
    std::string_view want;
  } kRows[] = {
      {Arch::kX86_64, "openat", "flag",
       "find argument 'flag' of openat on x86_64: the call has dfd, filename, flags, mode, and the "
       "registers arg0 to arg5"},
      {Arch::kX86_64, "openat", "arg6",
       "find argument 'arg6' of openat on x86_64: the call has dfd, filename, flags, mode, and the "
       "registers arg0 to arg5"},
      {Arch::kX86_64, "openat", "",
       "find argument '' of openat on x86_64: the call has dfd, filename, flags, mode, and the "
       "registers arg0 to arg5"},
      {Arch::kX86_64, "fork", "flags",
       "find argument 'flags' of fork on x86_64: the call has no arguments"},
      {Arch::kX86_64, "gettid", "pid",
       "find argument 'pid' of gettid on x86_64: its arguments are known by number only, arg0 to "
       "arg5"},
      {Arch::kMips, "sync_file_range", "flags",
       "find argument 'flags' of sync_file_range on mips: it is passed in memory, where seccomp "
       "does not see it"},
  };
  for (const auto& row : kRows) {
    const auto found = FindArgument(row.arch, row.call, row.name);
    ASSERT_FALSE(found) << row.call << ' ' << row.name;
    EXPECT_EQ(found.error().text, row.want);
    EXPECT_EQ(found.error().code, base::ErrorCode::kInvalidInput);
  }
}

TEST(Arguments, WidthAndSign) {
  EXPECT_EQ(Bits(ArgumentType::kU16, Arch::kI386), 16u);
  EXPECT_EQ(Bits(ArgumentType::kI32, Arch::kX86_64), 32u);
  EXPECT_EQ(Bits(ArgumentType::kU64, Arch::kI386), 64u);
  EXPECT_EQ(Bits(ArgumentType::kPointer, Arch::kI386), 32u);
  EXPECT_EQ(Bits(ArgumentType::kPointer, Arch::kX32), 64u);
  EXPECT_TRUE(IsSigned(ArgumentType::kI32));
  EXPECT_TRUE(IsSigned(ArgumentType::kI64));
  EXPECT_FALSE(IsSigned(ArgumentType::kU16));
  EXPECT_FALSE(IsSigned(ArgumentType::kPointer));
}

}  // namespace
}  // namespace bailey::abi
