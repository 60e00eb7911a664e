#include "bpf/disassembler.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>

#include "abi/action.h"
#include "abi/arch.h"
#include "abi/syscalls.h"

namespace bailey::bpf {
namespace {

// What is known at an instruction, over all ways to it. Instructions only jump forward, so one pass
// in program order sees every way to an instruction before the instruction.
struct Known {
  bool reached = false;
  std::optional<std::uint32_t> a_offset;  // A holds the word at this offset
  std::optional<std::uint32_t> token;     // `arch` is this
};

void Join(Known& into, const Known& from) {
  if (!into.reached) {
    into = from;
    return;
  }
  if (into.a_offset != from.a_offset) into.a_offset.reset();
  if (into.token != from.token) into.token.reset();
}

std::vector<Known> FindKnown(std::span<const Instruction> instructions) {
  std::vector<Known> known(instructions.size());
  known[0].reached = true;
  for (std::size_t pc = 0; pc < instructions.size(); ++pc) {
    const Instruction& instruction = instructions[pc];
    if (!known[pc].reached || IsReturn(instruction.code)) continue;
    Known after = known[pc];
    if (instruction.code == kJump) {
      Join(known[pc + 1 + instruction.k], after);
    } else if (IsConditionalJump(instruction.code)) {
      Known held = after;
      if (instruction.code == kJeq && after.a_offset == kOffsetArch) held.token = instruction.k;
      Join(known[pc + 1 + instruction.jt], held);
      Join(known[pc + 1 + instruction.jf], after);
    } else {
      if (instruction.code == kLoadAbs) {
        after.a_offset = instruction.k;
      } else if (IsBinaryAlu(instruction.code) || instruction.code == kNeg ||
                 instruction.code == kTxa || instruction.code == kLoadImm ||
                 instruction.code == kLoadLen || instruction.code == kLoadMem) {
        after.a_offset.reset();
      }
      Join(known[pc + 1], after);
    }
  }
  return known;
}

std::optional<abi::Arch> FindArchByToken(std::optional<std::uint32_t> token) {
  if (!token) return std::nullopt;
  for (const abi::ArchInfo& info : abi::AllArchs()) {
    if (info.token == *token) return info.arch;
  }
  return std::nullopt;
}

// x32 shares x86_64's token.
std::string_view CallName(std::uint32_t token, std::uint32_t number) {
  for (const abi::ArchInfo& info : abi::AllArchs()) {
    if (info.token != token) continue;
    if (const std::string_view name = abi::Name(info.arch, number); !name.empty()) return name;
  }
  return {};
}

std::string OffsetName(std::uint32_t offset, bool big_endian) {
  if (offset == kOffsetNr) return "nr";
  if (offset == kOffsetArch) return "arch";
  const std::string_view half = (offset % 8 == 4) != big_endian ? "high" : "low";
  if (offset < kOffsetArgs) return fmt::format("instruction pointer, {} half", half);
  return fmt::format("args[{}], {} half", (offset - kOffsetArgs) / 8, half);
}

std::string Comment(const Instruction& instruction, const Known& known,
                    const DisassembleOptions& options) {
  if (instruction.code == kLoadAbs) return OffsetName(instruction.k, options.big_endian);
  if (!known.reached) return "never reached";
  if (instruction.code == kReturn) {
    return abi::ToString(abi::Decode(instruction.k),
                         FindArchByToken(known.token).value_or(abi::NativeArch()));
  }
  if (instruction.code != kJeq) return {};
  if (known.a_offset == kOffsetArch) {
    const auto arch = FindArchByToken(instruction.k);
    return arch ? std::string(abi::Info(*arch).name) : std::string();
  }
  if (known.a_offset == kOffsetNr && known.token) {
    return std::string(CallName(*known.token, instruction.k));
  }
  return {};
}

std::string_view Mnemonic(std::uint16_t code) {
  switch (code) {
    case kLoadAbs:
    case kLoadLen:
    case kLoadImm:
    case kLoadMem:
      return "ld";
    case kLoadXLen:
    case kLoadXImm:
    case kLoadXMem:
      return "ldx";
    case kStore:
      return "st";
    case kStoreX:
      return "stx";
    case kTax:
      return "tax";
    case kTxa:
      return "txa";
    case kReturn:
    case kReturnA:
      return "ret";
    case kJump:
      return "ja";
    case kNeg:
      return "neg";
    default:
      break;
  }
  switch (code & ~kX) {
    case kAdd:
      return "add";
    case kSub:
      return "sub";
    case kMul:
      return "mul";
    case kDiv:
      return "div";
    case kOr:
      return "or";
    case kAnd:
      return "and";
    case kLsh:
      return "lsh";
    case kRsh:
      return "rsh";
    case kXor:
      return "xor";
    case kJeq:
      return "jeq";
    case kJgt:
      return "jgt";
    case kJge:
      return "jge";
    default:
      return "jset";
  }
}

std::string Operand(const Instruction& instruction) {
  switch (instruction.code) {
    case kLoadAbs:
      return fmt::format("[{}]", instruction.k);
    case kLoadLen:
    case kLoadXLen:
      return "len";
    case kLoadMem:
    case kLoadXMem:
    case kStore:
    case kStoreX:
      return fmt::format("M[{}]", instruction.k);
    case kReturnA:
      return "a";
    case kTax:
    case kTxa:
    case kNeg:
    case kJump:
      return {};
    case kLoadImm:
    case kLoadXImm:
    case kReturn:
      return fmt::format("#0x{:x}", instruction.k);
    default:
      return (instruction.code & kX) != 0 ? "x" : fmt::format("#0x{:x}", instruction.k);
  }
}

std::string Targets(const Instruction& instruction, std::size_t pc) {
  if (instruction.code == kJump) return fmt::format("to {:04}", pc + 1 + instruction.k);
  if (!IsConditionalJump(instruction.code)) return {};
  return fmt::format("true {:04}  false {:04}", pc + 1 + instruction.jt, pc + 1 + instruction.jf);
}

}  // namespace

std::string Disassemble(const Program& program, const DisassembleOptions& options) {
  const std::span<const Instruction> instructions = program.Instructions();
  const std::vector<Known> known = FindKnown(instructions);
  std::string text;
  for (std::size_t pc = 0; pc < instructions.size(); ++pc) {
    const Instruction& instruction = instructions[pc];
    std::string line = fmt::format("{:04}  {:<5} {:<15}  {:<21}", pc, Mnemonic(instruction.code),
                                   Operand(instruction), Targets(instruction, pc));
    const std::string comment = Comment(instruction, known[pc], options);
    if (!comment.empty()) line += fmt::format("  ; {}", comment);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace bailey::bpf
