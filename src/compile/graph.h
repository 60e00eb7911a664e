// The decision graph: what a filter answers, as a directed acyclic graph of switches over the
// 32-bit words of seccomp_data.
//
//   Graph graph;
//   const NodeId allow = graph.Leaf(0x7fff0000), deny = graph.Leaf(0x00050001);
//   const Piece pieces[] = {{0, deny}, {1, allow}, {3, deny}};       // 1 and 2 are allowed
//   const NodeId root = graph.Switch(LowWord(0), kAllBits, pieces);
//
// A switch looks at (word & mask) and goes on by the piece that holds it. Equal nodes exist once,
// and a switch is simplified as it is made: equal neighbours merge; a test that the way to it has
// already decided is left out. Words are named without regard to byte order; layout knows offsets.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace bailey::compile {

enum class Word : std::uint8_t { kArch, kNumber, kFirstArgument };
inline constexpr unsigned kWordCount = 14;
constexpr Word LowWord(unsigned slot) {
  return static_cast<Word>(static_cast<unsigned>(Word::kFirstArgument) + 2 * slot);
}
constexpr Word HighWord(unsigned slot) {
  return static_cast<Word>(static_cast<unsigned>(Word::kFirstArgument) + 2 * slot + 1);
}
inline constexpr std::uint32_t kAllBits = 0xffffffff;

enum class NodeId : std::uint32_t {};

// Covers `first` up to the next piece's `first`, or to the end.
struct Piece {
  std::uint32_t first;
  NodeId next;
  bool operator==(const Piece&) const = default;
};

// What the way to a node says about one word: it lies in [low, high], and its bits in `mask` are
// those of `bits`.
struct Knowledge {
  std::uint32_t low = 0;
  std::uint32_t high = kAllBits;
  std::uint32_t mask = 0;
  std::uint32_t bits = 0;
};

// The smallest value >= `from` whose bits outside `free` are exactly `fixed`.
std::optional<std::uint32_t> SmallestMatch(std::uint32_t free, std::uint32_t fixed,
                                           std::uint32_t from);

class Graph {
 public:
  NodeId Leaf(std::uint32_t value);
  // `pieces` are ordered by `first`, the first begins at 0, and they are not this graph's own.
  NodeId Switch(Word word, std::uint32_t mask, std::span<const Piece> pieces);

  bool IsLeaf(NodeId node) const { return At(node).is_leaf; }
  std::uint32_t LeafValue(NodeId node) const { return At(node).mask_or_value; }
  Word SwitchWord(NodeId node) const { return At(node).word; }
  std::uint32_t SwitchMask(NodeId node) const { return At(node).mask_or_value; }
  std::span<const Piece> Pieces(NodeId node) const;
  // True when some switch in or below `node` looks at `word`.
  bool LooksAt(NodeId node, Word word) const;
  // Nodes ever made, those that simplification left behind included.
  std::size_t Size() const { return nodes_.size(); }
  std::size_t PieceCount() const { return pieces_.size(); }

 private:
  struct Stored {
    Word word;
    bool is_leaf;
    std::uint16_t looks_at;  // a bit a word
    std::uint32_t mask_or_value;
    std::uint32_t first_piece;
    std::uint32_t piece_count;
    std::uint32_t hash;
  };
  using Memo = std::unordered_map<std::uint32_t, NodeId>;

  const Stored& At(NodeId node) const { return nodes_[static_cast<std::uint32_t>(node)]; }
  NodeId Simplify(NodeId node, Word word, std::uint32_t mask, std::uint32_t first,
                  std::uint32_t last);
  NodeId Restrict(NodeId node, Word word, const Knowledge& knowledge, unsigned depth, Memo& memo);
  void AppendSlice(NodeId node, std::uint32_t first, std::uint32_t last,
                   std::vector<Piece>& pieces) const;
  NodeId Intern(Stored stored, std::span<const Piece> pieces);
  bool IsSame(const Stored& a, const Stored& b, std::span<const Piece> pieces) const;
  void GrowTable();

  std::vector<Stored> nodes_;
  std::vector<Piece> pieces_;
  std::vector<std::uint32_t> table_;  // open addressing: node index + 1, or 0
  std::size_t restrict_steps_ = 0;
};

}  // namespace bailey::compile
