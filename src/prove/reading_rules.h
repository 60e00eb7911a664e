// The walk over a policy's rules, shared by the two questions that prove/reading.h asks.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "abi/arch.h"
#include "abi/arguments.h"
#include "bpf/instruction.h"
#include "policy/policy.h"
#include "prove/reading.h"

namespace bailey::prove {

// The architecture that a call is made through; nullopt when no table has this token.
std::optional<abi::Arch> ArchOf(const policy::Syscalls& syscalls, std::uint32_t token,
                                std::uint32_t number);
// The call's name there, empty for an unknown number.
std::string_view NameOf(abi::Arch arch, std::uint32_t number);

// One (architecture, number), with what the policy says about it.
struct Subject {
  abi::Arch arch;
  std::uint32_t number;
  std::string_view name;                   // empty: no table names it
  std::vector<const policy::Rule*> rules;  // that name it, in order
};

class Rules {
 public:
  explicit Rules(const policy::Syscalls& syscalls);

  bool IsListed(abi::Arch arch) const;
  Subject About(abi::Arch arch, std::uint32_t number) const;
  std::vector<const policy::Rule*> Naming(abi::Arch arch, std::string_view name,
                                          std::optional<std::uint32_t> number) const;
  // True when socketcall or ipc answers as its subcalls do.
  bool FollowsSubcalls(const Subject& subject) const;
  Decision Foreign(std::uint32_t token, std::uint32_t number) const;
  // `explain`: fill in Decision::reason, which costs more than deciding.
  Decision Answer(const Subject& subject, const bpf::SeccompData& data, bool explain) const;

 private:
  Decision ByDefault(const Subject& subject, bool explain) const;
  Decision Unknown(const Subject& subject, std::string_view what, bool explain) const;
  Decision BySubcall(const Subject& subject, const bpf::SeccompData& data, bool explain) const;

  const policy::Syscalls& syscalls_;
  std::unordered_map<std::string_view, std::vector<std::size_t>> by_name_;
  std::vector<std::size_t> raw_;
};

// An argument's value as the kernel reads it, cut to its width.
std::uint64_t ValueOf(const abi::Argument& argument, abi::Arch arch, const bpf::SeccompData& data);
// Whether a condition holds for a call; nullopt when it has no meaning on the architecture. A rule
// on a raw number has no `syscall`: its arguments are full registers.
std::optional<bool> Holds(const policy::Condition& condition, abi::Arch arch,
                          std::string_view syscall, const bpf::SeccompData& data);

}  // namespace bailey::prove
