#include "learn/recording_filter.h"

#include <array>
#include <string_view>

#include "abi/notification.h"
#include "abi/syscalls.h"

namespace bailey::learn {
namespace {

constexpr std::array<std::string_view, 7> kUnseen = {
    "exit", "exit_group", "read", "restart_syscall", "rt_sigreturn", "sigreturn", "write"};

//      ld [nr];  jeq unseen -> allow ...;  ret notify
void AddArch(std::vector<bpf::Instruction>& code, abi::Arch arch) {
  std::vector<bpf::Instruction> body = {{bpf::kLoadAbs, 0, 0, bpf::kOffsetNr}};
  for (const std::string_view name : kUnseen) {
    const auto number = abi::Number(arch, name);
    if (!number) continue;
    body.push_back({bpf::kJeq, 0, 1, *number});
    body.push_back({bpf::kReturn, 0, 0, abi::Encode(abi::Action::Allow())});
  }
  body.push_back({bpf::kReturn, 0, 0, abi::Notified(abi::Action::Allow())});
  code.push_back({bpf::kJeq, 0, static_cast<std::uint8_t>(body.size()), abi::Info(arch).token});
  code.insert(code.end(), body.begin(), body.end());
}

}  // namespace

std::span<const std::string_view> Unseen() { return kUnseen; }

base::Result<bpf::Program> RecordingFilter() {
  std::vector<bpf::Instruction> code = {{bpf::kLoadAbs, 0, 0, bpf::kOffsetArch}};
  AddArch(code, abi::NativeArch());
  if (const auto compat = abi::CompatArch(abi::NativeArch())) AddArch(code, *compat);
  code.push_back({bpf::kReturn, 0, 0, abi::Encode(abi::Action::KillProcess())});
  return bpf::Validate(std::move(code));
}

}  // namespace bailey::learn
