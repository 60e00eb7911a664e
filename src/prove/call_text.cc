#include "prove/call_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cctype>

#include "abi/arguments.h"
#include "abi/constants.h"
#include "abi/syscalls.h"

namespace bailey::prove {
namespace {

struct Names {
  std::string_view syscall;
  std::string_view argument;
  std::string_view prefix;
  bool are_flags = false;
};
constexpr Names kNames[] = {
    {"ioctl", "cmd", "TIOC"},
    {"socket", "family", "AF_"},
    {"socketpair", "family", "AF_"},
    {"prctl", "option", "PR_SET_"},
    {"clone", "flags", "CLONE_", true},
    {"unshare", "flags", "CLONE_", true},
    {"setns", "flags", "CLONE_", true},
    {"seccomp", "op", "SECCOMP_SET_"},
    {"mmap", "prot", "PROT_", true},
    {"mmap2", "prot", "PROT_", true},
    {"mprotect", "prot", "PROT_", true},
    {"pkey_mprotect", "prot", "PROT_", true},
};

std::string FlagNames(abi::Arch arch, std::string_view prefix, std::uint64_t value) {
  std::string text;
  for (std::uint64_t rest = value; rest != 0; rest &= rest - 1) {
    const auto name = abi::ConstantName(arch, prefix, std::uint64_t{1} << std::countr_zero(rest));
    if (name.empty()) return {};
    text += fmt::format("{}{}", text.empty() ? "" : "|", name);
  }
  return text;
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}

std::string ArgumentText(abi::Arch arch, std::string_view syscall, const abi::Argument& argument,
                         const bpf::SeccompData& data) {
  const std::uint64_t raw = data.args[argument.low_slot];
  if (argument.high_slot != argument.low_slot) {
    return fmt::format("{}={:#x}:{:#x}", argument.name, data.args[argument.high_slot], raw);
  }
  const unsigned bits = abi::Bits(argument.type, arch);
  const std::uint64_t read = bits == 64 ? raw : raw & ((std::uint64_t{1} << bits) - 1);
  std::string comment = ValueName(arch, syscall, argument, read);
  if (read != raw)
    comment = comment.empty() ? fmt::format("read as {:#x}", read) : comment + " with high bits";
  const std::string value = raw < 10 ? fmt::format("{}", raw) : fmt::format("{:#x}", raw);
  if (comment.empty()) return fmt::format("{}={}", argument.name, value);
  return fmt::format("{}={} /* {} */", argument.name, value, comment);
}

std::string RawRegisters(const bpf::SeccompData& data) {
  std::string text;
  for (unsigned slot = 0; slot < data.args.size(); ++slot) {
    if (data.args[slot] == 0) continue;
    text += fmt::format("{}arg{}={:#x}", text.empty() ? "" : ", ", slot, data.args[slot]);
  }
  return text;
}

std::string ArgumentsText(abi::Arch arch, std::string_view syscall, const bpf::SeccompData& data) {
  const abi::ArgumentList known = abi::Arguments(arch, syscall);
  std::string text;
  std::array<bool, 6> is_shown = {};
  const auto append = [&](const std::string& part) {
    if (!part.empty()) text += (text.empty() ? "" : ", ") + part;
  };
  for (const abi::Argument& argument : known) {
    append(ArgumentText(arch, syscall, argument, data));
    is_shown[argument.low_slot] = is_shown[argument.high_slot] = true;
  }
  for (unsigned slot = 0; slot < data.args.size(); ++slot) {
    if (is_shown[slot] || data.args[slot] == 0) continue;
    append(fmt::format("arg{}={:#x}", slot, data.args[slot]));
  }
  return text;
}

}  // namespace

std::string ValueName(abi::Arch arch, std::string_view syscall, const abi::Argument& argument,
                      std::uint64_t value) {
  if (syscall == "socketcall" || syscall == "ipc") {
    if (argument.low_slot != 0) return {};
    const bool is_socketcall = syscall == "socketcall";
    const auto table = is_socketcall ? abi::SocketcallTable() : abi::IpcTable();
    const auto found = std::ranges::find(table, is_socketcall ? value : value & 0xffff,
                                         &abi::Multiplexed::selector);
    if (found == table.end()) return {};
    return is_socketcall ? "SYS_" + Upper(found->name) : Upper(found->name);
  }
  for (const Names& names : kNames) {
    if (names.syscall != syscall) continue;
    const auto known = abi::FindArgument(arch, syscall, names.argument);
    if (!known || known->low_slot != argument.low_slot) continue;
    if (names.are_flags) return FlagNames(arch, names.prefix, value);
    return std::string(abi::ConstantName(arch, names.prefix, value));
  }
  return {};
}

std::optional<abi::Arch> ArchOfCall(std::uint32_t token, std::uint32_t number) {
  if (token == abi::Info(abi::Arch::kX86_64).token) {
    const bool is_own = number >= abi::kX32FirstOwn && number <= abi::kX32LastOwn;
    const bool is_x32 = number < 0x80000000 && ((number & abi::kX32Bit) != 0 || is_own);
    return is_x32 ? abi::Arch::kX32 : abi::Arch::kX86_64;
  }
  for (const abi::ArchInfo& info : abi::AllArchs()) {
    if (info.token == token) return info.arch;
  }
  return std::nullopt;
}

std::string CallText(const bpf::SeccompData& data) {
  const std::string ip =
      data.instruction_pointer == 0 ? "" : fmt::format(" from {:#x}", data.instruction_pointer);
  const auto arch = ArchOfCall(data.arch, data.nr);
  if (!arch) {
    return fmt::format("architecture {:#x}: number {:#x}({}){}", data.arch, data.nr,
                       RawRegisters(data), ip);
  }
  std::string_view name = abi::Name(*arch, data.nr);
  const bool without_bit = *arch == abi::Arch::kX32 && (data.nr & abi::kX32Bit) == 0;
  if (without_bit) name = abi::Name(*arch, data.nr | abi::kX32Bit);
  const std::string call = name.empty() ? fmt::format("number {:#x}", data.nr)
                           : without_bit
                               ? fmt::format("{} /* number {} without x32's bit */ ", name, data.nr)
                               : std::string(name);
  return fmt::format("{}: {}({}){}", abi::Info(*arch).name, call, ArgumentsText(*arch, name, data),
                     ip);
}

std::string OutcomeText(verify::Outcome outcome, std::uint32_t token) {
  const auto arch = ArchOfCall(token, 0);
  return abi::ToString(abi::Decode(verify::ValueOf(outcome)), arch.value_or(abi::NativeArch()));
}

}  // namespace bailey::prove
