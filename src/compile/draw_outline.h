// What a drawing of a policy's decisions shows, before it is drawn: for each architecture the calls
// with one answer, then each call that looks at its arguments, with its tests as tables.
//
//   auto outline = compile::Outline(policy.syscalls);
//   for (const ArchOutline& arch : outline->architectures) ...
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "abi/arch.h"
#include "base/result.h"
#include "policy/policy.h"

namespace bailey::compile {

// Where a test leads: to an answer, or to another test of the same decision.
struct Target {
  std::string answer;  // "allow", "EPERM"; empty where `test` is set
  std::optional<std::size_t> test;
  bool operator==(const Target&) const = default;
};

struct Branch {
  std::string values;  // "0, 1, 16", "3..9", "otherwise"
  Target target;
  bool operator==(const Branch&) const = default;
};

// One look at an argument: "family", "flags & 0x7e020000", "high half of offset".
struct TestTable {
  std::string subject;
  std::vector<Branch> branches;  // together they cover every value; "otherwise" is the last
  std::size_t depth = 0;         // tests before it, at most
  bool operator==(const TestTable&) const = default;
};

// Calls that are decided alike.
struct Group {
  std::vector<std::string> calls;  // by name, or as "number 500"
  std::string answer;              // where it does not depend on arguments; otherwise tests[0]
  std::vector<TestTable> tests;
  bool operator==(const Group&) const = default;
};

struct ArchOutline {
  abi::Arch arch;
  std::string unknown;
  std::vector<Group> groups;  // those with one answer first
  bool operator==(const ArchOutline&) const = default;
};

struct PolicyOutline {
  std::vector<ArchOutline> architectures;
  std::string foreign;
  bool operator==(const PolicyOutline&) const = default;
};

// Errors are those of Compile, and kUnsupported where tests follow each other a thousand deep.
base::Result<PolicyOutline> Outline(const policy::Syscalls& syscalls);

}  // namespace bailey::compile
