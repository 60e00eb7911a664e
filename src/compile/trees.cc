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
  bool IsSingle() const { return first == last; }
};
using Segments = std::vector<Segment>;

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
  Segments SegmentsOf(NodeId node) const;
  CodeId Tree(const Segments& segments);
  CodeId TakeOut(const Segments& segments, std::size_t at);
  CodeId Cut(const Segments& segments, std::size_t at);
  CodeId Intern(const Code& code);
  CodeId Test(std::uint16_t operation, std::uint32_t k, CodeId yes, CodeId no);

  const Graph& graph_;
  const Weights& weights_;
  CodeGraph result_;
  std::unordered_map<NodeId, Body> bodies_;
  std::unordered_multimap<std::uint64_t, CodeId> interned_;
  Word word_ = Word::kArch;  // of the switch whose tree is being built
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
  const Segments segments = SegmentsOf(node);
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

Segments Builder::SegmentsOf(NodeId node) const {
  const std::span<const Piece> pieces = graph_.Pieces(node);
  const std::uint32_t mask = graph_.SwitchMask(node);
  Segments segments;
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

CodeId Builder::Tree(const Segments& segments) {
  const std::size_t count = segments.size();
  if (count == 1) return Enter(segments[0].next, word_, mask_);

  // Holes do not touch: the neighbour of one is what it leaves behind.
  std::vector<bool> is_hole(count);
  std::size_t holes = 0;
  double total = 0;
  std::size_t heaviest_hole = 0;
  for (std::size_t i = 0; i < count; ++i) {
    total += segments[i].weight;
    if (i == 0 || i + 1 == count || is_hole[i - 1] || !segments[i].IsSingle() ||
        segments[i - 1].next != segments[i + 1].next) {
      continue;
    }
    is_hole[i] = true;
    ++holes;
    if (holes == 1 || segments[i].weight >= segments[heaviest_hole].weight) heaviest_hole = i;
  }
  const bool is_dominated = holes > 0 && total > 0 && 2 * segments[heaviest_hole].weight >= total;
  if (is_dominated || (holes > 0 && count - 1 - holes <= kLongestChain)) {
    return TakeOut(segments, heaviest_hole);
  }

  // Halve what is frequent where that is known, and the number of tests.
  const double unit = total > 0 ? total / static_cast<double>(count) / 16 : 1;
  const double whole = total + unit * static_cast<double>(count);
  double left = 0;
  double best_cost = 2 * whole;
  std::size_t best = 1;
  for (std::size_t i = 1; i < count; ++i) {
    left += segments[i - 1].weight + unit;
    const bool cuts_off = is_hole[i - 1] || is_hole[i];
    const double cost = std::max(left, whole - left) + (cuts_off ? whole / 8 : 0);
    if (cost < best_cost) {
      best_cost = cost;
      best = i;
    }
  }
  return Cut(segments, best);
}

//         jeq  #value        its verdict, the tree of the others
CodeId Builder::TakeOut(const Segments& segments, std::size_t at) {
  Segments others(segments.begin(), segments.begin() + static_cast<std::ptrdiff_t>(at));
  others.back().last = segments[at + 1].last;
  others.back().weight += segments[at + 1].weight;
  others.insert(others.end(), segments.begin() + static_cast<std::ptrdiff_t>(at) + 2,
                segments.end());
  const CodeId yes = Enter(segments[at].next, word_, mask_);
  const CodeId no = Tree(others);
  return Test(bpf::kJeq, segments[at].first, yes, no);
}

//         jge  #value        the tree from it on, the tree below it
CodeId Builder::Cut(const Segments& segments, std::size_t at) {
  const auto middle = segments.begin() + static_cast<std::ptrdiff_t>(at);
  const CodeId yes = Tree(Segments(middle, segments.end()));
  const CodeId no = Tree(Segments(segments.begin(), middle));
  // What has one value is compared for it: more of these are equal between trees.
  if (at == 1 && segments[0].IsSingle()) return Test(bpf::kJeq, segments[0].first, no, yes);
  if (at + 1 == segments.size() && segments[at].IsSingle()) {
    return Test(bpf::kJeq, segments[at].first, yes, no);
  }
  return Test(bpf::kJge, segments[at].first, yes, no);
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

CodeId Builder::Intern(const Code& code) {
  std::uint64_t hash = code.k * 0x9e3779b97f4a7c15u;
  hash = (std::rotl(hash, 23) ^ static_cast<std::uint64_t>(code.yes)) * 0x9e3779b97f4a7c15u;
  hash = (std::rotl(hash, 23) ^ static_cast<std::uint64_t>(code.no)) * 0x9e3779b97f4a7c15u;
  const auto [begin, end] = interned_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    if (result_.At(it->second) == code) return it->second;
  }
  const CodeId id{static_cast<std::uint32_t>(result_.codes.size())};
  result_.codes.push_back(code);
  interned_.emplace(hash, id);
  return id;
}

}  // namespace

CodeGraph BuildTrees(const Graph& graph, NodeId root, const Weights& weights) {
  return Builder(graph, weights).Build(root);
}

}  // namespace bailey::compile
