// What happened in or to a sandbox, as a plain value: a call that was denied, a file withheld, a
// connection decided on, a limit reached, a start, an end.
//
//   audit::Event event = {.sandbox = "k3x-1", .decision = audit::Decision::kDenied};
//   event.detail = audit::Call{.arch = "x86_64", .name = "unshare", .answer = "EPERM"};
//   fmt::print("{}\n", audit::ToJson(event));          // one line of JSON Lines
//
// The JSON form is docs/schemas/event.schema.json. It is stable: fields are added, and none is
// renamed or given another meaning without another `version`.
//
// Texts that come from a program (paths, names) may hold any byte. ToJson writes what is no valid
// UTF-8 as U+FFFD.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace bailey::audit {

enum class Decision : std::uint8_t {
  kDenied,   // what was asked for did not happen
  kAllowed,  // it was decided on and may happen
  kSeen,     // noted; nothing was decided
};
std::string_view ToString(Decision decision);

// Who asked. Numbers are 0 and texts empty where that is not known.
struct Task {
  std::int64_t pid = 0;     // on the host
  std::int64_t inside = 0;  // as the sandbox sees it
  std::string executable;   // as the sandbox sees it
  bool operator==(const Task&) const = default;
};

// Why: the rule of the policy that decided.
struct Rule {
  std::string origin;  // "deny of agent", "default"
  std::string place;   // "agent.toml:7:3"
  bool operator==(const Rule&) const = default;
};

struct Argument {
  std::string name;
  std::string value;     // decoded: "AF_INET", "CLONE_NEWUSER|SIGCHLD", "/etc/shadow", "0x10"
  bool as_seen = false;  // copied from the program's memory, which may have changed since
  bool operator==(const Argument&) const = default;
};

struct Call {
  std::string arch;
  std::string name;  // empty for a number that no table names
  std::uint32_t number = 0;
  std::vector<Argument> arguments;
  std::string answer;  // "EPERM"; "continue" where the call went on
  bool operator==(const Call&) const = default;
};

// A path that a program named, and what the sandbox's file system makes of it.
struct FileAccess {
  std::string call;    // "openat"
  std::string path;    // inside, as seen
  std::string access;  // "read", "write", "execute"
  std::string reason;  // "not shown", "hidden", "read-only"
  bool operator==(const FileAccess&) const = default;
};

struct Connection {
  std::string protocol;  // "tcp", "udp", "unix", "dns"
  std::string host;      // by name, where one is known
  std::string address;
  std::uint16_t port = 0;
  std::string reason;
  std::uint64_t sent = 0, received = 0;  // bytes, once it has ended
  bool operator==(const Connection&) const = default;
};

struct Limit {
  std::string name;   // "memory", "wall", "output"
  std::string value;  // as the policy has it
  bool operator==(const Limit&) const = default;
};

struct Launch {
  std::string policy;
  std::vector<std::string> argv;
  std::string isolation = {};  // "microvm (qemu, tcg)"; empty: a sandbox of processes
  bool operator==(const Launch&) const = default;
};

struct Exit {
  std::string outcome;  // as in the report of `bailey run`; "not-started"
  std::int64_t status = 0;
  std::uint64_t start_up_us = 0;  // from the first namespace to the program's start
  std::string cause;              // of a sandbox that was not built: what failed
  bool operator==(const Exit&) const = default;
};

// What a person, or a rule in a person's stead, was asked.
struct Approval {
  std::string effect;
  std::string by;
  bool operator==(const Approval&) const = default;
};

// Events that nobody will see, and where they were lost.
struct Dropped {
  std::uint64_t events = 0;
  std::string where;  // "rate", "ring", or the name of a sink
  bool operator==(const Dropped&) const = default;
};

// How often a call was answered so in the whole life of a sandbox: exact, whatever was dropped.
struct Total {
  std::string arch;
  std::string name;
  std::string call;  // with its telling argument: "socket(family=AF_VSOCK)"
  std::string answer;
  std::uint64_t count = 0;
  bool operator==(const Total&) const = default;
};

using Detail =
    std::variant<Launch, Exit, Call, FileAccess, Connection, Limit, Approval, Dropped, Total>;

// The word that the JSON form has for what an event is about: "launch", "call", "file"...
std::string_view KindOf(const Detail& detail);

struct Event {
  std::uint64_t sequence = 0;  // within the sandbox, from 1, without a gap before anything is lost
  std::chrono::sys_time<std::chrono::nanoseconds> time{};
  std::string sandbox;
  Decision decision = Decision::kSeen;
  std::optional<Task> task;
  std::optional<Rule> rule;
  Detail detail;
  std::vector<std::string> alerts;  // names of the alert rules that it raised
  bool operator==(const Event&) const = default;
};

// One line, without the newline.
std::string ToJson(const Event& event);
// What ToJson wrote. Fields that it does not know are passed over; a `version` above its own is an
// error (kUnsupported), anything else that is wrong kInvalidInput.
base::Result<Event> FromJson(std::string_view line);

// "2026-11-22T03:01:02.123456789Z", and back; nullopt for anything else.
std::string TimeText(std::chrono::sys_time<std::chrono::nanoseconds> time);
std::optional<std::chrono::sys_time<std::chrono::nanoseconds>> ParseTime(std::string_view text);

// One line for people, without time and sandbox: "denied unshare(CLONE_NEWUSER) -> EPERM".
std::string Summary(const Event& event);

}  // namespace bailey::audit
