// Policy text to Policy: TOML, `extends`, presets, overrides of the command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/policy.h"

namespace bailey::policy {

// What the policy is read for: "~", "." and "native" mean something only with these.
struct Context {
  std::string home;               // absolute; "" when unknown: then "~" is an error
  std::string current_directory;  // absolute
  abi::Arch native = abi::NativeArch();
};

// Given on the command line; beats the file.
struct Overrides {
  std::vector<std::string> read, write, hide, tmpfs;
  std::vector<std::string> binds;             // "FROM:TO" or "FROM:TO:write"
  std::vector<std::string> set_environment;   // "NAME=value"
  std::vector<std::string> pass_environment;  // "NAME"
  std::vector<std::string> network;           // "none", "allow", "allow:ENTRY", "nat", "host"
  std::string workdir;
  std::string timeout, memory, cpu, output, io;  // as in [limits]; empty: as the policy says
  std::optional<std::uint64_t> processes;
  std::string audit;  // none, denied, files, network or all; empty: as the policy says
  std::vector<std::string> audit_to;  // sinks; empty: the policy's own
  std::vector<std::string> allow_syscalls, deny_syscalls;
  std::vector<std::string> architectures;  // by name, "native" or "compat"; empty: the policy's own
};

// A preset's name, or the path of a file (anything with a '/' or ending in ".toml").
base::Result<Policy> Load(std::string_view name_or_path, const Context& context,
                          const Overrides& overrides = {});
// The text of a policy file; `file` is what errors call it. Relative paths in the text are
// relative to `context.current_directory`.
base::Result<Policy> Parse(std::string_view text, std::string_view file, const Context& context,
                           const Overrides& overrides = {});

// The presets compiled into this binary (policies/*.toml).
struct Preset {
  std::string_view name, text;
};
std::vector<Preset> Presets();

// Where policy text came from is bounded: larger files are refused before they are parsed.
inline constexpr std::size_t kMaxPolicyBytes = 1 << 20;

}  // namespace bailey::policy
