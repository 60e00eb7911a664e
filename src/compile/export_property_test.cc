// Whatever names and policies hold, what is exported is JSON, and says the names again.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "abi/syscalls.h"
#include "compile/export_profile.h"
#include "policy/import.h"
#include "prove/random_policy.h"

namespace bailey::compile {
namespace {

using abi::Arch;

policy::Syscalls Small() {
  policy::Syscalls syscalls;
  syscalls.architectures = {Arch::kX86_64};
  syscalls.default_action = {abi::ActionKind::kErrno, "EPERM", 0};
  syscalls.unknown = syscalls.fallback_default = syscalls.default_action;
  return syscalls;
}

bool IsAscii(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

RC_GTEST_PROP(ExportProperty, AThreadMayHaveAnyName, (const std::string& name)) {
  const auto json = ExportFirecracker(Small(), name);
  RC_ASSERT(json.has_value());
  RC_ASSERT(nlohmann::json::accept(*json));
  // Bytes that are no UTF-8 are replaced: JSON has none.
  if (IsAscii(name)) RC_ASSERT(nlohmann::json::parse(*json).contains(name));
}

RC_GTEST_PROP(ExportProperty, AnyRulesAreJsonOrAnError, (std::uint64_t seed)) {
  std::mt19937_64 random(seed);
  policy::Syscalls syscalls = prove::RandomSyscalls(random, {Arch::kX86_64, Arch::kI386});
  for (policy::Rule& rule : syscalls.rules) rule.origin = *rc::gen::arbitrary<std::string>();
  const std::string name = *rc::gen::arbitrary<std::string>();
  if (const auto oci = ExportOci(syscalls)) RC_ASSERT(nlohmann::json::accept(*oci));
  if (const auto threads = ExportFirecracker(syscalls, name))
    RC_ASSERT(nlohmann::json::accept(*threads));
}

// Importers take arbitrary text: they say what is wrong, and do not throw.
RC_GTEST_PROP(ExportProperty, AnyTextIsImportedOrRefused, (const std::string& text)) {
  for (const policy::Format format :
       {policy::Format::kOci, policy::Format::kFirecracker, policy::Format::kSystemd}) {
    const auto policy = policy::Import(text, "any", {.format = format});
    RC_ASSERT(policy || !policy.error().text.empty());
  }
}

}  // namespace
}  // namespace bailey::compile
