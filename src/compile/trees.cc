// A switch over ranges becomes a binary search with JGE. One value between two equal neighbours
// (a "hole", which most denied or conditioned calls are) would cost the search two tests; JEQ takes
// it out with one. So a region of few tests becomes a chain that takes out its holes first, and a
// larger one is halved, if possible where halving does not cut off a hole from a neighbour.
//
//     0: allow | 41: A | 42: allow | 101: EPERM | 102: allow         0x40000000: kill
//
//         ld   [0]
//         jge  #0x40000000   kill
//         jeq  #41           A
//         jeq  #101          EPERM, allow
#include <algorithm>
#include <bit>
#include <optional>
#include <span>

#include "bpf/instruction.h"
#include "compile/code.h"

namespace bailey::compile {
namespace {

// Longer chains save an instruction for each cut that is not made, and lengthen the way.
constexpr std::size_t kLongestChain = 4;

struct Segment {
  std::uint32_t first, last;  // values that occur under the mask
  NodeId next;
  double weight;
  bool is_hole = false;
  bool IsSingle() const { return first == last; }
};
// A region of a switch. Its tree is built once, and may change it on the way.
using Region = std::span<Segment>;

class Builder {
 public:
  Builder(const Graph& graph, const Weights& weights) : graph_(graph), weights_(weights) {}

  CodeGraph Build(NodeId root) {
    result_.root = Enter(root, Word::kArch, 0);
    return std::move(result_);
  }

 private:
  // What A must hold where the tree of a switch begins.
  struct Body {
    CodeId code;
    std::uint32_t mask;
  };

  CodeId Enter(NodeId node, Word word, std::uint32_t mask);
  Body BodyOf(NodeId node);
  std::vector<Segment> SegmentsOf(NodeId node) const;
  CodeId Tree(Region region);
  CodeId TakeOut(Region region, std::size_t at);
  CodeId Cut(Region region, std::size_t at);
  static std::size_t BestCut(Region region, double total);
  CodeId Intern(const Code& code);
  void GrowTable();
  static std::size_t HashOf(const Code& code);
  CodeId Test(std::uint16_t operation, std::uint32_t k, CodeId yes, CodeId no);

  const Graph& graph_;
  const Weights& weights_;
  CodeGraph result_;
  std::unordered_map<NodeId, Body> bodies_;
  std::vector<std::uint32_t> table_;  // open addressing: index of a code + 1, or 0
  Word word_ = Word::kArch;           // of the switch whose tree is being built
  std::uint32_t mask_ = kAllBits;
};

// `word` and `mask` say what A holds already; mask 0 means nothing.
CodeId Builder::Enter(NodeId node, Word word, std::uint32_t mask) {
  if (graph_.IsLeaf(node)) {
    return Intern({.kind = Code::Kind::kReturn, .k = graph_.LeafValue(node)});
  }
  const Body body = BodyOf(node);
  if (mask != 0 && graph_.SwitchWord(node) == word && body.mask == mask) return body.code;
  return Intern({.kind = Code::Kind::kLoad,
                 .word = graph_.SwitchWord(node),
                 .mask = body.mask,
                 .yes = body.code});
}

Builder::Body Builder::BodyOf(NodeId node) {
  if (const auto known = bodies_.find(node); known != bodies_.end()) return known->second;
  std::vector<Segment> segments = SegmentsOf(node);
  const Word outer_word = std::exchange(word_, graph_.SwitchWord(node));
  const std::uint32_t mask = graph_.SwitchMask(node);
  // Zero or not, under a mask, is one test of the whole word:
  //         ld   [word]
  //         jset #mask         yes, no
  const bool is_any_bit =
      mask != kAllBits && segments.size() == 2 && segments[0].IsSingle() && segments[0].first == 0;
  const std::uint32_t outer_mask = std::exchange(mask_, is_any_bit ? kAllBits : mask);
  Body body = {CodeId{}, mask_};
  if (is_any_bit) {
    const CodeId yes = Enter(segments[1].next, word_, mask_);
    const CodeId no = Enter(segments[0].next, word_, mask_);
    body.code = Test(bpf::kJset, mask, yes, no);
  } else {
    body.code = Tree(segments);
  }
  word_ = outer_word;
  mask_ = outer_mask;
  bodies_.emplace(node, body);
  return body;
}

std::vector<Segment> Builder::SegmentsOf(NodeId node) const {
  const std::span<const Piece> pieces = graph_.Pieces(node);
  const std::uint32_t mask = graph_.SwitchMask(node);
  std::vector<Segment> segments;
  segments.reserve(pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    std::uint32_t last = i + 1 < pieces.size() ? pieces[i + 1].first - 1 : kAllBits;
    last = ~SmallestMatch(mask, ~mask, ~last).value_or(~pieces[i].first);
    segments.push_back({pieces[i].first, last, pieces[i].next, 0});
  }
  if (const auto known = weights_.find(node); known != weights_.end()) {
    for (const auto& [value, weight] : known->second) {
      (std::ranges::upper_bound(segments, value, {}, &Segment::first) - 1)->weight += weight;
    }
  }
  return segments;
}

CodeId Builder::Tree(Region region) {
  const std::size_t count = region.size();
  if (count == 1) return Enter(region[0].next, word_, mask_);

  // Holes do not touch: the neighbour of one is what it leaves behind.
  std::size_t holes = 0;
  double total = 0;
  std::size_t heaviest_hole = 0;
  for (std::size_t i = 0; i < count; ++i) {
    total += region[i].weight;
    region[i].is_hole = i > 0 && i + 1 < count && !region[i - 1].is_hole && region[i].IsSingle() &&
                        region[i - 1].next == region[i + 1].next;
    if (!region[i].is_hole) continue;
    ++holes;
    if (holes == 1 || region[i].weight >= region[heaviest_hole].weight) heaviest_hole = i;
  }
  const bool is_dominated = holes > 0 && total > 0 && 2 * region[heaviest_hole].weight >= total;
  if (is_dominated || (holes > 0 && count - 1 - holes <= kLongestChain)) {
    return TakeOut(region, heaviest_hole);
  }
  return Cut(region, BestCut(region, total));
}

// Halves what is frequent where that is known, and the number of tests.
std::size_t Builder::BestCut(Region region, double total) {
  const auto count = static_cast<double>(region.size());
  const double unit = total > 0 ? total / count / 16 : 1;
  const double whole = total + unit * count;
  double left = 0;
  double best_cost = 2 * whole;
  std::size_t best = 1;
  for (std::size_t i = 1; i < region.size(); ++i) {
    left += region[i - 1].weight + unit;
    const bool cuts_off = region[i - 1].is_hole || region[i].is_hole;
    const double cost = std::max(left, whole - left) + (cuts_off ? whole / 8 : 0);
    if (cost < best_cost) {
      best_cost = cost;
      best = i;
    }
  }
  return best;
}

//         jeq  #value        its verdict, the tree of the others
CodeId Builder::TakeOut(Region region, std::size_t at) {
  const Segment hole = region[at];
  region[at - 1].last = region[at + 1].last;
  region[at - 1].weight += region[at + 1].weight;
  std::ranges::move(region.subspan(at + 2), region.begin() + static_cast<std::ptrdiff_t>(at));
  const CodeId yes = Enter(hole.next, word_, mask_);
  const CodeId no = Tree(region.first(region.size() - 2));
  return Test(bpf::kJeq, hole.first, yes, no);
}

//         jge  #value        the tree from it on, the tree below it
CodeId Builder::Cut(Region region, std::size_t at) {
  const Segment below = region[at - 1];
  const Segment from = region[at];
  const CodeId yes = Tree(region.subspan(at));
  const CodeId no = Tree(region.first(at));
  // What has one value is compared for it: more of these are equal between trees.
  if (at == 1 && below.IsSingle()) return Test(bpf::kJeq, below.first, no, yes);
  if (at + 1 == region.size() && from.IsSingle()) return Test(bpf::kJeq, from.first, yes, no);
  return Test(bpf::kJge, from.first, yes, no);
}

CodeId Builder::Test(std::uint16_t operation, std::uint32_t k, CodeId yes, CodeId no) {
  if (yes == no) return yes;
  return Intern({.kind = Code::Kind::kTest,
                 .word = word_,
                 .operation = operation,
                 .mask = mask_,
                 .k = k,
                 .yes = yes,
                 .no = no});
}

std::size_t Builder::HashOf(const Code& code) {
  std::uint64_t hash = code.k * 0x9e3779b97f4a7c15u;
  hash = (std::rotl(hash, 23) ^ static_cast<std::uint64_t>(code.yes)) * 0x9e3779b97f4a7c15u;
  hash = (std::rotl(hash, 23) ^ static_cast<std::uint64_t>(code.no)) * 0x9e3779b97f4a7c15u;
  return hash >> 32;
}

CodeId Builder::Intern(const Code& code) {
  if (2 * (result_.codes.size() + 1) > table_.size()) GrowTable();
  std::size_t slot = HashOf(code) & (table_.size() - 1);
  for (; table_[slot] != 0; slot = (slot + 1) & (table_.size() - 1)) {
    if (result_.codes[table_[slot] - 1] == code) return CodeId{table_[slot] - 1};
  }
  result_.codes.push_back(code);
  table_[slot] = static_cast<std::uint32_t>(result_.codes.size());
  return CodeId{table_[slot] - 1};
}

void Builder::GrowTable() {
  table_.assign(std::max<std::size_t>(1024, 2 * table_.size()), 0);
  for (std::uint32_t i = 0; i < result_.codes.size(); ++i) {
    std::size_t slot = HashOf(result_.codes[i]) & (table_.size() - 1);
    while (table_[slot] != 0) slot = (slot + 1) & (table_.size() - 1);
    table_[slot] = i + 1;
  }
}

}  // namespace

CodeGraph BuildTrees(const Graph& graph, NodeId root, const Weights& weights) {
  return Builder(graph, weights).Build(root);
}

}  // namespace bailey::compile
