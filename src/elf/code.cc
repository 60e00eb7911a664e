#include "elf/code.h"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace bailey::elf {
namespace {

using Flow = Instruction::Flow;
using Sets = Instruction::Sets;
using Enters = Instruction::Enters;

// What a called function may change: eax, ecx, edx, and on x86_64 esi, edi and r8 to r11.
constexpr std::uint16_t kClobbered64 = 0x0fc7, kClobbered32 = 0x0007, kAll = 0xffff;
constexpr std::uint64_t kMostCases = 4096, kMostEntriesOfTables = 1u << 20;
// Of a walk that finds tables, that lead to code, that names tables.
constexpr unsigned kMostRounds = 8;
constexpr Register kStackPointer = 4, kFramePointer = 5;

constexpr std::uint16_t Bit(Register reg) { return static_cast<std::uint16_t>(1u << reg); }

constexpr std::uint64_t SignExtend(std::uint64_t word) {
  return static_cast<std::uint64_t>(
      std::int64_t{static_cast<std::int32_t>(static_cast<std::uint32_t>(word))});
}

// kRegisters where it is no general one.
Register NumberOf(ZydisRegister name) {
  const ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, name);
  if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15) return kRegisters;
  return static_cast<Register>(whole - ZYDIS_REGISTER_RAX);
}

bool GoesOn(Flow flow) { return flow == Flow::kOn || flow == Flow::kCall || flow == Flow::kBranch; }

class Decoder {
 public:
  Decoder(const Image& image, std::uint64_t begin, std::uint64_t end, Detail detail)
      : image_(image), begin_(begin), end_(end), detail_(detail), got_(image.got) {
    // It fails for modes that do not exist.
    (void)ZydisDecoderInit(&decoder_,
                           Is64() ? ZYDIS_MACHINE_MODE_LONG_64 : ZYDIS_MACHINE_MODE_LEGACY_32,
                           Is64() ? ZYDIS_STACK_WIDTH_64 : ZYDIS_STACK_WIDTH_32);
    bytes_ = image.At(begin, end - begin);
  }

  Code Sweep() && {
    for (std::uint64_t at = begin_; at < end_;) {
      code_.instructions.push_back(One(at));
      at += code_.instructions.back().size;
    }
    FindCases();
    return std::move(code_);
  }

  Code Walk(std::uint64_t entry) && {
    std::map<std::uint64_t, Instruction> found;
    std::vector<std::uint64_t> waiting = {entry};
    while (!waiting.empty()) {
      std::uint64_t at = waiting.back();
      waiting.pop_back();
      while (at >= begin_ && at < end_ && !found.contains(at)) {
        const Instruction one = One(at);
        found.emplace(at, one);
        if (one.target != 0 && one.flow != Flow::kCall) waiting.push_back(one.target);
        if (!GoesOn(one.flow)) break;
        at += one.size;
      }
      const bool has_more = code_.references.size() != looked_for_cases_ && rounds_ < kMostRounds;
      if (!waiting.empty() || !has_more) continue;
      ++rounds_;
      for (const auto& [address, one] : found) code_.instructions.push_back(one);
      FindCases();
      code_.instructions.clear();
      looked_for_cases_ = code_.references.size();
      waiting = code_.cases;
    }
    for (const auto& [address, one] : found) {
      if (address == entry) code_.entry = code_.instructions.size();
      code_.instructions.push_back(one);
    }
    return std::move(code_);
  }

 private:
  bool Is64() const { return image_.arch == abi::Arch::kX86_64; }
  std::uint64_t Wrap(std::uint64_t address) const {
    return Is64() ? address : address & 0xffffffff;
  }

  Instruction One(std::uint64_t address) {
    // What is no instruction stops.
    Instruction one = {.address = address, .writes = kAll, .size = 1, .flow = Flow::kStop};
    ZydisDecodedInstruction decoded;
    ZydisDecoderContext context;
    const std::uint64_t at = address - begin_;
    if (at >= bytes_.size() ||
        !ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder_, &context, bytes_.data() + at,
                                                    bytes_.size() - at, &decoded)))
      return one;
    one.size = decoded.length;
    one.writes = 0;
    ReadFlow(decoded, one);
    if (detail_ == Detail::kValues || !Is64()) ReadValues(context, decoded, one);
    ReadReferences(decoded, one);
    return one;
  }

  void ReadFlow(const ZydisDecodedInstruction& decoded, Instruction& one) const {
    const auto& immediate = decoded.raw.imm[0];
    const bool is_direct = immediate.size != 0 && immediate.is_relative;
    if (is_direct)
      one.target = Wrap(one.address + one.size + static_cast<std::uint64_t>(immediate.value.s));
    one.flow = FlowOf(decoded, is_direct);
    if (one.flow == Flow::kCall) one.writes = Is64() ? kClobbered64 : kClobbered32;
    if (decoded.mnemonic == ZYDIS_MNEMONIC_SYSCALL) one.enters = Enters::kNative;
    const bool is_old = decoded.mnemonic == ZYDIS_MNEMONIC_SYSENTER ||
                        (decoded.mnemonic == ZYDIS_MNEMONIC_INT && immediate.value.u == 0x80);
    if (is_old) one.enters = Is64() ? Enters::k32Bit : Enters::kNative;
    if (!Is64() && one.flow == Flow::kCall && IsKernelsPage(decoded)) one.enters = Enters::kNative;
    if (one.enters != Enters::kNo) one.writes = Bit(kAccumulator);
  }

  static Flow FlowOf(const ZydisDecodedInstruction& decoded, bool is_direct) {
    switch (decoded.meta.category) {
      case ZYDIS_CATEGORY_COND_BR:
        return Flow::kBranch;
      case ZYDIS_CATEGORY_UNCOND_BR:
        return is_direct ? Flow::kJump : Flow::kIndirectJump;
      case ZYDIS_CATEGORY_CALL:
        return Flow::kCall;
      case ZYDIS_CATEGORY_RET:
        return Flow::kReturn;
      default:
        break;
    }
    const bool stops = decoded.mnemonic == ZYDIS_MNEMONIC_HLT ||
                       decoded.mnemonic == ZYDIS_MNEMONIC_UD2 ||
                       decoded.mnemonic == ZYDIS_MNEMONIC_INT3;
    return stops ? Flow::kStop : Flow::kOn;
  }

  // "call *%gs:0x10": how i386 enters the kernel, by a page of the kernel's.
  static bool IsKernelsPage(const ZydisDecodedInstruction& decoded) {
    return (decoded.attributes & ZYDIS_ATTRIB_HAS_SEGMENT_GS) != 0 && IsWithoutBase(decoded) &&
           decoded.raw.disp.value == 0x10;
  }
  static bool IsWithoutBase(const ZydisDecodedInstruction& decoded) {
    return decoded.raw.modrm.mod == 0 && decoded.raw.modrm.rm == 5;
  }

  // Values that a register has as a whole; what sets a part of one is unknown.
  void ReadValues(const ZydisDecoderContext& context, const ZydisDecodedInstruction& decoded,
                  Instruction& one) {
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeOperands(&decoder_, &context, &decoded, operands.data(),
                                                 decoded.operand_count))) {
      one.writes = kAll;
      return;
    }
    for (const ZydisDecodedOperand& operand : std::span(operands).first(decoded.operand_count)) {
      if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER ||
          (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) == 0)
        continue;
      if (const Register written = NumberOf(operand.reg.value); written < kRegisters)
        one.writes |= Bit(written);
    }
    if (decoded.operand_count > 0) ReadValue(decoded, operands[0], operands[1], one);
    if (!Is64()) FindGot(decoded, one);
    is_pushed_ = decoded.mnemonic == ZYDIS_MNEMONIC_PUSH && decoded.operand_count > 0;
    pushed_ = operands[0];
  }

  void ReadValue(const ZydisDecodedInstruction& decoded, const ZydisDecodedOperand& to,
                 const ZydisDecodedOperand& from, Instruction& one) const {
    if (to.type != ZYDIS_OPERAND_TYPE_REGISTER) return;
    const bool is_high = to.reg.value >= ZYDIS_REGISTER_AH && to.reg.value <= ZYDIS_REGISTER_BH;
    if (to.size == 8 && !is_high && decoded.mnemonic == ZYDIS_MNEMONIC_MOV &&
        from.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
      one.sets = Sets::kLowByte;
      one.constant = from.imm.value.u & 0xff;
    }
    if (to.size < 32) return;
    switch (decoded.mnemonic) {
      case ZYDIS_MNEMONIC_MOV:
      case ZYDIS_MNEMONIC_MOVSXD:
        return SetTo(from, one);
      case ZYDIS_MNEMONIC_XOR:
      case ZYDIS_MNEMONIC_SUB:
        if (from.type != ZYDIS_OPERAND_TYPE_REGISTER || to.reg.value != from.reg.value) return;
        one.sets = Sets::kConstant;
        return;
      case ZYDIS_MNEMONIC_POP:
        if (is_pushed_) SetTo(pushed_, one);
        return;
      default:
        return;
    }
  }

  static void SetTo(const ZydisDecodedOperand& from, Instruction& one) {
    if (from.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
      one.sets = Sets::kConstant;
      one.constant = from.imm.value.u;
    } else if (from.type == ZYDIS_OPERAND_TYPE_MEMORY) {
      // What is on the stack may be an argument: whose, is not known.
      const Register base = NumberOf(from.mem.base);
      if (base != kStackPointer && base != kFramePointer) one.sets = Sets::kLoad;
    } else if (from.type == ZYDIS_OPERAND_TYPE_REGISTER && from.size >= 32) {
      const Register source = NumberOf(from.reg.value);
      if (source == kRegisters) return;
      one.sets = Sets::kCopy;
      one.source = source;
    }
  }

  // i386 asks a small function where it is, "mov (%esp),%REGISTER; ret", and adds the distance to
  // the table from which it reckons.
  void FindGot(const ZydisDecodedInstruction& decoded, Instruction& one) {
    const auto asked =
        one.flow == Flow::kCall ? image_.At(one.target, 4) : std::span<const std::uint8_t>();
    if (!asked.empty() && asked[0] == 0x8b && (asked[1] & 0xc7) == 0x04 && asked[2] == 0x24 &&
        asked[3] == 0xc3) {
      place_in_ = static_cast<Register>(asked[1] >> 3 & 7);
      place_ = one.address + one.size;
      one.writes = Bit(place_in_);
    } else if (decoded.mnemonic == ZYDIS_MNEMONIC_ADD && place_ != 0 &&
               decoded.raw.imm[0].size == 32 && one.writes == Bit(place_in_)) {
      got_ = Wrap(place_ + decoded.raw.imm[0].value.u);
      place_ = 0;
    }
  }

  void Refer(const Instruction& one, std::uint64_t address, bool is_called) {
    address = Wrap(address);
    if (address >= begin_ && address < end_ && address == one.address) return;
    code_.references.push_back({one.address, address, is_called});
  }

  void ReadReferences(const ZydisDecodedInstruction& decoded, const Instruction& one) {
    const auto& raw = decoded.raw;
    const auto offset = static_cast<std::uint64_t>(raw.disp.value);
    const bool goes =
        one.target == 0 && (one.flow == Flow::kCall || one.flow == Flow::kIndirectJump);
    const bool has_operand = (decoded.attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0;
    if (image_.is_fixed && raw.imm[0].size >= 32 && !raw.imm[0].is_relative)
      Refer(one, raw.imm[0].value.u, false);
    if (!has_operand || raw.disp.size == 0) return;
    if (Is64() && IsWithoutBase(decoded)) return Refer(one, one.address + one.size + offset, goes);
    // What is called through a table is not in one word.
    const bool has_index = raw.modrm.rm == 4 && raw.sib.index != 4;
    if (raw.disp.size >= 32 && image_.is_fixed) Refer(one, offset, goes && !has_index);
    if (!Is64() && got_ != 0 && !IsWithoutBase(decoded))
      Refer(one, got_ + offset, goes && !has_index);
  }

  // A switch jumps by a table of words, or of distances from it. Whatever is behind a table and
  // leads into the unit is taken for a part of it.
  void FindCases() {
    const bool jumps = std::ranges::any_of(
        code_.instructions, [](const Instruction& one) { return one.flow == Flow::kIndirectJump; });
    if (!jumps) return;
    for (const Reference& reference : code_.references) {
      if (image_.IsCode(reference.address)) continue;
      ReadTable(reference.address, 4, reference.address);
      if (image_.is_fixed) ReadTable(reference.address, image_.WordSize(), 0);
      if (!Is64()) ReadTable(reference.address, 4, got_);
    }
    std::ranges::sort(code_.cases);
    const auto rest = std::ranges::unique(code_.cases);
    code_.cases.erase(rest.begin(), rest.end());
  }

  void ReadTable(std::uint64_t table, unsigned size, std::uint64_t base) {
    for (std::uint64_t i = 0; i < kMostCases && entries_ < kMostEntriesOfTables; ++i, ++entries_) {
      const auto word = image_.Number(table + i * size, size);
      if (!word) return;
      const std::uint64_t target = Wrap(base + (size == 4 && Is64() ? SignExtend(*word) : *word));
      if (target < begin_ || target >= end_) return;
      if (code_.cases.size() < kMostCases * 16) code_.cases.push_back(target);
    }
  }

  const Image& image_;
  const std::uint64_t begin_, end_;
  const Detail detail_;
  std::uint64_t got_;
  std::span<const std::uint8_t> bytes_;
  ZydisDecoder decoder_;
  bool is_pushed_ = false;
  ZydisDecodedOperand pushed_ = {};  // by the instruction before
  Register place_in_ = 0;
  std::uint64_t place_ = 0;
  std::size_t looked_for_cases_ = 0, entries_ = 0;
  unsigned rounds_ = 0;
  Code code_;
};

}  // namespace

Code Decode(const Image& image, std::uint64_t address, Detail detail) {
  const Piece* const unit = image.UnitAt(address);
  if (unit == nullptr) return {};
  if (unit->is_loose) return Decoder(image, unit->begin, unit->end, detail).Walk(address);
  if (unit->end - address > kMostOfOneUnit) return {};
  return Decoder(image, address, unit->end, detail).Sweep();
}

bool Returns(const Image& image, std::uint64_t address) {
  const Piece* const unit = image.UnitAt(address);
  if (unit == nullptr) return true;
  const Code code = Decode(image, unit->is_loose ? address : unit->begin, Detail::kFlow);
  if (code.instructions.empty()) return true;
  return std::ranges::any_of(code.instructions, [&](const Instruction& one) {
    const bool leaves = one.flow == Flow::kJump || one.flow == Flow::kBranch;
    return one.flow == Flow::kReturn || one.flow == Flow::kIndirectJump ||
           (leaves && (one.target < unit->begin || one.target >= unit->end));
  });
}

std::uint64_t SlotOfStub(const Image& image, std::uint64_t address) {
  constexpr std::uint64_t kMost = 32;
  const Piece* const unit = image.UnitAt(address);
  if (unit == nullptr) return 0;
  const std::uint64_t end = std::min(unit->end, address + kMost);
  const Code stub = Decoder(image, address, end, Detail::kFlow).Sweep();
  for (const Instruction& one : stub.instructions) {
    if (one.flow == Flow::kIndirectJump) {
      for (const Reference& reference : stub.references)
        if (reference.from == one.address && image.slots.contains(reference.address))
          return reference.address;
      return 0;
    }
    // endbr is four bytes that go on; whatever does more is no stub.
    if (one.flow != Flow::kOn || one.size != 4) return 0;
  }
  return 0;
}

}  // namespace bailey::elf
