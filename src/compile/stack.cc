// What a task has room for: the kernel limits all filters of a task together.
#include <fmt/format.h>

#include <cstddef>
#include <string>

#include "base/text.h"
#include "compile/compile.h"

namespace bailey::compile {
namespace {

// kernel/seccomp.c: MAX_INSNS_PER_PATH, and what seccomp_attach_filter adds for each filter below.
constexpr std::size_t kMostOnPath = 32768;
constexpr std::size_t kPenalty = 4;

}  // namespace

std::size_t TranslatedLength(const bpf::Program& program) {
  constexpr std::size_t kPrologue = 3;  // A and X are zeroed, the context is moved
  std::size_t length = kPrologue;
  for (const bpf::Instruction& instruction : program.Instructions()) {
    ++length;
    switch (instruction.code) {
      case bpf::kReturn:
        ++length;  // the value, and the exit
        break;
      case bpf::kDiv | bpf::kX:
        length += 4;  // a test for zero
        break;
      case bpf::kJeq:
      case bpf::kJge:
      case bpf::kJgt:
      case bpf::kJset:
        if (instruction.k >= 0x80000000) ++length;  // eBPF's constants are signed: a move first
        [[fallthrough]];
      case bpf::kJeq | bpf::kX:
      case bpf::kJge | bpf::kX:
      case bpf::kJgt | bpf::kX:
      case bpf::kJset | bpf::kX:
        // One way goes on to the next instruction, or a jump is added. JSET has no opposite.
        if (instruction.jf == 0) break;
        if (instruction.jt != 0 || (instruction.code & ~bpf::kX) == bpf::kJset) ++length;
        break;
      default:
        break;
    }
  }
  return length;
}

std::size_t StackableFilters(std::size_t translated_length) {
  return (kMostOnPath + kPenalty) / (translated_length + kPenalty);
}

base::Status CheckStack(const policy::Syscalls& syscalls, const bpf::Program& program) {
  const std::size_t own = TranslatedLength(program);
  std::size_t sum = own;
  std::string parts;
  for (const policy::StackedFilter& stacked : syscalls.stack) {
    const std::size_t length = TranslatedLength(stacked.program) + kPenalty;
    sum += length;
    parts += fmt::format("{} {}, ", base::Escape(stacked.path), length);
    if (sum <= kMostOnPath) continue;
    base::Error error = base::InvalidInput(fmt::format(
        "stack filters: up to here they are {} translated instructions, and a task can have {} in "
        "all ({}the policy's own {})",
        sum, kMostOnPath, parts, own));
    error.location = stacked.location;
    return error;
  }
  return {};
}

}  // namespace bailey::compile
