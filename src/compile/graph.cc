#include "compile/graph.h"

#include <algorithm>
#include <bit>

namespace bailey::compile {
namespace {

// Leaving out decided tests may copy what was shared. Past this much work, or this deep, nodes
// stay as they are, which is always right, only longer.
constexpr std::size_t kMaxRestrictSteps = 1 << 20;
constexpr unsigned kMaxRestrictDepth = 1000;

std::uint16_t Bit(Word word) {
  return static_cast<std::uint16_t>(1u << static_cast<unsigned>(word));
}

std::uint64_t Mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15;
  return hash ^ (hash >> 29);
}

// The bits that all numbers of [low, high] have in common.
std::uint32_t CommonPrefix(std::uint32_t low, std::uint32_t high) {
  const std::uint32_t differs = low ^ high;
  return differs == 0 ? kAllBits : ~(kAllBits >> std::countl_zero(differs));
}

Knowledge KnowledgeOfPiece(std::uint32_t mask, std::uint32_t first, std::uint32_t last) {
  // The largest value that occurs, found as the smallest of the complements.
  last = ~SmallestMatch(mask, ~mask, ~last).value_or(~first);
  const std::uint32_t known = mask & CommonPrefix(first, last);
  if (mask == kAllBits) return {first, last, known, first & known};
  return {0, kAllBits, known, first & known};
}

// Whether a word of which `knowledge` holds can have (word & mask) in [first, last]. May say yes
// where the answer is no, for intervals under a mask.
bool IsPossible(const Knowledge& knowledge, std::uint32_t mask, std::uint32_t first,
                std::uint32_t last) {
  if (mask == kAllBits) {
    first = std::max(first, knowledge.low);
    last = std::min(last, knowledge.high);
    if (first > last) return false;
  }
  const auto match = SmallestMatch(mask & ~knowledge.mask, knowledge.bits & mask, first);
  return match && *match <= last;
}

}  // namespace

std::optional<std::uint32_t> SmallestMatch(std::uint32_t free, std::uint32_t fixed,
                                           std::uint32_t from) {
  const std::uint32_t candidate = (from & free) | fixed;
  if (candidate == from) return from;
  // The highest bit in which they differ is a fixed one. Below it nothing holds any more.
  const std::uint32_t differs = std::bit_floor(candidate ^ from);
  const std::uint32_t below = differs - 1;
  if (candidate > from) return candidate & ~(free & below);
  // Too small: the lowest free zero above must become one.
  const std::uint32_t can_rise = free & ~from & ~(below | differs);
  if (can_rise == 0) return std::nullopt;
  const std::uint32_t rise = can_rise & (~can_rise + 1);
  return (from & free & ~(rise - 1)) | rise | fixed;
}

std::span<const Piece> Graph::Pieces(NodeId node) const {
  const Stored& stored = At(node);
  return std::span(pieces_).subspan(stored.first_piece, stored.piece_count);
}

bool Graph::LooksAt(NodeId node, Word word) const { return (At(node).looks_at & Bit(word)) != 0; }

NodeId Graph::Leaf(std::uint32_t value) {
  return Intern({.word = Word::kArch,
                 .is_leaf = true,
                 .looks_at = 0,
                 .mask_or_value = value,
                 .first_piece = 0,
                 .piece_count = 0,
                 .hash = 0},
                {});
}

NodeId Graph::Switch(Word word, std::uint32_t mask, std::span<const Piece> pieces) {
  std::vector<Piece> result;
  result.reserve(pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    // Under a mask only some values occur: a piece begins at the first of them, or has none.
    const std::uint32_t last = i + 1 < pieces.size() ? pieces[i + 1].first - 1 : kAllBits;
    const std::uint32_t first = SmallestMatch(mask, 0, pieces[i].first).value_or(kAllBits);
    if (first > last || (first & ~mask) != 0) continue;
    const NodeId next = Simplify(pieces[i].next, word, mask, first, last);
    if (!IsLeaf(next) && SwitchWord(next) == word && SwitchMask(next) == mask) {
      AppendSlice(next, first, last, result);
    } else if (result.empty() || result.back().next != next) {
      result.push_back({first, next});
    }
  }
  if (result.size() == 1) return result[0].next;
  std::uint16_t looks_at = Bit(word);
  for (const Piece& piece : result) looks_at |= At(piece.next).looks_at;
  return Intern({.word = word,
                 .is_leaf = false,
                 .looks_at = looks_at,
                 .mask_or_value = mask,
                 .first_piece = 0,
                 .piece_count = static_cast<std::uint32_t>(result.size()),
                 .hash = 0},
                result);
}

// `node` as it is seen where (word & mask) lies in [first, last].
NodeId Graph::Simplify(NodeId node, Word word, std::uint32_t mask, std::uint32_t first,
                       std::uint32_t last) {
  if (!LooksAt(node, word)) return node;
  Memo memo;
  return Restrict(node, word, KnowledgeOfPiece(mask, first, last), 0, memo);
}

NodeId Graph::Restrict(NodeId node, Word word, const Knowledge& knowledge, unsigned depth,
                       Memo& memo) {
  if (!LooksAt(node, word)) return node;
  if (++restrict_steps_ > kMaxRestrictSteps || depth > kMaxRestrictDepth) return node;
  const auto known = memo.find(static_cast<std::uint32_t>(node));
  if (known != memo.end()) return known->second;

  const Stored stored = At(node);
  std::vector<Piece> result;
  bool changed = false;
  for (std::uint32_t i = 0; i < stored.piece_count; ++i) {
    const Piece piece = pieces_[stored.first_piece + i];  // a copy: the vector may grow below
    const std::uint32_t last =
        i + 1 < stored.piece_count ? pieces_[stored.first_piece + i + 1].first - 1 : kAllBits;
    if (stored.word == word && !IsPossible(knowledge, stored.mask_or_value, piece.first, last)) {
      changed = true;
      continue;
    }
    const NodeId next = Restrict(piece.next, word, knowledge, depth + 1, memo);
    changed = changed || next != piece.next;
    result.push_back({result.empty() ? 0 : piece.first, next});
  }
  const NodeId simplified =
      changed && !result.empty() ? Switch(stored.word, stored.mask_or_value, result) : node;
  memo.emplace(static_cast<std::uint32_t>(node), simplified);
  return simplified;
}

void Graph::AppendSlice(NodeId node, std::uint32_t first, std::uint32_t last,
                        std::vector<Piece>& pieces) const {
  const std::span<const Piece> all = Pieces(node);
  auto it = std::ranges::upper_bound(all, first, {}, &Piece::first) - 1;
  for (; it != all.end() && it->first <= last; ++it) {
    if (!pieces.empty() && pieces.back().next == it->next) continue;
    pieces.push_back({std::max(it->first, first), it->next});
  }
}

NodeId Graph::Intern(Stored stored, std::span<const Piece> pieces) {
  if (2 * (nodes_.size() + 1) > table_.size()) GrowTable();
  std::uint64_t hash = Mix(stored.mask_or_value,
                           static_cast<std::uint64_t>(stored.word) * 2 + (stored.is_leaf ? 1 : 0));
  for (const Piece& piece : pieces) {
    hash = Mix(hash, (std::uint64_t{piece.first} << 32) | static_cast<std::uint32_t>(piece.next));
  }
  stored.hash = static_cast<std::uint32_t>(hash >> 16);
  std::size_t slot = stored.hash & (table_.size() - 1);
  for (; table_[slot] != 0; slot = (slot + 1) & (table_.size() - 1)) {
    if (IsSame(nodes_[table_[slot] - 1], stored, pieces)) return NodeId{table_[slot] - 1};
  }
  const NodeId node{static_cast<std::uint32_t>(nodes_.size())};
  stored.first_piece = static_cast<std::uint32_t>(pieces_.size());
  nodes_.push_back(stored);
  pieces_.insert(pieces_.end(), pieces.begin(), pieces.end());
  table_[slot] = static_cast<std::uint32_t>(node) + 1;
  return node;
}

bool Graph::IsSame(const Stored& a, const Stored& b, std::span<const Piece> pieces) const {
  return a.hash == b.hash && a.is_leaf == b.is_leaf && a.word == b.word &&
         a.mask_or_value == b.mask_or_value &&
         std::ranges::equal(std::span(pieces_).subspan(a.first_piece, a.piece_count), pieces);
}

void Graph::GrowTable() {
  const std::size_t size = std::max<std::size_t>(1024, table_.size() * 2);
  table_.assign(size, 0);
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    std::size_t slot = nodes_[i].hash & (size - 1);
    while (table_[slot] != 0) slot = (slot + 1) & (size - 1);
    table_[slot] = i + 1;
  }
}

}  // namespace bailey::compile
