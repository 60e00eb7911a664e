#include "compile/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace bailey::compile {
namespace {

using testing::ElementsAre;

TEST(SmallestMatch, IsTheSmallestOnEveryByte) {
  for (std::uint32_t free = 0; free < 256; ++free) {
    for (std::uint32_t fixed = 0; fixed < 256; ++fixed) {
      if ((fixed & free) != 0) continue;
      std::optional<std::uint32_t> next;
      for (std::uint32_t from = 256; from-- > 0;) {
        if ((from & ~free) == fixed) next = from;
        ASSERT_EQ(SmallestMatch(free, fixed, from), next) << free << " " << fixed << " " << from;
      }
    }
  }
}

TEST(SmallestMatch, WorksAtTheTop) {
  EXPECT_EQ(SmallestMatch(kAllBits, 0, kAllBits), kAllBits);
  EXPECT_EQ(SmallestMatch(0x7fffffff, 0, 0x80000000), std::nullopt);
  EXPECT_EQ(SmallestMatch(1, 0x80000000, 0x7fffffff), 0x80000000);
  EXPECT_EQ(SmallestMatch(0, 0x80000000, 0x80000001), std::nullopt);
}

class GraphTest : public testing::Test {
 protected:
  NodeId Choose(Word word, std::uint32_t mask, std::vector<Piece> pieces) {
    return graph.Switch(word, mask, pieces);
  }
  // Walks the graph as a filter would.
  std::uint32_t Walk(NodeId node, const std::vector<std::uint32_t>& words) {
    while (!graph.IsLeaf(node)) {
      const std::uint32_t value =
          words[static_cast<std::size_t>(graph.SwitchWord(node))] & graph.SwitchMask(node);
      NodeId next = graph.Pieces(node)[0].next;
      for (const Piece& piece : graph.Pieces(node)) {
        if (piece.first <= value) next = piece.next;
      }
      node = next;
    }
    return graph.LeafValue(node);
  }

  Graph graph;
  const NodeId yes = graph.Leaf(1);
  const NodeId no = graph.Leaf(0);
  const Word a = LowWord(0);
  const Word b = LowWord(1);
};

TEST_F(GraphTest, EqualNodesExistOnce) {
  EXPECT_EQ(graph.Leaf(1), yes);
  EXPECT_EQ(Choose(a, kAllBits, {{0, no}, {5, yes}}), Choose(a, kAllBits, {{0, no}, {5, yes}}));
  EXPECT_NE(Choose(a, kAllBits, {{0, no}, {5, yes}}), Choose(b, kAllBits, {{0, no}, {5, yes}}));
}

TEST_F(GraphTest, EqualNeighboursMergeAndNothingToDecideIsNoSwitch) {
  const NodeId node = Choose(a, kAllBits, {{0, no}, {2, no}, {5, yes}, {9, yes}});
  EXPECT_THAT(graph.Pieces(node), ElementsAre(Piece{0, no}, Piece{5, yes}));
  EXPECT_EQ(Choose(a, kAllBits, {{0, yes}, {7, yes}}), yes);
}

TEST_F(GraphTest, SwitchesOnTheSameWordBecomeOne) {
  const NodeId inner = Choose(a, kAllBits, {{0, no}, {4, yes}, {6, no}});
  const NodeId outer = Choose(a, kAllBits, {{0, inner}, {5, yes}, {10, inner}});
  EXPECT_THAT(graph.Pieces(outer), ElementsAre(Piece{0, no}, Piece{4, yes}, Piece{10, no}));
}

TEST_F(GraphTest, WhatTheWayHasDecidedIsLeftOut) {
  const NodeId inner = Choose(a, kAllBits, {{0, no}, {4, yes}});
  const NodeId between = Choose(b, kAllBits, {{0, inner}, {1, no}});
  const NodeId outer = Choose(a, kAllBits, {{0, no}, {8, between}});
  // At 8 and above, the inner switch says yes.
  EXPECT_EQ(graph.Pieces(outer)[1].next, Choose(b, kAllBits, {{0, yes}, {1, no}}));
}

TEST_F(GraphTest, AMaskKeepsOnlyValuesThatOccur) {
  const NodeId node = Choose(a, 0x30, {{0, no}, {1, yes}, {0x11, no}, {0x21, yes}});
  EXPECT_THAT(graph.Pieces(node),
              ElementsAre(Piece{0, no}, Piece{0x10, yes}, Piece{0x20, no}, Piece{0x30, yes}));
  EXPECT_EQ(Choose(a, 0x30, {{0, no}, {0x11, yes}, {0x20, no}}), no);
  EXPECT_EQ(Choose(a, 0, {{0, no}, {1, yes}}), no);
}

TEST_F(GraphTest, KnownBitsDecideOtherMasks) {
  const NodeId any_of_three = Choose(a, 0x7, {{0, no}, {1, yes}});
  const NodeId between = Choose(b, kAllBits, {{0, any_of_three}, {1, no}});
  const NodeId outer = Choose(a, 0x2, {{0, no}, {1, between}});
  EXPECT_EQ(graph.Pieces(outer)[1].next, Choose(b, kAllBits, {{0, yes}, {1, no}}));
  // Values below 0x10 have no higher bit.
  const NodeId high_bit = Choose(a, 0x100, {{0, no}, {1, yes}});
  EXPECT_EQ(Choose(a, kAllBits, {{0, high_bit}, {0x10, no}}), no);
}

// Switches built at random mean what the same switches mean without simplification.
TEST_F(GraphTest, SimplificationKeepsTheMeaning) {
  std::mt19937 engine(20240601);
  const auto random = [&engine] { return static_cast<std::uint32_t>(engine()); };
  for (int round = 0; round < 2000; ++round) {
    struct Plain {
      Word word;
      std::uint32_t mask;
      std::vector<std::pair<std::uint32_t, std::size_t>> pieces;
    };
    std::vector<Plain> plain(2);  // 0 and 1 are the leaves
    std::vector<NodeId> nodes = {no, yes};
    for (int i = 0; i < 8; ++i) {
      Plain next = {random() % 2 ? a : b, random() % 2 ? kAllBits : random() % 64, {}};
      std::uint32_t first = 0;
      std::vector<Piece> pieces;
      for (std::uint32_t p = 0; p < 1 + random() % 4; ++p) {
        const std::size_t target = random() % nodes.size();
        next.pieces.emplace_back(first, target);
        pieces.push_back({first, nodes[target]});
        first += 1 + random() % 20;
      }
      nodes.push_back(graph.Switch(next.word, next.mask, pieces));
      plain.push_back(next);
    }
    for (int i = 0; i < 64; ++i) {
      std::vector<std::uint32_t> words(kWordCount);
      for (std::uint32_t& word : words) word = random() % 70;
      std::size_t at = plain.size() - 1;
      while (at > 1) {
        const std::uint32_t value =
            words[static_cast<std::size_t>(plain[at].word)] & plain[at].mask;
        std::size_t next = 0;
        for (const auto& [first, target] : plain[at].pieces) {
          if (first <= value) next = target;
        }
        at = next;
      }
      ASSERT_EQ(Walk(nodes.back(), words), at) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace bailey::compile
