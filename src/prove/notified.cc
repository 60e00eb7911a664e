#include "prove/notified.h"

#include <vector>

#include "abi/notification.h"

namespace bailey::prove {

base::Result<bpf::Program> WithoutNotice(const bpf::Program& filter) {
  const auto instructions = filter.Instructions();
  std::vector<bpf::Instruction> plain(instructions.begin(), instructions.end());
  for (bpf::Instruction& instruction : plain) {
    if (instruction.code == bpf::kReturn) instruction.k = abi::PlainAnswer(instruction.k);
  }
  return bpf::Validate(std::move(plain));
}

}  // namespace bailey::prove
