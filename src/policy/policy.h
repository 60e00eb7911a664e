// A policy as a plain value: what a program may see, reach, use and call, with every decision
// explicit. It is what the TOML file says after its presets, overrides and groups are worked in.
//
//   auto policy = policy::Load("agent", {});    // a preset, or a path with a '/' or ".toml"
//   if (!policy) return policy.error();         // file:line:column, the line, a caret
//   for (const policy::Rule& rule : policy->syscalls.rules) ...
//
// Meaning of the system call part, for a call (architecture, number, arguments):
//   1. An architecture outside `architectures` is answered with `foreign`.
//   2. A number no table names for that architecture, and that no raw rule names, is answered with
//      `unknown`. x32 numbers belong to architecture x32, also 512..547 without the bit.
//   3. Otherwise the first rule of `rules` that names the call and whose condition holds decides.
//   4. With `multiplexers = kFollow`, socketcall and ipc that no rule names answer each subcall as
//      the direct call (abi::SocketcallTable, IpcTable) is answered by 3 and 5 when no rule with
//      a condition bears on it; a subcall whose direct call has conditions is closed: its answer is
//      that of the strictest rule that bears on it (the arguments are behind a pointer). Selectors
//      that no table names are answered like unknown numbers.
//   5. A call no rule decides is answered with `fallback_default` if libc falls back from it
//      (IsFallbackCall) and `default_action` is an errno, else with `default_action`.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "abi/action.h"
#include "abi/arch.h"
#include "base/result.h"
#include "base/shared_text.h"
#include "bpf/program.h"
#include "egress/decide.h"
#include "policy/condition.h"

namespace bailey::policy {

// An errno differs by architecture (ENOSYS is 89 on mips), so rules keep its name.
struct Answer {
  abi::ActionKind kind = abi::ActionKind::kErrno;
  std::string errno_name;  // for kErrno; empty when `data` was written as a number
  std::uint16_t data = 0;
  bool operator==(const Answer&) const = default;
};
abi::Action Resolve(const Answer& answer, abi::Arch arch);
std::string ToString(const Answer& answer);

struct Rule {
  std::string syscall;                  // by name; empty for a raw number
  std::optional<std::uint32_t> number;  // raw: as in seccomp_data.nr
  std::optional<abi::Arch> arch;        // only there; always set for a raw number
  OptionalCondition condition;          // none: always
  Answer answer;
  base::SharedText origin;  // "deny of agent", "allow @file-system of untrusted"
  base::Location location;  // where it was written
  bool operator==(const Rule&) const = default;
};

enum class Multiplexers : std::uint8_t { kFollow, kOpen };

// How often each call was seen. It moves tests within a filter, and never changes an answer.
using Hot = std::map<abi::Arch, std::map<std::string, std::uint64_t, std::less<>>>;

// A filter of bytes that is attached below the policy's own: the strictest answer of all counts.
struct StackedFilter {
  std::string path;
  base::Location location;  // where it was written
  bpf::Program program;
  bool operator==(const StackedFilter&) const = default;
};

struct Syscalls {
  Answer default_action;
  Answer unknown{abi::ActionKind::kErrno, "ENOSYS", 0};
  Answer foreign{abi::ActionKind::kKillProcess, "", 0};
  Answer fallback_default{abi::ActionKind::kErrno, "ENOSYS", 0};
  std::vector<abi::Arch> architectures;
  Multiplexers multiplexers = Multiplexers::kFollow;
  std::vector<Rule> rules;                                    // first match decides
  std::optional<std::vector<std::uint16_t>> socket_families;  // for reports; rules enforce it
  std::vector<StackedFilter> stack;  // oldest first; rules say nothing about them
  Hot hot;
  bool operator==(const Syscalls&) const = default;
};

struct Bind {
  std::string from, to;
  bool write = false;
  bool operator==(const Bind&) const = default;
};

// Paths are absolute after loading: "~" and relative ones are resolved against the caller's home
// and current directory, and are in normal form. Patterns (with *, ** or ?) are allowed in `hide`
// only. A path is in one of read, write, hide and tmpfs.
struct Filesystem {
  std::vector<std::string> read, write, hide, tmpfs, sockets;
  std::vector<Bind> binds;
  std::vector<std::string> devices;   // names below /dev
  std::vector<std::string> optional;  // sorted: those of read, write, sockets and of the sources of
                                      // binds that may be missing (written "/lib32?")
  bool operator==(const Filesystem&) const = default;
};

// kNone: loopback of its own and nothing else; kAllow: what the lists say, by a gateway; kNat: all
// that the host reaches, by plain routing; kHost: the host's own.
enum class NetworkMode : std::uint8_t { kNone, kAllow, kNat, kHost };

// A proxy between this host and the world, spoken to in HTTP (CONNECT).
struct UpstreamProxy {
  std::string host;  // a name in its one form, or an address
  std::uint16_t port = 0;
  bool operator==(const UpstreamProxy&) const = default;
};

struct Network {
  NetworkMode mode = NetworkMode::kNone;
  egress::Egress egress;              // in mode kAllow
  std::vector<std::uint16_t> listen;  // ports inside that the host's loopback reaches
  std::uint32_t connections = 16384;  // at once
  std::optional<std::uint64_t> out;   // bytes to one destination
  std::optional<std::chrono::milliseconds> idle, total;  // of a connection
  std::optional<UpstreamProxy> proxy;
  bool proxy_variables = false;  // the program is told of the gateway's own proxy
  bool operator==(const Network&) const = default;
};

struct Environment {
  std::vector<std::string> pass;  // names; a trailing * matches any ending
  std::map<std::string, std::string> set;
  bool operator==(const Environment&) const = default;
};

struct Process {
  std::vector<std::string> capabilities;  // "CAP_NET_BIND_SERVICE"
  std::uint32_t uid = 1000;
  std::uint32_t gid = 1000;
  std::string workdir;  // empty: the caller's if it is shown, else "/"
  bool new_session = true;
  bool operator==(const Process&) const = default;
};

struct Limits {
  std::optional<std::uint64_t> processes;  // "pids": RLIMIT_NPROC in the sandbox's user namespace
  std::optional<std::uint64_t> files;      // RLIMIT_NOFILE
  std::optional<std::uint64_t> file_size;  // RLIMIT_FSIZE, bytes
  std::optional<std::uint64_t> memory;     // of all processes together, bytes
  std::optional<std::uint64_t> cpu_thousandths;  // 1500: one processor and a half
  std::optional<std::uint64_t> output;           // on standard output and error together, bytes
  std::optional<std::uint64_t> io;  // read, and written, of each block device: bytes a second
  std::uint64_t tmpfs_size = 64ull << 20;  // of each tmpfs, bytes
  std::optional<std::chrono::milliseconds> wall;
  bool operator==(const Limits&) const = default;
};

// A guarantee that the policy promises to keep, by name.
struct Guarantee {
  std::string name;
  base::Location location;
  bool operator==(const Guarantee&) const = default;
};

// So many denials of a kind within a time mark the event that completes them.
struct AlertRule {
  std::string name;
  std::string kind;  // of the event: "call", "file", "connection"; empty: every
  std::string call;  // only of this one; empty: of every
  std::uint64_t count = 1;
  std::chrono::milliseconds within{};
  bool operator==(const AlertRule&) const = default;
};

enum class AuditLog : std::uint8_t {
  kNone,
  kDenied,  // denials, and the start and end of a sandbox that had one
  kAll,     // every start and end, and what was allowed where that is decided on
};

// What is noted of what happens. It changes no answer to any call (IsNotified below says which
// calls a supervisor hears of).
struct Audit {
  AuditLog log = AuditLog::kNone;
  bool files = false;              // calls that name a path are noted as well
  bool network = false;            // and those that ask for a change of the network
  std::uint64_t capacity = 4096;   // events that wait for a sink
  std::uint64_t rate = 100;        // events a second that go to sinks, after a first burst
  std::vector<std::string> quiet;  // calls whose denial is not noted
  // Calls that programs try and go on without: noted, and of themselves nothing to tell people of.
  std::vector<Rule> probes;
  std::vector<std::string> to;  // sinks by name; empty: the store
  std::vector<AlertRule> alerts;
  bool operator==(const Audit&) const = default;
};

struct Policy {
  std::string name;
  Filesystem filesystem;
  Network network;
  Environment environment;
  Process process;
  Limits limits;
  Syscalls syscalls;
  Audit audit;
  std::vector<Guarantee> guarantees;
  std::vector<Guarantee>
      given_up;  // what a preset or a file below promises, and the policy does not
  bool operator==(const Policy&) const = default;
};

// Calls that libc tries first and falls back from when they answer ENOSYS.
bool IsFallbackCall(std::string_view name);
// Of these, the ones that libraries try on their own, again and again.
bool IsProbedCall(std::string_view name);

// Whether a supervisor is to hear of the call `name` (empty: a number that no table names) when it
// is answered so. Of denials by errno it hears, but for: calls that `quiet` names; ENOSYS to
// IsProbedCall; and read, write and what ends a task, which the tasks of a launch use between the
// filter and the program. Of what is allowed it hears with `files`, of calls that name a path,
// and with `network`, of those that send on sockets.
bool IsNotified(const Audit& audit, std::string_view name, const Answer& answer);

}  // namespace bailey::policy
