#include "abi/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>

#include "abi/signature_table.h"
#include "abi/syscalls.h"

namespace bailey::abi {
namespace {

constexpr std::uint8_t kSlots = 6;
constexpr std::string_view kSlotNames[kSlots] = {"arg0", "arg1", "arg2", "arg3", "arg4", "arg5"};
constexpr std::string_view kRawNames[kSlots] = {"arg0.raw", "arg1.raw", "arg2.raw",
                                                "arg3.raw", "arg4.raw", "arg5.raw"};

// ABIs that pass a 64-bit value in an even register and the next one, skipping one if needed.
bool AlignsPairs(Arch arch) {
  return arch == Arch::kArm || arch == Arch::kMips || arch == Arch::kMipsel || arch == Arch::kPpc;
}

ArgumentType TypeOf(table::Kind kind, Arch arch) {
  const bool wide = Info(arch).word_bits == 64;
  switch (kind) {
    case table::Kind::kU16:
      return ArgumentType::kU16;
    case table::Kind::kI32:
      return ArgumentType::kI32;
    case table::Kind::kU32:
      return ArgumentType::kU32;
    case table::Kind::kLong:
      return wide ? ArgumentType::kI64 : ArgumentType::kI32;
    case table::Kind::kUlong:
    case table::Kind::kPad:
      return wide ? ArgumentType::kU64 : ArgumentType::kU32;
    case table::Kind::kI64:
      return ArgumentType::kI64;
    case table::Kind::kU64:
      return ArgumentType::kU64;
    case table::Kind::kPointer:
      return ArgumentType::kPointer;
  }
  return ArgumentType::kU64;
}

const table::Signature* FindSignature(Arch arch, std::string_view syscall) {
  const auto at = NameIndexOf(syscall);
  if (!at || !NumberAt(arch, *at)) return nullptr;
  const std::uint32_t bit = std::uint32_t{1} << static_cast<unsigned>(arch);
  const auto* found = std::ranges::lower_bound(table::kSignatures, *at, {},
                                               [](const table::Signature& s) { return s.syscall; });
  for (; found != std::end(table::kSignatures) && found->syscall == *at; ++found) {
    if (found->archs & bit) return found;
  }
  return nullptr;
}

std::span<const table::Parameter> ParametersOf(const table::Signature& signature) {
  return {table::kParameters + signature.first, signature.count};
}

// By the kernel's name or the other one. No argument has an empty name.
const table::Parameter* FindParameter(const table::Signature& signature, std::string_view name) {
  if (name.empty()) return nullptr;
  for (const table::Parameter& parameter : ParametersOf(signature)) {
    if (table::kArgumentNames[parameter.name] == name) return &parameter;
    if (table::kArgumentNames[parameter.other] == name) return &parameter;
  }
  return nullptr;
}

// "dfd, filename, flags, mode"
std::string NamesOf(const ArgumentList& arguments) {
  std::string names;
  for (const Argument& argument : arguments) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", argument.name);
  }
  return names;
}

struct Register {
  std::uint8_t slot;
  bool raw;
};

// "arg3", "arg3.raw"
std::optional<Register> ParseRegister(std::string_view name) {
  for (std::uint8_t slot = 0; slot < kSlots; ++slot) {
    if (name == kSlotNames[slot]) return Register{slot, false};
    if (name == kRawNames[slot]) return Register{slot, true};
  }
  return std::nullopt;
}

Argument InRegister(Arch arch, std::string_view syscall, Register where) {
  if (where.raw) return {kRawNames[where.slot], ArgumentType::kU64, where.slot, where.slot};
  for (const Argument& argument : Arguments(arch, syscall)) {
    if (argument.low_slot == where.slot && argument.high_slot == where.slot) return argument;
  }
  return {kSlotNames[where.slot], TypeOf(table::Kind::kUlong, arch), where.slot, where.slot};
}

}  // namespace

bool IsSigned(ArgumentType type) {
  return type == ArgumentType::kI32 || type == ArgumentType::kI64;
}

unsigned Bits(ArgumentType type, Arch arch) {
  switch (type) {
    case ArgumentType::kU16:
      return 16;
    case ArgumentType::kI32:
    case ArgumentType::kU32:
      return 32;
    case ArgumentType::kI64:
    case ArgumentType::kU64:
      return 64;
    case ArgumentType::kPointer:
      return Info(arch).word_bits;
  }
  return 64;
}

bool HasSignature(Arch arch, std::string_view syscall) {
  return FindSignature(arch, syscall) != nullptr;
}

ArgumentList Arguments(Arch arch, std::string_view syscall) {
  ArgumentList result;
  const table::Signature* signature = FindSignature(arch, syscall);
  if (signature == nullptr) return result;
  const ArchInfo& info = Info(arch);
  std::uint8_t slot = 0;
  for (const table::Parameter& parameter : ParametersOf(*signature)) {
    const ArgumentType type = TypeOf(parameter.kind, arch);
    const bool pair = Bits(type, arch) > info.word_bits;
    if (pair && AlignsPairs(arch)) slot = static_cast<std::uint8_t>((slot + 1) & ~1);
    Argument argument = {table::kArgumentNames[parameter.name], type, slot, slot};
    slot = static_cast<std::uint8_t>(slot + (pair ? 2 : 1));
    if (slot > kSlots) break;
    if (pair) ++(info.big_endian ? argument.low_slot : argument.high_slot);
    if (parameter.kind != table::Kind::kPad) result.Append(argument);
  }
  return result;
}

base::Result<Argument> FindArgument(Arch arch, std::string_view syscall, std::string_view name) {
  const ArgumentList arguments = Arguments(arch, syscall);
  const table::Signature* signature = FindSignature(arch, syscall);
  const table::Parameter* parameter =
      signature == nullptr ? nullptr : FindParameter(*signature, name);
  for (const Argument& argument : arguments) {
    if (parameter != nullptr && argument.name == table::kArgumentNames[parameter->name]) {
      return argument;
    }
  }
  if (const auto where = ParseRegister(name)) return InRegister(arch, syscall, *where);
  std::string cause;
  if (signature == nullptr) {
    cause = "its arguments are known by number only, arg0 to arg5";
  } else if (parameter != nullptr) {
    cause = "it is passed in memory, where seccomp does not see it";
  } else if (arguments.empty()) {
    cause = "the call has no arguments";
  } else {
    cause = fmt::format("the call has {}, and the registers arg0 to arg5", NamesOf(arguments));
  }
  return base::InvalidInput(
      fmt::format("find argument '{}' of {} on {}: {}", name, syscall, Info(arch).name, cause));
}

}  // namespace bailey::abi
