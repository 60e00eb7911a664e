#include "audit/decode.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "abi/arguments.h"
#include "abi/constants.h"
#include "abi/paths.h"
#include "abi/syscalls.h"
#include "base/text.h"

namespace bailey::audit {
namespace {

using abi::Arch;

// How the values of an argument are written. The argument of `telling` is the one by which calls of
// one name differ.
struct Names {
  std::string_view call, argument, prefix;
  bool are_flags = false;
  bool is_telling = false;
};
constexpr Names kNames[] = {
    {"arch_prctl", "option", "ARCH_", false, true},
    {"bpf", "cmd", "BPF_", false, true},
    {"clone", "flags", "CLONE_", true, true},
    {"fcntl", "cmd", "F_", false, true},
    {"fcntl64", "cmd", "F_", false, true},
    {"ioctl", "cmd", "", false, true},
    {"keyctl", "option", "KEYCTL_", false, true},
    {"madvise", "behavior", "MADV_", false, true},
    {"mmap", "prot", "PROT_", true},
    {"mmap", "flags", "MAP_", true},
    {"mmap2", "prot", "PROT_", true},
    {"mmap2", "flags", "MAP_", true},
    {"mount", "flags", "MS_", true},
    {"mprotect", "prot", "PROT_", true, true},
    {"open", "flags", "O_", true},
    {"openat", "flags", "O_", true},
    {"personality", "personality", "PER_", false, true},
    {"prctl", "option", "PR_", false, true},
    {"ptrace", "request", "PTRACE_", false, true},
    {"seccomp", "op", "SECCOMP_SET_", false, true},
    {"setns", "flags", "CLONE_", true, true},
    {"socket", "family", "AF_", false, true},
    {"socket", "type", "SOCK_", true},
    {"socketpair", "family", "AF_", false, true},
    {"socketpair", "type", "SOCK_", true},
    {"socketcall", "call", "SYS_", false, true},
    {"unshare", "flags", "CLONE_", true, true},
};
// Prefixes of the requests that ioctl has constants for.
constexpr std::string_view kRequests[] = {"TIOC",  "TC",      "FIO", "KVM_",    "VHOST_",
                                          "LOOP_", "UFFDIO_", "NS_", "FS_IOC_", "TUN"};
// Arguments that hold a struct sockaddr, and the slot of its length.
struct Address {
  std::string_view call;
  AddressSlots slots;
};
constexpr Address kAddresses[] = {{"bind", {1, 2}}, {"connect", {1, 2}}, {"sendto", {4, 5}}};

constexpr std::size_t kPage = 4096;  // PATH_MAX; and a read never crosses from one page to a third
constexpr std::size_t kShown = 512;  // of a path

std::string Number(std::uint64_t value) {
  return value < 10 ? fmt::format("{}", value) : fmt::format("{:#x}", value);
}

// What stands in the low bits of an argument of flags: clone's signal, and the type of a socket.
std::uint64_t LowNumber(std::string_view call, std::string_view prefix) {
  if (prefix == "SOCK_") return 0xf;
  return call == "clone" ? 0xff : 0;
}

std::string FlagText(Arch arch, std::string_view call, std::string_view prefix,
                     std::uint64_t value) {
  if (value == 0) return "0";
  std::string text;
  const auto add = [&](std::string_view part) {
    if (!text.empty()) text += '|';
    text += part;
  };
  std::uint64_t low = value & LowNumber(call, prefix);
  std::uint64_t rest = value - low;
  if (prefix == "SOCK_") {
    const std::string_view type = abi::ConstantName(arch, prefix, low);
    add(type.empty() ? Number(low) : type);
    low = 0;
  }
  for (std::uint64_t left = rest; left != 0; left &= left - 1) {
    const std::uint64_t bit = std::uint64_t{1} << std::countr_zero(left);
    const std::string_view name = abi::ConstantName(arch, prefix, bit);
    if (name.empty()) continue;
    add(name);
    rest &= ~bit;
  }
  if (rest + low != 0) add(Number(rest + low));
  return text;
}

const Names* FindNames(Arch arch, std::string_view call, const abi::Argument& argument) {
  for (const Names& names : kNames) {
    if (names.call != call) continue;
    const auto known = abi::FindArgument(arch, call, names.argument);
    if (known && known->low_slot == argument.low_slot) return &names;
  }
  return nullptr;
}

std::string ValueText(Arch arch, std::string_view call, const abi::Argument& argument,
                      std::uint64_t value) {
  if (argument.name == "dfd" || argument.name.ends_with("dfd")) {
    if (static_cast<std::int32_t>(value) == -100) return "AT_FDCWD";
  }
  if (argument.name == "mode") return fmt::format("{:#o}", value);
  const Names* const names = FindNames(arch, call, argument);
  if (names == nullptr) return Number(value);
  if (names->are_flags) return FlagText(arch, call, names->prefix, value);
  if (call == "ioctl") {
    for (const std::string_view prefix : kRequests) {
      const std::string_view name = abi::ConstantName(arch, prefix, value);
      if (!name.empty()) return std::string(name);
    }
    return Number(value);
  }
  const std::string_view name = abi::ConstantName(arch, names->prefix, value);
  return name.empty() ? Number(value) : std::string(name);
}

// What is in a struct sockaddr (<sys/socket.h>): the family in the caller's byte order, which is
// this machine's.
std::string AddressText(std::string_view bytes) {
  std::uint16_t family = 0;
  if (bytes.size() < sizeof(family)) return "nothing";
  std::memcpy(&family, bytes.data(), sizeof(family));
  const auto port = [&] {
    return static_cast<unsigned char>(bytes[2]) << 8 | static_cast<unsigned char>(bytes[3]);
  };
  std::array<char, INET6_ADDRSTRLEN> text = {};
  if (family == AF_INET && bytes.size() >= 8) {
    ::inet_ntop(AF_INET, bytes.data() + 4, text.data(), text.size());
    return fmt::format("{}:{}", text.data(), port());
  }
  if (family == AF_INET6 && bytes.size() >= 24) {
    ::inet_ntop(AF_INET6, bytes.data() + 8, text.data(), text.size());
    return fmt::format("[{}]:{}", text.data(), port());
  }
  if (family == AF_UNIX) {
    std::string_view path = bytes.substr(2);
    const bool is_abstract = path.starts_with('\0');
    if (is_abstract) path.remove_prefix(1);
    path = path.substr(0, path.find('\0'));
    return fmt::format("unix:{}{}", is_abstract ? "@" : "", base::Escape(path));
  }
  const std::string_view name = abi::SocketFamilyName(family);
  return name.empty() ? fmt::format("family {}", family) : std::string(name);
}

std::optional<std::string> ReadAddress(const Memory& memory, const AddressSlots& address,
                                       const bpf::SeccompData& data) {
  const auto size = std::min<std::uint64_t>(data.args[address.size] & 0xffffffff, 128);
  if (data.args[address.slot] == 0 || size == 0) return std::nullopt;
  const auto bytes = memory(data.args[address.slot], size);
  if (!bytes) return std::nullopt;
  return AddressText(*bytes);
}

// What lies behind a pointer, where it is known what that is.
std::optional<std::string> Behind(std::string_view call, unsigned slot,
                                  const bpf::SeccompData& data, const Memory& memory) {
  if (!memory) return std::nullopt;
  for (const abi::PathArgument& path : abi::PathsOf(call)) {
    if (path.path != slot) continue;
    const auto text = ReadPath(memory, data.args[slot]);
    return text ? std::optional(base::Escape(text->substr(0, kShown))) : std::nullopt;
  }
  const auto address = AddressOf(call);
  if (address && address->slot == slot) return ReadAddress(memory, *address, data);
  return std::nullopt;
}

}  // namespace

std::optional<Arch> ArchOf(const bpf::SeccompData& data) {
  if (data.arch == abi::Info(Arch::kX86_64).token) {
    const bool is_own = data.nr >= abi::kX32FirstOwn && data.nr <= abi::kX32LastOwn;
    const bool has_bit = data.nr < 0x80000000 && (data.nr & abi::kX32Bit) != 0;
    return has_bit || is_own ? Arch::kX32 : Arch::kX86_64;
  }
  for (const abi::ArchInfo& info : abi::AllArchs())
    if (info.token == data.arch) return info.arch;
  return std::nullopt;
}

std::string_view NameOf(const bpf::SeccompData& data) {
  const auto arch = ArchOf(data);
  if (!arch) return {};
  return abi::Name(*arch, *arch == Arch::kX32 ? data.nr | abi::kX32Bit : data.nr);
}

std::uint64_t ValueOf(const abi::Argument& argument, Arch arch, const bpf::SeccompData& data) {
  const unsigned bits = abi::Bits(argument.type, arch);
  const std::uint64_t low = data.args[argument.low_slot];
  if (argument.high_slot != argument.low_slot)
    return data.args[argument.high_slot] << 32 | (low & 0xffffffff);
  return bits == 64 ? low : low & ((std::uint64_t{1} << bits) - 1);
}

std::optional<AddressSlots> AddressOf(std::string_view call) {
  for (const Address& address : kAddresses)
    if (address.call == call) return address.slots;
  return std::nullopt;
}

std::optional<std::string> ReadPath(const Memory& memory, std::uint64_t address) {
  if (!memory || address == 0) return std::nullopt;
  std::string path;
  // Page by page: a path may end right before memory that is not there.
  while (path.size() < kPage) {
    const std::uint64_t at = address + path.size();
    const auto bytes = memory(at, kPage - at % kPage);
    if (!bytes || bytes->empty()) return std::nullopt;
    const std::size_t end = bytes->find('\0');
    if (end != std::string::npos) return path + bytes->substr(0, end);
    path += *bytes;
  }
  return std::nullopt;
}

Call Decode(const bpf::SeccompData& data, std::string answer, const Memory& memory) {
  const auto arch = ArchOf(data);
  Call call = {.arch = arch ? std::string(abi::Info(*arch).name) : fmt::format("{:#x}", data.arch),
               .name = std::string(NameOf(data)),
               .number = data.nr,
               .arguments = {},
               .answer = std::move(answer)};
  if (!arch || call.name.empty() || !abi::HasSignature(*arch, call.name)) {
    for (unsigned slot = 0; slot < data.args.size(); ++slot)
      call.arguments.push_back({fmt::format("arg{}", slot), Number(data.args[slot])});
    return call;
  }
  for (const abi::Argument& argument : abi::Arguments(*arch, call.name)) {
    if (argument.type == abi::ArgumentType::kPointer) {
      if (auto text = Behind(call.name, argument.low_slot, data, memory)) {
        call.arguments.push_back({std::string(argument.name), *std::move(text), true});
        continue;
      }
    }
    call.arguments.push_back(
        {std::string(argument.name),
         ValueText(*arch, call.name, argument, ValueOf(argument, *arch, data))});
  }
  return call;
}

std::optional<abi::Argument> TellingArgumentOf(Arch arch, std::string_view call) {
  for (const Names& names : kNames) {
    if (!names.is_telling || names.call != call) continue;
    const auto argument = abi::FindArgument(arch, call, names.argument);
    if (argument) return *argument;
  }
  return std::nullopt;
}

std::optional<Telling> TellingArgument(const bpf::SeccompData& data) {
  const auto arch = ArchOf(data);
  if (!arch) return std::nullopt;
  const std::string_view call = NameOf(data);
  const auto argument = TellingArgumentOf(*arch, call);
  if (!argument) return std::nullopt;
  const std::uint64_t value = ValueOf(*argument, *arch, data);
  return Telling{argument->low_slot, value, std::string(argument->name),
                 ValueText(*arch, call, *argument, value)};
}

}  // namespace bailey::audit
