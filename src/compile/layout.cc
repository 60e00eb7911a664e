// Instructions are made from the last to the first, so every target has its place when a jump to it
// is made. A conditional jump reaches 255 instructions; what lies further gets a stand-in just
// behind the jump, which later (earlier placed) jumps use too:
//
//         jeq  #41           far away        jeq  #41           +0, +1
//         ...                                ja   far away                 (or a copy of a return)
//                                            ...
#include "compile/layout.h"

#include <algorithm>

namespace bailey::compile {
namespace {

using bpf::Instruction;

constexpr std::size_t kReach = 255;
constexpr std::uint32_t kNowhere = 0xffffffff;

class Layout {
 public:
  Layout(const CodeGraph& graph, bool big_endian)
      : graph_(graph), big_endian_(big_endian), place_(graph.codes.size(), kNowhere) {
    MeasureSubtrees();
  }

  std::vector<Instruction> Make() {
    Place(graph_.root);
    std::ranges::reverse(reversed_);
    return std::move(reversed_);
  }

 private:
  void MeasureSubtrees();
  void Place(CodeId id);
  void PlaceTest(const Code& code);
  void PlaceLoad(const Code& code);
  void BringNear(CodeId first, CodeId second);
  void StandIn(CodeId id);
  // Instructions to skip from one that would be made now.
  std::size_t Distance(CodeId id) const { return reversed_.size() - Where(id) - 1; }
  std::uint32_t& Where(CodeId id) { return place_[static_cast<std::uint32_t>(id)]; }
  std::uint32_t Where(CodeId id) const { return place_[static_cast<std::uint32_t>(id)]; }
  std::size_t SizeOf(CodeId id) const { return size_[static_cast<std::uint32_t>(id)]; }
  void Emit(std::uint16_t code, std::uint32_t k, std::size_t yes = 0, std::size_t no = 0) {
    reversed_.push_back({code, static_cast<std::uint8_t>(yes), static_cast<std::uint8_t>(no), k});
  }
  std::uint32_t OffsetOf(Word word) const;

  const CodeGraph& graph_;
  const bool big_endian_;
  std::vector<std::uint32_t> place_;  // counted from the end of the program
  std::vector<std::uint32_t> size_;
  std::vector<Instruction> reversed_;
};

// Codes are made after what they lead to, so one pass in their order sees children first. What is
// shared counts for each who shares it; it is only used to order subtrees.
void Layout::MeasureSubtrees() {
  constexpr std::uint32_t kEnough = 1 << 20;
  for (const Code& code : graph_.codes) {
    std::size_t size = 1;
    if (code.kind != Code::Kind::kReturn) size += SizeOf(code.yes);
    if (code.kind == Code::Kind::kTest) size += SizeOf(code.no);
    size_.push_back(static_cast<std::uint32_t>(std::min<std::size_t>(size, kEnough)));
  }
}

void Layout::Place(CodeId id) {
  if (Where(id) != kNowhere) return;
  const Code& code = graph_.At(id);
  switch (code.kind) {
    case Code::Kind::kReturn:
      Emit(bpf::kReturn, code.k);
      break;
    case Code::Kind::kTest: {
      // The smaller subtree comes between the test and the larger one, so jumps are short.
      const bool yes_is_near = SizeOf(code.yes) <= SizeOf(code.no);
      Place(yes_is_near ? code.no : code.yes);
      Place(yes_is_near ? code.yes : code.no);
      PlaceTest(code);
      break;
    }
    case Code::Kind::kLoad:
      Place(code.yes);
      PlaceLoad(code);
      break;
  }
  Where(id) = static_cast<std::uint32_t>(reversed_.size() - 1);
}

void Layout::PlaceTest(const Code& code) {
  BringNear(code.yes, code.no);
  Emit(code.operation, code.k, Distance(code.yes), Distance(code.no));
}

//         ld   [offset]
//         and  #mask         where the mask is not all bits
//         the test
void Layout::PlaceLoad(const Code& code) {
  // Where other code comes between, a copy of the test costs no more than a jump to it.
  if (Distance(code.yes) != 0) PlaceTest(graph_.At(code.yes));
  if (code.mask != kAllBits) Emit(bpf::kAnd, code.mask);
  Emit(bpf::kLoadAbs, OffsetOf(code.word));
}

void Layout::BringNear(CodeId first, CodeId second) {
  while (true) {
    if (Distance(first) > kReach) {
      StandIn(first);
    } else if (Distance(second) > kReach) {
      StandIn(second);
    } else {
      return;
    }
  }
}

void Layout::StandIn(CodeId id) {
  const Code& code = graph_.At(id);
  if (code.kind == Code::Kind::kReturn) {
    Emit(bpf::kReturn, code.k);
  } else {
    Emit(bpf::kJump, static_cast<std::uint32_t>(Distance(id)));
  }
  Where(id) = static_cast<std::uint32_t>(reversed_.size() - 1);
}

std::uint32_t Layout::OffsetOf(Word word) const {
  if (word == Word::kArch) return bpf::kOffsetArch;
  if (word == Word::kNumber) return bpf::kOffsetNr;
  const unsigned index = static_cast<unsigned>(word) - static_cast<unsigned>(Word::kFirstArgument);
  return index % 2 == 0 ? bpf::OffsetLow(index / 2, big_endian_)
                        : bpf::OffsetHigh(index / 2, big_endian_);
}

}  // namespace

std::vector<Instruction> LayOut(const CodeGraph& graph, bool big_endian) {
  return Layout(graph, big_endian).Make();
}

}  // namespace bailey::compile
