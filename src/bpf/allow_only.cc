#include "bpf/allow_only.h"

#include <vector>

#include "abi/action.h"
#include "abi/syscalls.h"

namespace bailey::bpf {

base::Result<Program> AllowOnly(std::span<const std::string_view> calls) {
  const std::uint32_t allow = abi::Encode(abi::Action::Allow());
  const std::uint32_t kill = abi::Encode(abi::Action::KillProcess());
  std::vector<std::uint32_t> numbers;
  for (const std::string_view name : calls)
    if (const auto number = abi::Number(abi::NativeArch(), name)) numbers.push_back(*number);
  std::vector<Instruction> code = {
      {kLoadAbs, 0, 0, kOffsetArch},
      {kJeq, 1, 0, abi::Info(abi::NativeArch()).token},
      {kReturn, 0, 0, kill},
      {kLoadAbs, 0, 0, kOffsetNr},
  };
  for (std::size_t i = 0; i < numbers.size(); ++i)
    code.push_back({kJeq, static_cast<std::uint8_t>(numbers.size() - i), 0, numbers[i]});
  code.push_back({kReturn, 0, 0, kill});
  code.push_back({kReturn, 0, 0, allow});
  return Validate(std::move(code));
}

}  // namespace bailey::bpf
