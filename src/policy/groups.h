// The groups of system calls that policies name with an @ (policies/groups.toml), made into code
// at build: nothing is parsed at start.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "abi/arch.h"

namespace bailey::policy {

struct GroupMember {
  std::uint16_t index;  // into abi::AllNames()
  std::uint32_t archs;  // bit n: architecture n has a direct call of this name
};

constexpr std::uint32_t ArchBit(abi::Arch arch) { return 1u << static_cast<unsigned>(arch); }

struct Group {
  std::string_view name;  // "@file-system"
  std::string_view about;
  std::span<const GroupMember> members;
};

// Null when there is none of this name.
const Group* FindGroup(std::string_view name);
std::span<const Group> Groups();
std::span<const std::string_view> GroupNames();

}  // namespace bailey::policy
