// The texts of errors are part of what a policy's writer sees: pinned whole, caret included.
#include <gtest/gtest.h>

#include "policy/load.h"

namespace bailey::policy {
namespace {

struct Case {
  const char* sentence;
  const char* text;
  const char* want;
};

const Context kContext = {
    .home = "/home/u", .current_directory = "/proj", .native = abi::Arch::kX86_64};

constexpr Case kFaults[] = {
    {"an unknown key, with the nearest",
     R"(bailey = 1
[syscalls]
alow = []
)",
     R"(x.toml:3:1: read [syscalls]: unknown key "alow", did you mean "allow"?
alow = []
^)"},
    {"an unknown key with none near",
     R"(bailey = 1
[limits]
colour = "red"
)",
     R"(x.toml:3:1: read [limits]: unknown key "colour" (there are: pids, files, file-size, tmpfs-size, wall, memory, cpu, output, io)
colour = "red"
^)"},
    {"an unknown section",
     R"(bailey = 1
[syscals]
)",
     R"(x.toml:2:2: read policy: unknown key "syscals", did you mean "syscalls"?
[syscals]
 ^)"},
    {"the first unknown key of two",
     R"(bailey = 1
[filesystem]
zzz = 1
abc = 2
)",
     R"(x.toml:3:1: read [filesystem]: unknown key "zzz" (there are: read, write, hide, tmpfs, sockets, bind, devices)
zzz = 1
^)"},
    {"a key of another type",
     R"(bailey = 1
[limits]
pids = "many"
)",
     R"(x.toml:3:8: read [limits] pids: expected an integer, found a string
pids = "many"
       ^)"},
    {"a list that is a string",
     R"(bailey = 1
[filesystem]
read = "/usr"
)",
     R"(x.toml:3:8: read [filesystem] read: expected an array, found a string
read = "/usr"
       ^)"},
    {"an element of another type",
     R"(bailey = 1
[filesystem]
read = ["/usr", 7]
)",
     R"(x.toml:3:17: read [filesystem] read: expected a string, found an integer
read = ["/usr", 7]
                ^)"},
    {"a section that is no table",
     R"(bailey = 1
limits = 3
)",
     R"(x.toml:2:10: read policy limits: expected a table, found an integer
limits = 3
         ^)"},
    {"a number out of range",
     R"(bailey = 1
[limits]
pids = 0
)",
     R"(x.toml:3:8: read [limits] pids: 0 is not from 1 to 2147483647
pids = 0
       ^)"},
    {"a negative id",
     R"(bailey = 1
[process]
uid = -1
)",
     R"(x.toml:3:7: read [process] uid: -1 is not from 0 to 4294967294
uid = -1
      ^)"},
    {"no version",
     R"(name = "x"
)",
     R"(x.toml:1:1: read policy: it does not say "bailey = 1"
name = "x"
^)"},
    {"an empty file", R"()",
     R"(x.toml:1:1: read policy: it does not say "bailey = 1"

^)"},
    {"a version to come",
     R"(bailey = 2
)",
     R"(x.toml:1:10: read policy: its version is 2, this program reads version 1
bailey = 2
         ^)"},
    {"a bad name",
     R"(bailey = 1
name = "a b"
)",
     R"(x.toml:2:8: read policy name: "a b" is not 1 to 63 letters, digits, dots, dashes and underscores
name = "a b"
       ^)"},
    {"an unknown system call, with the nearest",
     R"(bailey = 1
[syscalls]
allow = ["read", "soket"]
)",
     R"(x.toml:3:18: read [syscalls] allow: no architecture has a system call "soket", did you mean "socket"?
allow = ["read", "soket"]
                 ^)"},
    {"an unknown system call in a table",
     R"(bailey = 1
[syscalls]
deny = [{ syscall = "clone33" }]
)",
     R"(x.toml:3:21: read [syscalls] deny: no architecture has a system call "clone33", did you mean "clone3"?
deny = [{ syscall = "clone33" }]
                    ^)"},
    {"a system call of other architectures only",
     R"(bailey = 1
[syscalls]
architectures = ["x86_64", "i386"]
allow = ["riscv_hwprobe"]
)",
     R"(x.toml:4:10: read [syscalls] allow: "riscv_hwprobe" is no system call of x86_64 or i386
allow = ["riscv_hwprobe"]
         ^)"},
    {"a system call of one architecture in play, asked of the other",
     R"(bailey = 1
[syscalls]
deny = [{ syscall = "mmap2", arch = "x86_64" }]
)",
     R"(x.toml:3:9: read [syscalls] deny: "mmap2" is no system call of x86_64
deny = [{ syscall = "mmap2", arch = "x86_64" }]
        ^)"},
    {"an architecture that is not in play",
     R"(bailey = 1
[syscalls]
deny = [{ syscall = "read", arch = "arm" }]
)",
     R"(x.toml:3:9: read [syscalls] deny: arm is not in architectures
deny = [{ syscall = "read", arch = "arm" }]
        ^)"},
    {"an unknown group",
     R"(bailey = 1
[syscalls]
allow = ["@filesystem"]
)",
     R"(x.toml:3:10: read [syscalls] allow: unknown group "@filesystem", did you mean "@file-system"?
allow = ["@filesystem"]
         ^)"},
    {"an unknown architecture",
     R"(bailey = 1
[syscalls]
architectures = ["native", "x86_46"]
)",
     R"(x.toml:3:28: read [syscalls] architectures: unknown architecture "x86_46", did you mean "x86_64"?
architectures = ["native", "x86_46"]
                           ^)"},
    {"no architecture",
     R"(bailey = 1
[syscalls]
architectures = []
)",
     R"(x.toml:3:17: read [syscalls] architectures: it is empty, no call could be made
architectures = []
                ^)"},
    {"an unknown constant",
     R"(bailey = 1
[syscalls]
deny = [{ syscall = "clone", when = "flags & CLONE_NEWUSR" }]
)",
     R"(x.toml:3:46: read [syscalls] deny of clone: unknown constant "CLONE_NEWUSR", did you mean "CLONE_NEWUSER"?
deny = [{ syscall = "clone", when = "flags & CLONE_NEWUSR" }]
                                             ^)"},
    {"a constant that one architecture lacks",
     R"(bailey = 1
[syscalls]
architectures = ["x86_64", "aarch64"]
deny = [{ syscall = "prctl", when = "option == ARCH_SET_FS" }]
)",
     R"(x.toml:4:48: read [syscalls] deny of prctl: constant "ARCH_SET_FS" has no value on aarch64; arch = "..." limits an entry to one architecture
deny = [{ syscall = "prctl", when = "option == ARCH_SET_FS" }]
                                               ^)"},
    {"an unknown argument",
     R"(bailey = 1
[syscalls]
deny = [{ syscall = "ioctl", when = "comand == 1" }]
)",
     R"(x.toml:3:38: find argument 'comand' of ioctl on x86_64: the call has fd, cmd, arg, and the registers arg0 to arg5
deny = [{ syscall = "ioctl", when = "comand == 1" }]
                                     ^)"},
    {"a condition on a pointer",
     R"(bailey = 1
[syscalls]
deny = [{ syscall = "clone3", when = "uargs == 0" }]
)",
     R"(x.toml:3:39: read [syscalls] deny of clone3: argument "uargs" is a pointer: a filter sees the address, never what is there (arg0.raw is the address)
deny = [{ syscall = "clone3", when = "uargs == 0" }]
                                      ^)"},
    {"a condition on a pointer by its number",
     R"(bailey = 1
[syscalls]
deny = [{ syscall = "open", when = "arg0 == 0" }]
)",
     R"(x.toml:3:37: read [syscalls] deny of open: argument "arg0" is a pointer: a filter sees the address, never what is there (arg0.raw is the address)
deny = [{ syscall = "open", when = "arg0 == 0" }]
                                    ^)"},
    {"a value that does not fit",
     R"(bailey = 1
[syscalls]
deny = [{ syscall = "ioctl", when = "cmd == 0x1_0000_5412" }]
)",
     R"(x.toml:3:45: read condition: "0x1_0000_5412" is not a number of 64 bits
deny = [{ syscall = "ioctl", when = "cmd == 0x1_0000_5412" }]
                                            ^)"},
    {"a value wider than its argument",
     R"(bailey = 1
[syscalls]
deny = [{ syscall = "ioctl", when = "cmd == 0x100005412" }]
)",
     R"(x.toml:3:37: read [syscalls] deny of ioctl: 0x100005412 does not fit the 32 bits that the kernel reads of "cmd" on x86_64
deny = [{ syscall = "ioctl", when = "cmd == 0x100005412" }]
                                    ^)"},
    {"a condition that does not parse",
     R"(bailey = 1
[syscalls]
deny = [{ syscall = "ioctl", when = "cmd in TIOCSTI" }]
)",
     R"(x.toml:3:45: read condition: expected "{" after "in", found "TIOCSTI"
deny = [{ syscall = "ioctl", when = "cmd in TIOCSTI" }]
                                            ^)"},
    {"a condition that stops",
     R"(bailey = 1
[syscalls]
deny = [{ syscall = "ioctl", when = "cmd ==" }]
)",
     R"(x.toml:3:44: read condition: expected a constant or a number, found the end
deny = [{ syscall = "ioctl", when = "cmd ==" }]
                                           ^)"},
    {"a condition in a string with escapes",
     R"(bailey = 1
[syscalls]
deny = [{ syscall = "ioctl", when = "cmd\u0020== ?" }]
)",
     R"(x.toml:3:37: read condition: expected a constant or a number, found "?" (column 8 of the condition)
deny = [{ syscall = "ioctl", when = "cmd\u0020== ?" }]
                                    ^)"},
    {"a condition on a group",
     R"(bailey = 1
[syscalls]
deny = [{ syscall = "@ipc", when = "arg0 == 0" }]
)",
     R"(x.toml:3:36: read [syscalls] deny: a condition needs one system call, @ipc is a group
deny = [{ syscall = "@ipc", when = "arg0 == 0" }]
                                   ^)"},
    {"a call plainly in both lists",
     R"(bailey = 1
[syscalls]
allow = ["read", "ptrace"]
deny = ["ptrace"]
)",
     R"(x.toml:4:9: read [syscalls]: ptrace is denied here and allowed at x.toml:3:18
deny = ["ptrace"]
        ^)"},
    {"a group in both lists",
     R"(bailey = 1
[syscalls]
allow = ["@ipc"]
deny = ["@mount", "@ipc"]
)",
     R"(x.toml:4:19: read [syscalls]: @ipc is denied here and allowed at x.toml:3:10
deny = ["@mount", "@ipc"]
                  ^)"},
    {"a call in both lists, once for one architecture",
     R"(bailey = 1
[syscalls]
allow = ["fork"]
deny = [{ syscall = "fork", arch = "i386" }]
)",
     R"(x.toml:4:9: read [syscalls]: fork is denied here and allowed at x.toml:3:10
deny = [{ syscall = "fork", arch = "i386" }]
        ^)"},
    {"a number in both lists",
     R"(bailey = 1
[syscalls]
allow = [{ nr = 7, arch = "i386" }]
deny = [{ nr = 7, arch = "i386" }]
)",
     R"(x.toml:4:9: read [syscalls]: 7 of i386 is denied here and allowed at x.toml:3:10
deny = [{ nr = 7, arch = "i386" }]
        ^)"},
    {"a path in two uses",
     R"(bailey = 1
[filesystem]
read = ["/srv"]
hide = ["/srv/"]
)",
     R"(x.toml:4:9: read [filesystem]: /srv is in hide here and in read at x.toml:3:9
hide = ["/srv/"]
        ^)"},
    {"an unknown preset, with the nearest",
     R"(bailey = 1
extends = ["untrustd"]
)",
     R"(x.toml:2:12: read extends: unknown preset "untrustd", did you mean "untrusted"?
extends = ["untrustd"]
           ^)"},
    {"an unknown preset with none near",
     R"(bailey = 1
extends = ["docker"]
)",
     R"(x.toml:2:12: read extends: unknown preset "docker" (there are: agent, allow-all, build, docker-default, flatpak, flatpak-devel, flatpak-hardened, npx, os, untrusted, uvx, vmm)
extends = ["docker"]
           ^)"},
    {"a file that is not there",
     R"(bailey = 1
extends = ["./missing.toml"]
)",
     R"(x.toml:2:12: read extends: read policy "missing.toml": No such file or directory
extends = ["./missing.toml"]
           ^)"},
    {"an unknown errno",
     R"(bailey = 1
[syscalls]
deny = [{ syscall = "read", errno = "EPREM" }]
)",
     R"(x.toml:3:37: read [syscalls] deny errno: unknown errno "EPREM", did you mean "EPERM"?
deny = [{ syscall = "read", errno = "EPREM" }]
                                    ^)"},
    {"an unknown default",
     R"(bailey = 1
[syscalls]
default = "alow"
)",
     R"(x.toml:3:11: read [syscalls] default: "alow" is no action and no errno, did you mean "allow"?
default = "alow"
          ^)"},
    {"an unknown action",
     R"(bailey = 1
[syscalls]
deny = [{ syscall = "read", action = "allow" }]
)",
     R"(x.toml:3:38: read [syscalls] deny action: "allow" is not one of kill, kill-process, kill-thread, trap, log, notify, trace
deny = [{ syscall = "read", action = "allow" }]
                                     ^)"},
    {"an errno and an action",
     R"(bailey = 1
[syscalls]
deny = [{ syscall = "read", action = "trap", errno = "EPERM" }]
)",
     R"(x.toml:3:46: read [syscalls] deny: "errno" and "action" are both there
deny = [{ syscall = "read", action = "trap", errno = "EPERM" }]
                                             ^)"},
    {"data without an action",
     R"(bailey = 1
[syscalls]
deny = [{ syscall = "read", data = 1 }]
)",
     R"(x.toml:3:29: read [syscalls] deny: "data" needs "action"
deny = [{ syscall = "read", data = 1 }]
                            ^)"},
    {"an errno in allow",
     R"(bailey = 1
[syscalls]
allow = [{ syscall = "read", errno = "EPERM" }]
)",
     R"(x.toml:3:30: read [syscalls] allow: "errno" belongs to entries of deny
allow = [{ syscall = "read", errno = "EPERM" }]
                             ^)"},
    {"an entry without a call",
     R"(bailey = 1
[syscalls]
allow = [{ when = "arg0 == 0" }]
)",
     R"(x.toml:3:10: read [syscalls] allow: an entry needs "syscall", or "nr" and "arch"
allow = [{ when = "arg0 == 0" }]
         ^)"},
    {"a number without an architecture",
     R"(bailey = 1
[syscalls]
allow = [{ nr = 7 }]
)",
     R"(x.toml:3:10: read [syscalls] allow: "nr" needs "arch"
allow = [{ nr = 7 }]
         ^)"},
    {"an entry of another type",
     R"(bailey = 1
[syscalls]
allow = [3]
)",
     R"(x.toml:3:10: read [syscalls] allow: expected a string or a table, found an integer
allow = [3]
         ^)"},
    {"an unknown family",
     R"(bailey = 1
[syscalls]
socket-families = ["inet", "inet7"]
)",
     R"(x.toml:3:28: read [syscalls] socket-families: unknown family "inet7", did you mean "inet"?
socket-families = ["inet", "inet7"]
                           ^)"},
    {"an unknown capability",
     R"(bailey = 1
[process]
capabilities = ["CAP_NET_ADMN"]
)",
     R"(x.toml:3:17: read [process] capabilities: unknown capability "CAP_NET_ADMN", did you mean "CAP_NET_ADMIN"?
capabilities = ["CAP_NET_ADMN"]
                ^)"},
    {"an unknown device",
     R"(bailey = 1
[filesystem]
devices = ["nul"]
)",
     R"(x.toml:3:12: read [filesystem] devices: unknown device "nul", did you mean "null"?
devices = ["nul"]
           ^)"},
    {"a size that does not parse",
     R"(bailey = 1
[limits]
file-size = "10 MB"
)",
     R"(x.toml:3:13: read size "10 MB": unknown unit " MB", expected one as in "64MiB"
file-size = "10 MB"
            ^)"},
    {"a size of nothing",
     R"(bailey = 1
[limits]
tmpfs-size = "0"
)",
     R"(x.toml:3:14: read [limits] tmpfs-size: it is zero
tmpfs-size = "0"
             ^)"},
    {"a time that does not parse",
     R"(bailey = 1
[limits]
wall = "10 minutes"
)",
     R"(x.toml:3:8: read time "10 minutes": unknown unit " minutes", expected one as in "30s"
wall = "10 minutes"
       ^)"},
    {"a time without a unit",
     R"(bailey = 1
[limits]
wall = "10"
)",
     R"(x.toml:3:8: read time "10": unknown unit "", expected one as in "30s"
wall = "10"
       ^)"},
    {"a time of nothing",
     R"(bailey = 1
[limits]
wall = "0s"
)",
     R"(x.toml:3:8: read [limits] wall: it is zero
wall = "0s"
       ^)"},
    {"a path that leads back",
     R"(bailey = 1
[filesystem]
read = ["/usr/../etc"]
)",
     R"(x.toml:3:9: resolve [filesystem] read "/usr/../etc": ".." behind a name could lead through a symbolic link
read = ["/usr/../etc"]
        ^)"},
    {"a pattern where there are none",
     R"(bailey = 1
[filesystem]
read = ["/etc/*.conf"]
)",
     R"(x.toml:3:9: resolve [filesystem] read "/etc/*.conf": patterns are for hide only
read = ["/etc/*.conf"]
        ^)"},
    {"an empty path",
     R"(bailey = 1
[filesystem]
write = [""]
)",
     R"(x.toml:3:10: resolve [filesystem] write "": it is empty
write = [""]
         ^)"},
    {"a bind without a target",
     R"(bailey = 1
[filesystem]
bind = [{ from = "/srv" }]
)",
     R"(x.toml:3:9: read [filesystem] bind: it needs "from" and "to"
bind = [{ from = "/srv" }]
        ^)"},
    {"a variable that cannot be",
     R"(bailey = 1
[environment]
set = { "A=B" = "c" }
)",
     R"(x.toml:3:9: read [environment] set: "A=B" cannot be a variable
set = { "A=B" = "c" }
        ^)"},
    {"a variable of another type",
     R"(bailey = 1
[environment]
set = { A = 1 }
)",
     R"(x.toml:3:13: read [environment] set "A": expected a string, found an integer
set = { A = 1 }
            ^)"},
    {"a pattern within a name",
     R"(bailey = 1
[environment]
pass = ["A*B"]
)",
     R"(x.toml:3:9: read [environment] pass: "A*B" is not a name, or the beginning of names and a *
pass = ["A*B"]
        ^)"},
    {"an unknown network mode",
     R"(bailey = 1
[network]
mode = "full"
)",
     R"(x.toml:3:8: read [network] mode: "full" is not "none", "allow", "nat" or "host"
mode = "full"
       ^)"},
    {"an entry of the network without a port",
     R"(bailey = 1
[network]
mode = "allow"
allow = ["a.test:80", "example.org"]
)",
     R"(x.toml:4:23: read [network] allow: read "example.org": it has no port, as in example.org:443
allow = ["a.test:80", "example.org"]
                      ^)"},
    {"entries of the network without the mode",
     R"(bailey = 1
[network]
allow = ["example.org:443"]
)",
     R"(x.toml:3:1: read [network] allow: it needs mode = "allow" or "nat"
allow = ["example.org:443"]
^)"},
    {"a proxy of another kind",
     R"(bailey = 1
[network]
mode = "allow"
proxy = "socks5://proxy.test:1080"
)",
     R"(x.toml:4:9: read [network] proxy: "socks5://proxy.test:1080": expected "http://HOST:PORT"
proxy = "socks5://proxy.test:1080"
        ^)"},
    {"a port that is none",
     R"(bailey = 1
[network]
listen = [80, 70000]
)",
     R"(x.toml:3:15: read [network] listen: expected ports from 1 to 65535
listen = [80, 70000]
              ^)"},
    {"columns behind characters of several bytes",
     R"(bailey = 1
[environment]
set = { A = "äöü€", B = 1 }
)",
     R"(x.toml:3:30: read [environment] set "B": expected a string, found an integer
set = { A = "äöü€", B = 1 }
                        ^)"},
};

TEST(LoadError, FaultsOfAText) {
  for (const Case& c : kFaults) {
    const auto policy = Parse(c.text, "x.toml", kContext);
    ASSERT_FALSE(policy) << c.sentence;
    EXPECT_EQ(base::ToString(policy.error()), c.want) << c.sentence;
    EXPECT_EQ(policy.error().code, base::ErrorCode::kInvalidInput) << c.sentence;
  }
}

}  // namespace
}  // namespace bailey::policy
