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

// Which rule, and where it is written: "deny of agent, agent.toml:3:9".
std::string PlaceOf(const policy::Rule& rule);

// A condition with its names looked up for one architecture.
struct Question {
  policy::Condition::Kind kind = policy::Condition::Kind::kTest;
  // For kTest:
  bool has_meaning = true;  // false: an argument or a constant does not exist there
  abi::Argument argument{};
  unsigned bits = 64;  // the argument's width
  bool is_signed = false;
  policy::Comparison comparison = policy::Comparison::kEqual;
  std::optional<std::uint64_t> mask;
  std::vector<std::uint64_t> operands;
  // For the others:
  std::vector<Question> children;
};

// A rule on a raw number has no `syscall`: its arguments are full registers.
Question Ask(const policy::Condition& condition, abi::Arch arch, std::string_view syscall);
// Whether the condition holds for a call; nullopt when it has no meaning there.
std::optional<bool> Holds(const Question& question, const bpf::SeccompData& data);

struct NamingRule {
  const policy::Rule* rule;
  std::optional<Question> question;  // none: always
  abi::Action action;
};

// One (architecture, number), with what the policy says about it.
struct Subject {
  abi::Arch arch;
  std::uint32_t number;
  std::string_view name;          // empty: no table names it
  std::vector<NamingRule> rules;  // that name it, in order
};

class Rules {
 public:
  explicit Rules(const policy::Syscalls& syscalls);

  bool IsListed(abi::Arch arch) const;
  Subject About(abi::Arch arch, std::uint32_t number) const;
  std::vector<NamingRule> Naming(abi::Arch arch, std::string_view name,
                                 std::optional<std::uint32_t> number) const;
  // True when socketcall or ipc answers as its subcalls do.
  bool FollowsSubcalls(const Subject& subject) const;
  Decision Foreign(std::uint32_t token, std::uint32_t number) const;
  // `explain`: fill in Decision::reason, which costs more than deciding.
  Decision Answer(const Subject& subject, const bpf::SeccompData& data, bool explain) const;
  // When no rule decides.
  Decision ByDefault(const Subject& subject, bool explain) const;

 private:
  Decision Unknown(const Subject& subject, std::string_view what, bool explain) const;
  Decision BySubcall(const Subject& subject, const bpf::SeccompData& data, bool explain) const;

  const policy::Syscalls& syscalls_;
  std::unordered_map<std::string_view, std::vector<std::size_t>> by_name_;
  std::vector<std::size_t> raw_;
};

}  // namespace bailey::prove
