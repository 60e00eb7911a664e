// A call as a person would read it: arguments by name and type, paths and addresses copied from the
// memory of whoever makes it.
//
//   const audit::Call call = audit::Decode(data, "EPERM", memory);
//
// What comes from memory may have been changed by another thread since, and may be changed before
// anybody uses it: it is marked `as_seen`, and nothing may be decided by it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "abi/arch.h"
#include "abi/arguments.h"
#include "audit/event.h"
#include "bpf/instruction.h"

namespace bailey::audit {

// Up to so many bytes from an address: fewer where the memory ends, nullopt where it begins
// nowhere. Never more than 4096 are asked for.
using Memory = std::function<std::optional<std::string>(std::uint64_t address, std::size_t most)>;

// The table that a call is looked up in; nullopt when no architecture has its token. (Numbers with
// x32's bit, and 512 to 547, are x32's.)
std::optional<abi::Arch> ArchOf(const bpf::SeccompData& data);
// Empty when no table names it.
std::string_view NameOf(const bpf::SeccompData& data);

// `answer` is the word that the event will have for it. Without `memory` nothing is read: pointers
// are numbers.
Call Decode(const bpf::SeccompData& data, std::string answer, const Memory& memory);

// The argument by which calls of one name differ in what they ask for: the family of socket, the
// request of ioctl, the flags of clone and unshare, the option of prctl...
struct Telling {
  unsigned slot = 0;
  std::uint64_t value = 0;  // cut to what the kernel reads
  std::string name;         // of the argument: "family"
  std::string text;         // of the value: "AF_VSOCK", "CLONE_NEWUSER|SIGCHLD", "0x5401"
  bool operator==(const Telling&) const = default;
};
std::optional<Telling> TellingArgument(const bpf::SeccompData& data);
// The two halves of that, for who asks often: which argument it is, and its value, cut to what the
// kernel reads.
std::optional<abi::Argument> TellingArgumentOf(abi::Arch arch, std::string_view call);
std::uint64_t ValueOf(const abi::Argument& argument, abi::Arch arch, const bpf::SeccompData& data);

// The slots of a call's struct sockaddr and of its size; nullopt for a call that has none.
struct AddressSlots {
  unsigned slot = 0, size = 0;
};
std::optional<AddressSlots> AddressOf(std::string_view call);

// The text of a path as it was seen; nullopt when it cannot be read.
std::optional<std::string> ReadPath(const Memory& memory, std::uint64_t address);

}  // namespace bailey::audit
