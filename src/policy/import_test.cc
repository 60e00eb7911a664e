#include "policy/import.h"

#include <gtest/gtest.h>

namespace bailey::policy {
namespace {

TEST(Import, FormatsAreToldApart) {
  struct Row {
    std::string_view text;
    Format want;
  };
  constexpr Row kRows[] = {
      {R"({"defaultAction": "SCMP_ACT_ALLOW"})", Format::kOci},
      {R"( {"main": {"default_action": "allow", "filter_action": "trap", "filter": []}})",
       Format::kFirecracker},
      {"# a unit\n[Service]\nSystemCallFilter=@default\n", Format::kSystemd},
      // An errno's name may be anything; what decides is the member that OCI requires.
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "x": {"default_action": 1}})", Format::kOci},
      {"", Format::kOci},
      {"not any of them", Format::kOci},
  };
  for (const Row& row : kRows) EXPECT_EQ(DetectFormat(row.text), row.want) << row.text;
}

TEST(Import, NamesOfFormatsAreRead) {
  for (const Format format : {Format::kOci, Format::kFirecracker, Format::kSystemd})
    EXPECT_EQ(FindFormat(ToString(format)), format);
  EXPECT_EQ(FindFormat("OCI"), std::nullopt);
}

TEST(Import, TheOnlyThreadNeedsNoName) {
  constexpr std::string_view kText =
      R"({"api": {"default_action": "trap", "filter_action": "allow", "filter": []}})";
  const auto policy = Import(kText, "f.json");
  ASSERT_TRUE(policy) << policy.error().text;
  EXPECT_EQ(policy->name, "api");
  EXPECT_EQ(policy->syscalls.default_action.kind, abi::ActionKind::kTrap);
}

TEST(Import, ErrorsSayWhatIsThere) {
  struct Row {
    std::string_view text;
    ImportOptions options;
    std::string_view want;
  };
  constexpr std::string_view kTwo =
      R"({"a": {"default_action": "trap", "filter_action": "allow", "filter": []},
          "b": {"default_action": "trap", "filter_action": "allow", "filter": []}})";
  const Row rows[] = {
      {kTwo, {}, "read filter f: it has the filters of several threads, name one of \"a\", \"b\""},
      {kTwo, {.thread = "c"}, "read filter f: it has no thread \"c\" (there are: \"a\", \"b\")"},
      {"{}", {.format = Format::kFirecracker}, "read filter f: it has no thread's filter"},
      {kTwo,
       {.architectures = {abi::Arch::kX86_64, abi::Arch::kI386}},
       "read f: firecracker filters are for one architecture, not for 2"},
      {kTwo,
       {.capabilities = {"CAP_KILL"}},
       "read f: a capability is for oci, and this is "
       "firecracker"},
      {"SystemCallFilter=read",
       {.thread = "a"},
       "read f: a thread is for firecracker, and this is "
       "systemd"},
  };
  for (const Row& row : rows) {
    const auto policy = Import(row.text, "f", row.options);
    ASSERT_FALSE(policy) << row.want;
    EXPECT_EQ(policy.error().text, row.want);
  }
}

}  // namespace
}  // namespace bailey::policy
