// OCI and Firecracker configurations, good and malformed, and the processes that cannot be read.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "review/finder.h"
#include "review/located_json.h"
#include "review/read.h"
#include "review/read_firecracker.h"

namespace bailey::review {
namespace {

using Rules = std::set<std::string>;

Rules RulesOf(const Subject& subject) {
  std::vector<Finding> findings;
  for (const Finder& finder : ConfinementFinders()) finder.find(subject, findings);
  for (const Finder& finder : MachineFinders()) finder.find(subject, findings);
  Rules rules;
  for (const Finding& finding : findings) rules.insert(finding.rule);
  return rules;
}

constexpr std::string_view kContainer = R"({ "ociVersion": "1.0.2",
  "process": { "user": { "uid": 0 }, "noNewPrivileges": true, "env": [ "PATH=/bin" ],
    "capabilities": { "bounding": [ "CAP_CHOWN" ], "effective": [ "CAP_CHOWN" ] } },
  "root": { "path": "rootfs", "readonly": true },
  "mounts": [ { "destination": "/proc", "type": "proc", "source": "proc" } ],
  "linux": {
    "namespaces": [ { "type": "mount" }, { "type": "pid" }, { "type": "ipc" }, { "type": "uts" },
      { "type": "network" }, { "type": "cgroup" }, { "type": "user" } ],
    "uidMappings": [ { "containerID": 0, "hostID": 100000, "size": 65536 } ],
    "resources": { "memory": { "limit": 1000000 }, "pids": { "limit": 10 },
      "devices": [ { "allow": false, "access": "rwm" } ] } } })";

std::string With(std::string_view before, std::string_view after) {
  std::string text(kContainer);
  const auto at = text.find(before);
  EXPECT_NE(at, std::string::npos) << before;
  return text.replace(at, before.size(), after);
}

TEST(OciFinders, ATightContainerHasNoFindings) {
  const auto subject = ReadOci(std::string(kContainer), "config.json");
  ASSERT_TRUE(subject) << subject.error().text;
  EXPECT_EQ(RulesOf(*subject), Rules{});
}

TEST(OciFinders, EachLooseKeyIsFound) {
  struct Row {
    std::string_view before, after;
    Rules want;
  };
  for (
      const Row& row : std::vector<Row>{
          {R"({ "type": "network" }, )", "", {"confinement/shared-network-namespace"}},
          {R"({ "type": "network" })",
           R"({ "type": "network", "path": "/proc/1/ns/net" })",
           {"confinement/shared-network-namespace"}},
          {R"({ "type": "network" })", R"({ "type": "network", "path": "/run/netns/a" })", {}},
          {R"("mounts": [)",
           R"("mounts": [ { "destination": "/d", "type": "bind", "source": "/var/run/docker.sock" },)",
           {"confinement/engine-socket"}},
          {R"("limit": 1000000)", R"("limit": -1)", {"confinement/no-memory-limit"}},
          {R"("limit": 10 })", R"("limit": 0 })", {"confinement/no-process-limit"}},
          {R"("allow": false)", R"("allow": true)", {"confinement/any-device"}},
          {R"("env": [ "PATH=/bin" ])",
           R"("cwd": "/proc/self/fd/7", "env": [ "PATH=/bin" ])",
           {"confinement/working-directory"}},
          {R"("env": [ "PATH=/bin" ])", R"("cwd": "/work", "env": [ "PATH=/bin" ])", {}},
          {R"("env": [ "PATH=/bin" ])",
           R"("env": [ "AWS_SECRET_ACCESS_KEY=x" ])",
           {"confinement/secret-variables"}},
          {R"("process": {)",
           R"("process": { "apparmorProfile": "unconfined",)",
           {"confinement/no-security-profile"}},
          {R"("linux": {)",
           R"("linux": { "rootfsPropagation": "shared",)",
           {"confinement/mount-propagation"}},
          {R"("linux": {)",
           R"("linux": { "devices": [ { "path": "/dev/x", "type": "c", "major": 10, "minor": 232 } ],)",
           {"confinement/host-devices"}},
          {R"("hostID": 100000)",
           R"("hostID": 0)",
           {"confinement/kernel-files", "confinement/unmasked-files"}},
      }) {
    const auto subject = ReadOci(With(row.before, row.after), "config.json");
    ASSERT_TRUE(subject) << row.after << ": " << subject.error().text;
    EXPECT_EQ(RulesOf(*subject), row.want) << row.after;
  }
}

TEST(OciFinders, SetuidProgramsOfAnImageCountForAnOrdinaryUserOfTheHost) {
  struct Row {
    std::string_view user, bounding, no_new_privileges;
    bool want;
  };
  for (const Row& row : std::vector<Row>{{"1000", "\"CAP_CHOWN\"", "false", true},
                                         {"1000", "\"CAP_CHOWN\"", "true", false},
                                         {"1000", "", "false", false},
                                         {"0", "\"CAP_CHOWN\"", "false", false}}) {
    const std::string text =
        fmt::format(R"({{ "ociVersion": "1.0.2", "process": {{ "user": {{ "uid": {} }},
          "noNewPrivileges": {}, "capabilities": {{ "bounding": [ {} ] }} }},
          "root": {{ "path": "rootfs", "readonly": true }},
          "linux": {{ "namespaces": [ {{ "type": "mount" }} ] }} }})",
                    row.user, row.no_new_privileges, row.bounding);
    const auto subject = ReadOci(text, "config.json");
    ASSERT_TRUE(subject) << subject.error().text;
    EXPECT_EQ(RulesOf(*subject).contains("confinement/setuid"), row.want) << text;
  }
}

TEST(OciReader, MasksAndReadOnlyPathsCoverProc) {
  std::string text = With(R"("hostID": 100000)", R"("hostID": 0)");
  const std::string_view linux = R"("linux": {)";
  text.replace(text.find(linux), linux.size(),
               R"("linux": { "readonlyPaths": [ "/proc/sys", "/proc/sysrq-trigger" ],
      "maskedPaths": [ "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug",
      "/proc/scsi", "/sys/firmware" ],)");
  const auto subject = ReadOci(text, "config.json");
  ASSERT_TRUE(subject) << subject.error().text;
  EXPECT_EQ(RulesOf(*subject), Rules{});
}

TEST(OciReader, CompilesItsFilter) {
  const auto subject =
      ReadOci(With(R"("linux": {)",
                   R"("linux": { "seccomp": { "defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
           { "names": [ "read", "exit_group" ], "action": "SCMP_ACT_ALLOW" } ] },)"),
              "config.json");
  ASSERT_TRUE(subject) << subject.error().text;
  ASSERT_EQ(subject->filter->stack.size(), 1u);
  EXPECT_EQ(subject->confinement->seccomp, Known::kYes);
  EXPECT_EQ(subject->confinement->capabilities_place.line, 3);
}

TEST(Configurations, MalformedOnesAreOneError) {
  struct Row {
    std::string_view sentence, text, want;
  };
  const std::string deep = R"({"ociVersion": )" + std::string(80, '[') + std::string(80, ']') + "}";
  for (const Row& row : std::vector<Row>{
           {"nothing", "", "c:1:1: read c: it is not JSON"},
           {"cut off", "{\n \"a\": ", "c:2:7: read c: it is not JSON"},
           {"no object", "[]", "c:1:1: read c: it is not a JSON object"},
           {"too deep", deep, "c: read c: it is nested deeper than 64"},
           {"twice", "{ \"ociVersion\": \"1\",\n  \"ociVersion\": \"1\" }",
            "c:2:3: read c: \"ociVersion\" is there twice"},
           {"no version", "{}", "c: read c: ociVersion is missing"},
           {"other type", "{ \"ociVersion\": \"1\",\n  \"mounts\": { } }",
            "c:2:13: read c: mounts is not a list"},
           {"other type inside", "{ \"ociVersion\": \"1\",\n  \"mounts\": [ 3 ] }",
            "c:2:15: read c: mounts[0] is not an object"},
           {"a list for an object", R"({ "ociVersion": "1", "process": [] })",
            "c:1:33: read c: process is not an object"},
           {"unknown namespace",
            R"({ "ociVersion": "1", "linux": { "namespaces": [ { "type": "x" } ] } })",
            "c:1:59: read c: linux.namespaces[0].type names no namespace"},
           {"bad filter", R"({ "ociVersion": "1", "linux": { "seccomp": { } } })",
            "c:1:44: read profile c: it has no \"defaultAction\""},
       }) {
    const auto subject = ReadOci(std::string(row.text), "c");
    ASSERT_FALSE(subject) << row.sentence;
    EXPECT_EQ(ToString(subject.error()), row.want) << row.sentence;
  }
}

constexpr std::string_view kMachine = R"({
  "boot-source": { "kernel_image_path": "/vmlinux", "boot_args": "quiet 8250.nr_uarts=0" },
  "drives": [ { "drive_id": "root", "path_on_host": "/root.img", "is_root_device": true,
    "is_read_only": true, "rate_limiter": { } } ],
  "network-interfaces": [ { "iface_id": "n", "host_dev_name": "tap0", "rx_rate_limiter": { },
    "tx_rate_limiter": { } } ],
  "machine-config": { "vcpu_count": 1, "mem_size_mib": 128, "smt": false },
  "mmds-config": { "version": "V2", "network_interfaces": [ "n" ] },
  "logger": { "log_path": "/log.fifo" } })";

std::string Machine(std::string_view before, std::string_view after) {
  std::string text(kMachine);
  const auto at = text.find(before);
  EXPECT_NE(at, std::string::npos) << before;
  return text.replace(at, before.size(), after);
}

TEST(MachineFinders, ATightMachineHasNoFindingsAndEachLooseKeyIsFound) {
  struct Row {
    std::string_view before, after;
    Rules want;
  };
  for (const Row& row : std::vector<Row>{
           {"quiet", "quiet", {}},
           {"log.fifo", "vm.log", {"machine/unbounded-file"}},
           {"/log.fifo", "/tmp/vm-1.fifo", {"machine/predictable-path"}},
           {" 8250.nr_uarts=0", "", {"machine/serial-console"}},
           {R"("is_read_only": true)", R"("is_read_only": false)", {"machine/writable-root"}},
           {R"(, "rate_limiter": { })", "", {"machine/no-rate-limiter"}},
           {R"("rx_rate_limiter": { },)", "", {"machine/no-rate-limiter"}},
           {R"("smt": false)", R"("smt": true)", {"machine/smt"}},
           {R"("version": "V2", )", "", {"machine/metadata-version-1"}},
           {R"("/root.img")", R"("/srv/vm/../../etc/x")", {"machine/path-escape"}},
       }) {
    const auto subject = ReadFirecracker(Machine(row.before, row.after), "vm.json");
    ASSERT_TRUE(subject) << row.after << ": " << subject.error().text;
    EXPECT_EQ(RulesOf(*subject), row.want) << row.after;
  }
}

TEST(MachineFinders, ArgumentsCount) {
  auto subject = ReadFirecracker(std::string(kMachine), "vm.json");
  ASSERT_TRUE(subject);
  const std::vector<std::string> loose = {"/usr/bin/firecracker", "--no-seccomp", "--id", "../x"};
  ASSERT_TRUE(ReadMachineArguments(loose, *subject->machine));
  EXPECT_EQ(RulesOf(*subject),
            (Rules{"machine/no-jailer", "machine/no-seccomp", "machine/path-escape"}));
  subject = ReadFirecracker(std::string(kMachine), "vm.json");
  const std::vector<std::string> tight = {"jailer", "--id",  "a-1",        "--exec-file",
                                          "/f",     "--uid", "5",          "--gid",
                                          "5",      "--",    "--api-sock", "/a.sock"};
  ASSERT_TRUE(ReadMachineArguments(tight, *subject->machine));
  EXPECT_EQ(RulesOf(*subject), Rules{});
  for (const auto& [arguments, want] :
       std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{}, "read machine argument 1: it is neither firecracker nor jailer"},
           {{"qemu"}, "read machine argument 1: it is neither firecracker nor jailer"},
           {{"firecracker", "--x"}, "read machine argument 2: unknown option --x"},
           {{"jailer", "--id"}, "read machine argument 2: --id takes a value"},
       }) {
    const auto read = ReadMachineArguments(arguments, *subject->machine);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().text, want);
  }
}

TEST(FirecrackerReader, RefusesWhatFirecrackerDoesNotKnow) {
  struct Row {
    std::string_view before, after, want;
  };
  for (const Row& row : std::vector<Row>{
           {R"("drives")", R"("drive": 1, "drives")",
            "c:3:12: read c: drive is no name that Firecracker knows"},
           {R"("drive_id")", R"("path": "x", "drive_id")",
            "c:3:25: read c: drives[0].path is no name that Firecracker knows"},
           {R"("boot-source")", R"("cpu-config": 1, "boot-sourc")",
            "c:2:34: read c: boot-sourc is no name that Firecracker knows"},
           {R"("kernel_image_path": "/vmlinux", )", "",
            "c: read c: boot-source.kernel_image_path is missing"},
           {R"("vcpu_count": 1)", R"("vcpu_count": 0)",
            "c:7:37: read c: machine-config.vcpu_count is not above 0"},
           {R"("V2")", R"("V3")", "c:8:31: read c: mmds-config.version is neither V1 nor V2"},
       }) {
    const auto subject = ReadFirecracker(Machine(row.before, row.after), "c");
    ASSERT_FALSE(subject) << row.after;
    EXPECT_EQ(ToString(subject.error()), row.want) << row.after;
  }
}

TEST(ProcessReader, SaysWhatIsWrong) {
  for (const int pid : {-1, 0, 1 << 30}) {
    const auto subject = ReadProcess(pid);
    ASSERT_FALSE(subject);
    EXPECT_EQ(subject.error().text,
              "read process " + std::to_string(pid) + ": there is no such process");
  }
}

TEST(LocatedJson, PlacesOfEscapedNames) {
  const auto json = LocatedJson::Parse("{ \"a\\u002fb\": [ 1,\n true ], \"}\": \"[\" }", "f");
  ASSERT_TRUE(json) << json.error().text;
  EXPECT_EQ(json->At("/a~1b/1"), (Place{"f", 2, 2, {}}));
  EXPECT_EQ(json->At("/}"), (Place{"f", 2, 15, {}}));
}

}  // namespace
}  // namespace bailey::review
