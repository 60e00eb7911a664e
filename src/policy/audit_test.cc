#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/load.h"

namespace bailey::policy {
namespace {

using namespace std::chrono_literals;

const Context kContext = {.home = "/home/me", .current_directory = "/work"};

TEST(Audit, IsReadAsItIsWritten) {
  const auto policy = Parse(R"(bailey = 1
[audit]
log = "denied"
files = true
network = true
capacity = 100
rate = 7
quiet = ["ptrace"]
probes = ["get_mempolicy", { syscall = "socket", when = "family == AF_UNIX" }]
to = ["store", "file:/var/log/x", "syslog:/run/log"]
alert = [{ name = "probing", kind = "call", call = "mount", count = 3, within = "10s" },
         { name = "any", within = "1m" }]
)",
                            "x.toml", kContext);
  ASSERT_TRUE(policy) << base::ToString(policy.error());
  const auto probe = [](std::string_view call, std::string_view when, base::Location place) {
    Rule rule = {.syscall = std::string(call), .answer = {abi::ActionKind::kAllow, "", 0}};
    if (!when.empty()) rule.condition = *ParseCondition(when);
    rule.origin = "probes of x";
    rule.location = std::move(place);
    return rule;
  };
  const Audit want = {.log = AuditLog::kDenied,
                      .files = true,
                      .network = true,
                      .capacity = 100,
                      .rate = 7,
                      .quiet = {"ptrace"},
                      .probes = {probe("get_mempolicy", "", {"x.toml", 9, 11}),
                                 probe("socket", "family == AF_UNIX", {"x.toml", 9, 28})},
                      .to = {"store", "file:/var/log/x", "syslog:/run/log"},
                      .alerts = {{"probing", "call", "mount", 3, 10s}, {"any", "", "", 1, 60s}}};
  EXPECT_EQ(policy->audit, want);
}

TEST(Audit, IsOffWhereNothingIsSaid) {
  const auto policy = Parse("bailey = 1\n", "x.toml", kContext);
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->audit, Audit());
  EXPECT_FALSE(IsNotified(policy->audit, "mount", {.errno_name = "EPERM"}));
}

TEST(Audit, FaultsAreSaidWithTheirPlace) {
  const struct {
    const char *text, *error;
  } kCases[] = {
      {"log = \"denies\"",
       "x.toml:3:7: read [audit] log: \"denies\" is not \"none\", \"denied\" or \"all\"\n"
       "log = \"denies\"\n      ^"},
      {"capacity = 0",
       "x.toml:3:12: read [audit] capacity: 0 is not from 1 to 1048576\ncapacity = 0\n"
       "           ^"},
      {"quiet = [\"mont\"]",
       "x.toml:3:10: read [audit] quiet: no architecture has a system call \"mont\", did you mean "
       "\"mount\"?\nquiet = [\"mont\"]\n         ^"},
      {"quiet = [\"@mount\"]",
       "x.toml:3:10: read [audit] quiet: it names no single call\nquiet = [\"@mount\"]\n"
       "         ^"},
      {"probes = [\"@mount\"]",
       "x.toml:3:11: read [audit] probes: it names no single call\nprobes = [\"@mount\"]\n"
       "          ^"},
      {"probes = [\"mont\"]",
       "x.toml:3:11: read [audit] probes: no architecture has a system call \"mont\", did you mean "
       "\"mount\"?\nprobes = [\"mont\"]\n          ^"},
      {"probes = [{ syscall = \"socket\", errno = \"EPERM\" }]",
       "x.toml:3:33: read [audit] probes: \"errno\" belongs to entries of deny\n"
       "probes = [{ syscall = \"socket\", errno = \"EPERM\" }]\n"
       "                                ^"},
      {"probes = [{ syscall = \"socket\", when = \"kind == 1\" }]",
       "x.toml:3:41: find argument 'kind' of socket on x86_64: the call has family, type, "
       "protocol, "
       "and the registers arg0 to arg5\nprobes = [{ syscall = \"socket\", when = \"kind == 1\" }]\n"
       "                                        ^"},
      {"to = [\"file:x\"]",
       "x.toml:3:7: read [audit] to: \"file:x\" is not \"store\", \"stdout\", \"syslog\", "
       "\"journald\", or \"file:\", \"unix:\" or \"syslog:\" and an absolute path\n"
       "to = [\"file:x\"]\n      ^"},
      {"alert = [{ name = \"x\" }]",
       "x.toml:3:10: read [audit] alert: it needs \"name\" and \"within\"\n"
       "alert = [{ name = \"x\" }]\n         ^"},
      {"alert = [{ name = \"x\", within = \"1s\", kind = \"exit\" }]",
       "x.toml:3:46: read [audit] alert: kind \"exit\" is not \"call\", \"file\" or "
       "\"connection\"\nalert = [{ name = \"x\", within = \"1s\", kind = \"exit\" }]\n"
       "                                             ^"},
      {"logs = 1",
       "x.toml:3:1: read [audit]: unknown key \"logs\", did you mean \"log\"?\nlogs = 1\n^"},
  };
  for (const auto& one : kCases) {
    const auto policy =
        Parse(std::string("bailey = 1\n[audit]\n") + one.text + "\n", "x.toml", kContext);
    ASSERT_FALSE(policy) << one.text;
    EXPECT_EQ(base::ToString(policy.error()), one.error);
  }
}

TEST(Audit, TellsWhatASupervisorHearsOf) {
  const Answer eperm = {.errno_name = "EPERM"};
  const Answer enosys = {.errno_name = "ENOSYS"};
  const Answer allow = {.kind = abi::ActionKind::kAllow};
  const Audit denied = {.log = AuditLog::kDenied, .quiet = {"ptrace"}};
  const Audit files = {.log = AuditLog::kDenied, .files = true};
  const Audit network = {.log = AuditLog::kDenied, .network = true};
  const struct {
    const Audit& audit;
    const char* call;
    Answer answer;
    bool want;
  } kCases[] = {
      {denied, "mount", eperm, true},
      {denied, "", eperm, true},
      {denied, "", enosys, true},
      {denied, "ptrace", eperm, false},
      {denied, "clone3", enosys, false},
      {denied, "clone3", eperm, true},
      {denied, "clock_gettime64", enosys, false},
      {denied, "io_uring_setup", enosys, true},
      {denied, "mount", {.data = 0}, false},
      {denied, "mount", {.data = 1}, true},
      {denied, "mount", {.kind = abi::ActionKind::kKillProcess}, false},
      {denied, "mount", {.kind = abi::ActionKind::kNotify}, false},
      {denied, "write", eperm, false},
      {denied, "exit_group", eperm, false},
      {denied, "openat", allow, false},
      {files, "openat", allow, true},
      {files, "read", allow, false},
      {files, "getpid", allow, false},
      {files, "sendto", allow, false},
      {network, "sendto", allow, true},
      {network, "sendmsg", allow, true},
      {network, "sendmmsg", allow, true},
      {network, "socketcall", allow, true},
      {network, "openat", allow, false},
      {network, "write", allow, false},
      {network, "recvmsg", allow, false},
  };
  for (const auto& one : kCases)
    EXPECT_EQ(IsNotified(one.audit, one.call, one.answer), one.want)
        << one.call << " " << ToString(one.answer);
}

}  // namespace
}  // namespace bailey::policy
