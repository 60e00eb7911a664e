#include "sandbox/reaper_filter.h"

#include <array>
#include <string_view>

#include "abi/action.h"
#include "abi/syscalls.h"

namespace bailey::sandbox {
namespace {

constexpr std::array<std::string_view, 5> kCalls = {"wait4", "write", "exit_group", "rt_sigreturn",
                                                    "restart_syscall"};

}  // namespace

base::Result<bpf::Program> ReaperFilter() {
  const std::uint32_t allow = abi::Encode(abi::Action::Allow());
  const std::uint32_t kill = abi::Encode(abi::Action::KillProcess());
  //      ld [arch];  jeq native else kill;  ld [nr];  jeq call -> allow ...;  ret kill;  ret allow
  std::vector<bpf::Instruction> code = {
      {bpf::kLoadAbs, 0, 0, bpf::kOffsetArch},
      {bpf::kJeq, 1, 0, abi::Info(abi::NativeArch()).token},
      {bpf::kReturn, 0, 0, kill},
      {bpf::kLoadAbs, 0, 0, bpf::kOffsetNr},
  };
  for (std::size_t i = 0; i < kCalls.size(); ++i) {
    const auto number = abi::Number(abi::NativeArch(), kCalls[i]);
    if (!number) return base::Internal("make PID 1's filter: a call has no number here");
    code.push_back({bpf::kJeq, static_cast<std::uint8_t>(kCalls.size() - i), 0, *number});
  }
  code.push_back({bpf::kReturn, 0, 0, kill});
  code.push_back({bpf::kReturn, 0, 0, allow});
  return bpf::Validate(std::move(code));
}

}  // namespace bailey::sandbox
