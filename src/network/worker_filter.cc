#include "network/worker_filter.h"

#include <vector>

#include "abi/action.h"
#include "abi/syscalls.h"

namespace bailey::network {

base::Result<bpf::Program> WorkerFilter() {
  const std::uint32_t allow = abi::Encode(abi::Action::Allow());
  const std::uint32_t kill = abi::Encode(abi::Action::KillProcess());
  std::vector<std::uint32_t> numbers;
  // Some architectures have only the newer of two calls.
  for (const std::string_view name : kWorkerCalls)
    if (const auto number = abi::Number(abi::NativeArch(), name)) numbers.push_back(*number);
  std::vector<bpf::Instruction> code = {
      {bpf::kLoadAbs, 0, 0, bpf::kOffsetArch},
      {bpf::kJeq, 1, 0, abi::Info(abi::NativeArch()).token},
      {bpf::kReturn, 0, 0, kill},
      {bpf::kLoadAbs, 0, 0, bpf::kOffsetNr},
  };
  for (std::size_t i = 0; i < numbers.size(); ++i)
    code.push_back({bpf::kJeq, static_cast<std::uint8_t>(numbers.size() - i), 0, numbers[i]});
  code.push_back({bpf::kReturn, 0, 0, kill});
  code.push_back({bpf::kReturn, 0, 0, allow});
  return bpf::Validate(std::move(code));
}

}  // namespace bailey::network
