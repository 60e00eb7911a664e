#include "policy/import_firecracker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bailey::policy {
namespace {

using testing::ElementsAre;

std::string WithRules(std::string_view rules) {
  return std::string(
             R"({"vcpu": {"default_action": "trap", "filter_action": "allow", "filter": [)") +
         std::string(rules) + "]}}";
}

std::vector<std::string> RulesOf(std::string_view json) {
  const auto threads = ImportFirecracker(json, "f.json", abi::Arch::kX86_64);
  if (!threads) return {base::ToString(threads.error())};
  std::vector<std::string> rules;
  for (const auto& [thread, syscalls] : *threads) {
    for (const Rule& rule : syscalls.rules) {
      rules.push_back(thread + ": " + rule.syscall +
                      (rule.condition ? " when " + ToString(*rule.condition) : "") + " -> " +
                      ToString(rule.answer));
    }
  }
  return rules;
}

TEST(ImportFirecracker, ReadsThreads) {
  const auto threads = ImportFirecracker(
      R"({"api": {"default_action": {"errno": 1}, "filter_action": "log", "filter": []},
          "vmm": {"default_action": "kill_process", "filter_action": {"trace": 7}, "filter": []}})",
      "f.json", abi::Arch::kAarch64);
  ASSERT_TRUE(threads) << base::ToString(threads.error());
  const Syscalls& api = threads->at("api");
  EXPECT_EQ(ToString(api.default_action), "errno(1)");
  EXPECT_EQ(api.unknown, api.default_action);
  EXPECT_EQ(api.fallback_default, api.default_action);
  EXPECT_EQ(api.foreign.kind, abi::ActionKind::kKillProcess);
  EXPECT_THAT(api.architectures, ElementsAre(abi::Arch::kAarch64));
  EXPECT_EQ(ToString(threads->at("vmm").default_action), "kill-process");
}

TEST(ImportFirecracker, ReadsRules) {
  EXPECT_THAT(RulesOf(WithRules(
                  R"({"syscall": "read"},
             {"syscall": "ioctl", "args": [
               {"index": 1, "type": "dword", "op": "eq", "val": 44672, "comment": "KVM_RUN"},
               {"index": 0, "type": "qword", "op": "gt", "val": 4294967296}]},
             {"syscall": "mmap", "args": [
               {"index": 3, "type": "dword", "op": {"masked_eq": 48}, "val": 34}]})")),
              ElementsAre("vcpu: read -> allow",
                          "vcpu: ioctl when arg1.raw & 0xffffffff == 0xae80 and "
                          "arg0.raw & 0xffffffffffffffff > 0x100000000 -> allow",
                          "vcpu: mmap when arg3.raw & 48 == 32 -> allow"));
}

TEST(ImportFirecracker, SaysWhatIsWrong) {
  const struct {
    std::string json, want;
  } rows[] = {
      {"{", "read filter f.json: it is not JSON"},
      {"[]", "read filter f.json: it is not a JSON object"},
      {R"({"a": 1})", "read filter f.json: a: it is not an object"},
      {R"({"a": {}})", "read filter f.json: a: it has no \"default_action\""},
      {R"({"a": {"default_action": "no"}})", "read filter f.json: a: unknown action \"no\""},
      {R"({"a": {"default_action": {"errno": -1}}})",
       "read filter f.json: a: \"errno\" is not a number from 0 to 65535"},
      {R"({"a": {"default_action": "trap", "filter_action": {}}})",
       "read filter f.json: a: \"filter_action\" is no action"},
      {R"({"a": {"default_action": "trap", "filter_action": "allow"}})",
       "read filter f.json: a: \"filter\" is not a list"},
      {WithRules("7"), "read filter f.json: vcpu.filter[0]: \"syscall\" is not a name"},
      {WithRules(R"({"syscall": "raed"})"),
       "read filter f.json: vcpu.filter[0]: \"raed\" is no system call of x86_64"},
      {WithRules(R"({"syscall": "read", "args": [{"index": 6, "type": "dword"}]})"),
       "read filter f.json: vcpu.filter[0].args[0]: \"index\" is not a number from 0 to 5"},
      {WithRules(R"({"syscall": "read", "args": [{"index": 0, "type": "word"}]})"),
       "read filter f.json: vcpu.filter[0].args[0]: \"type\" is not \"dword\" or \"qword\""},
      {WithRules(R"({"syscall": "read", "args": [{"index": 0, "type": "dword", "val": 1,
                     "op": "like"}]})"),
       "read filter f.json: vcpu.filter[0].args[0]: unknown operator \"like\""},
  };
  for (const auto& row : rows) EXPECT_THAT(RulesOf(row.json), ElementsAre(row.want));
}

}  // namespace
}  // namespace bailey::policy
