// Rows of text, top to bottom: a block, or a gap that stands for several. Every edge leads down.
// One to the next row is a short line; the others run in lanes at the left.
#include "review/draw_way.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "base/text.h"
#include "review/docket.h"
#include "review/plain.h"
#include "review/program_blocks.h"

namespace bailey::review {
namespace {

constexpr int kLine = 15;
constexpr int kPad = 6;
constexpr int kBetween = 16;  // rows
constexpr int kLaneWidth = 8;
constexpr int kLanes = 7;
constexpr int kLeft = kLanes * kLaneWidth + 8;
constexpr int kWidth = 344;              // all of it; a phone shows it without scaling
constexpr std::size_t kLetters = 39;     // of a line
constexpr std::size_t kDrawnWhole = 40;  // blocks
constexpr std::size_t kLitAtEnds = 20;   // blocks of a long way at either end

struct Edge {
  std::size_t from = 0, to = 0;  // rows
  bool passed = false;
  auto operator<=>(const Edge&) const = default;
};

struct Text {
  std::string text;
  std::string_view style;
};

struct Row {
  std::size_t first_block = 0, last_block = 0;
  bool lit = false;
  std::string_view style;  // by what a return answers
  std::vector<Text> texts;
  int y = 0, height = 0;
};

// The disassembler's line without what the drawing shows: "0003 jeq #0x3b ; execve".
std::string Shortened(std::string_view line) {
  const std::size_t semicolon = line.find(';');
  const auto words = base::Split(line.substr(0, semicolon), ' ');
  std::string text;
  for (const std::string_view word : words) {
    if (word == "true" || word == "to") break;
    if (!word.empty()) text += fmt::format("{}{}", text.empty() ? "" : " ", word);
  }
  if (semicolon != std::string_view::npos) text += fmt::format("  {}", line.substr(semicolon));
  if (text.size() > kLetters) text = text.substr(0, kLetters - 1) + "…";
  return text;
}

std::string_view StyleOfReturn(const bpf::Instruction& instruction) {
  if (instruction.code != bpf::kReturn) return "";
  const std::uint32_t action = instruction.k & 0xffff0000;
  if (action == 0x7fff0000 || action == 0x7ffc0000) return "allow";
  return action == 0 || action == 0x80000000 ? "kill" : "deny";
}

class WayDrawing {
 public:
  WayDrawing(const bpf::Program& program, std::span<const std::uint32_t> pcs,
             const std::vector<std::string>& lines)
      : program_(program), lines_(lines), blocks_(BlocksOf(program)), row_of_(blocks_.size()) {
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      if (std::ranges::find(pcs, blocks_[i].first) != pcs.end()) way_.push_back(i);
    }
    MakeRows();
    MakeEdges();
  }

  std::string Draw() {
    int y = 4;
    for (Row& row : rows_) {
      row.y = y;
      row.height = static_cast<int>(row.texts.size()) * kLine + 2 * kPad - 2;
      y += row.height + kBetween;
    }
    for (const Edge& edge : edges_) DrawEdge(edge);
    for (const Row& row : rows_) DrawRow(row);
    return fmt::format(
        "<svg class=\"way\" xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
        "viewBox=\"0 0 {0} {1}\" role=\"img\" aria-label=\"The blocks of the filter, and the way "
        "of the call\">\n{2}</svg>\n",
        kWidth, y - kBetween + 4, shapes_);
  }

 private:
  bool IsLit(std::size_t block) const { return std::ranges::binary_search(way_, block); }

  // Blocks that are drawn by themselves.
  bool IsShown(std::size_t block) const {
    if (blocks_.size() <= kDrawnWhole) return true;
    const auto found = std::ranges::lower_bound(way_, block);
    if (found == way_.end() || *found != block) return way_.empty() && block < kDrawnWhole;
    const auto place = static_cast<std::size_t>(found - way_.begin());
    return place < kLitAtEnds || place + kLitAtEnds >= way_.size();
  }

  void MakeRows() {
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      const bool is_gap = !IsShown(i);
      const bool joins =
          is_gap && !rows_.empty() && rows_.back().lit == IsLit(i) && rows_.back().style == "gap";
      if (joins) {
        rows_.back().last_block = i;
      } else {
        rows_.push_back(
            {.first_block = i, .last_block = i, .lit = IsLit(i), .style = is_gap ? "gap" : ""});
      }
      row_of_[i] = rows_.size() - 1;
    }
    for (Row& row : rows_) {
      if (row.style == "gap") {
        FillGap(row);
      } else {
        FillBlock(row);
      }
    }
  }

  void FillGap(Row& row) const {
    row.texts.push_back({fmt::format("{:04}–{:04}: {}{}", blocks_[row.first_block].first,
                                     blocks_[row.last_block].last,
                                     Count(row.last_block - row.first_block + 1, "block"),
                                     row.lit ? ", passed" : ""),
                         "quiet"});
  }

  void FillBlock(Row& row) const {
    const Block& block = blocks_[row.first_block];
    const bpf::Instruction& end = program_.Instructions()[block.last];
    row.style = StyleOfReturn(end);
    for (std::uint32_t pc = block.first; pc <= block.last; ++pc) {
      row.texts.push_back({Shortened(lines_[pc]), ""});
    }
    if (!block.on_false) return;
    const bool goes_true = row.lit && Next(row.first_block) == block.on_true;
    const bool goes_false = row.lit && Next(row.first_block) == block.on_false;
    row.texts.push_back(
        {fmt::format("yes: {:04}", blocks_[*block.on_true].first), goes_true ? "taken" : "quiet"});
    row.texts.push_back({fmt::format("no:  {:04}", blocks_[*block.on_false].first),
                         goes_false ? "taken" : "quiet"});
  }

  // Where the way leads from a block on it.
  std::optional<std::size_t> Next(std::size_t block) const {
    const auto after = std::ranges::upper_bound(way_, block);
    if (after == way_.end()) return std::nullopt;
    return *after;
  }

  void MakeEdges() {
    std::set<Edge> edges;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      for (const auto& next : {blocks_[i].on_true, blocks_[i].on_false}) {
        if (!next || row_of_[i] == row_of_[*next]) continue;
        edges.insert({row_of_[i], row_of_[*next], IsLit(i) && Next(i) == next});
      }
    }
    // Where the call passes, the same edge unlit says nothing. Those that are lit are drawn last.
    for (const Edge& edge : edges) {
      if (!edge.passed && edges.contains({edge.from, edge.to, true})) continue;
      edges_.push_back(edge);
    }
    std::ranges::stable_sort(edges_, {}, &Edge::passed);
    AssignLanes();
  }

  // Short edges next to the blocks, long ones outside.
  void AssignLanes() {
    lanes_.assign(edges_.size(), 0);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < edges_.size(); ++i) {
      if (edges_[i].to > edges_[i].from + 1) order.push_back(i);
    }
    std::ranges::stable_sort(order, {},
                             [this](std::size_t i) { return edges_[i].to - edges_[i].from; });
    std::vector<std::vector<Edge>> taken(kLanes);
    for (const std::size_t i : order) {
      const auto free = std::ranges::find_if(taken, [&](const std::vector<Edge>& lane) {
        return std::ranges::none_of(lane, [&](const Edge& other) {
          return edges_[i].from < other.to && other.from < edges_[i].to;
        });
      });
      // More edges than lanes share the outermost: what each leads to is written in its block.
      const auto lane =
          free == taken.end() ? taken.size() - 1 : static_cast<std::size_t>(free - taken.begin());
      taken[lane].push_back(edges_[i]);
      lanes_[i] = static_cast<int>(lane);
    }
  }

  void DrawEdge(const Edge& edge) {
    const Row& from = rows_[edge.from];
    const Row& to = rows_[edge.to];
    const std::string_view style = edge.passed ? "passed" : "";
    if (edge.to == edge.from + 1) {
      const int x = kLeft + 24;
      Path(fmt::format("M{} {}V{}", x, from.y + from.height, to.y - 4), style);
      Tip(x, to.y, "-4 -6h8l-4 6z", style);
      return;
    }
    const auto index = static_cast<std::size_t>(&edge - edges_.data());
    const int x = kLeft - (lanes_[index] + 1) * kLaneWidth;
    const int start = from.y + from.height - 8;
    const int end = to.y + 9;
    Path(fmt::format("M{} {}H{}V{}H{}", kLeft, start, x, end, kLeft - 5), style);
    Tip(kLeft, end, "-6 -4v8l6 -4z", style);
  }

  void Path(std::string_view shape, std::string_view style) {
    fmt::format_to(std::back_inserter(shapes_), "<path{} d=\"{}\"/>\n", Class(style), shape);
  }
  void Tip(int x, int y, std::string_view shape, std::string_view style) {
    fmt::format_to(std::back_inserter(shapes_), "<path class=\"tip {}\" d=\"M{} {}m{}\"/>\n", style,
                   x, y, shape);
  }
  static std::string Class(std::string_view style) {
    return style.empty() ? std::string() : fmt::format(" class=\"{}\"", style);
  }

  void DrawRow(const Row& row) {
    const std::string style =
        fmt::format("{}{}{}", row.style, row.style.empty() ? "" : " ", row.lit ? "lit" : "");
    fmt::format_to(std::back_inserter(shapes_),
                   "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\"/>\n",
                   style, kLeft, row.y, kWidth - kLeft - 2, row.height);
    int y = row.y + kPad + 9;
    for (const Text& text : row.texts) {
      fmt::format_to(std::back_inserter(shapes_), "<text{} x=\"{}\" y=\"{}\">{}</text>\n",
                     Class(text.style), kLeft + kPad, y, HtmlText(text.text));
      y += kLine;
    }
  }

  const bpf::Program& program_;
  const std::vector<std::string>& lines_;
  std::vector<Block> blocks_;
  std::vector<std::size_t> row_of_;  // a block
  std::vector<std::size_t> way_;     // blocks that the call passes, in order
  std::vector<Row> rows_;
  std::vector<Edge> edges_;
  std::vector<int> lanes_;  // an edge
  std::string shapes_;
};

}  // namespace

std::string DrawWay(const bpf::Program& program, std::span<const std::uint32_t> pcs,
                    const std::vector<std::string>& lines) {
  return WayDrawing(program, pcs, lines).Draw();
}

}  // namespace bailey::review
