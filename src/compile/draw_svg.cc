// Everything is placed on a grid of text lines, top to bottom, so nothing can overlap: the only
// lines drawn freely are those from a row of a test to the test that it leads to, which stands in a
// column further right.
#include "compile/draw_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "base/markup.h"
#include "compile/draw_text.h"

namespace bailey::compile {
namespace {

constexpr int kMargin = 16;
constexpr int kLine = 15;   // height of a line of text
constexpr int kLetter = 7;  // width of a letter, at most
constexpr int kPad = 8;
constexpr std::size_t kLetters = 76;  // of the names in a box
constexpr int kGap = 36;              // between tests that follow each other
constexpr int kTitle = 40;

// Titles come from files: XML takes neither control characters nor broken UTF-8.
std::string Escaped(std::string_view text) {
  std::string plain(text);
  for (char& c : plain) c = c >= ' ' && c <= '~' ? c : '?';
  return base::EscapeMarkup(plain);
}

std::string_view ClassOf(std::string_view answer) {
  if (answer == "allow") return "allow";
  return answer.starts_with("kill") ? "kill" : "deny";
}

// Never less than it will be, in the fonts that are likely.
int WidthOf(std::string_view text) {
  int width = 0;
  for (const char c : text) width += c >= 'A' && c <= 'Z' ? kLetter + 2 : kLetter;
  return width;
}

// Long lists are broken behind their separators: values at commas, masks at bars.
std::vector<std::string> Rows(const std::string& values, std::string_view separator = ", ") {
  constexpr std::size_t kLongest = 34;
  std::vector<std::string> rows = {""};
  std::size_t begin = 0;
  while (begin < values.size()) {
    std::size_t end = values.find(separator, begin);
    end = end == std::string::npos ? values.size() : end + separator.size();
    if (!rows.back().empty() && rows.back().size() + (end - begin) > kLongest) rows.emplace_back();
    rows.back() += values.substr(begin, end - begin);
    begin = end;
  }
  return rows;
}

struct Box {
  int x = 0, y = 0, width = 0, height = 0;
};

class Canvas {
 public:
  void Rectangle(const Box& box, std::string_view style) {
    fmt::format_to(std::back_inserter(shapes_),
                   "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\"/>\n",
                   style, box.x, box.y, box.width, box.height);
    Cover(box.x + box.width, box.y + box.height);
  }
  void Text(int x, int y, std::string_view text, std::string_view style = "") {
    fmt::format_to(std::back_inserter(shapes_), "<text{}{}{} x=\"{}\" y=\"{}\">{}</text>\n",
                   style.empty() ? "" : " class=\"", style, style.empty() ? "" : "\"", x, y + 11,
                   Escaped(text));
    Cover(x, y + kLine);
  }
  // From the right side of a row to the left side of a box.
  void Arrow(int x, int y, const Box& to) {
    const int end_y = to.y + kLine;
    const int middle = (x + to.x) / 2;
    fmt::format_to(std::back_inserter(shapes_),
                   "<path class=\"way\" d=\"M{} {} C{} {} {} {} {} {}\" "
                   "marker-end=\"url(#tip)\"/>\n",
                   x, y, middle, y, middle, end_y, to.x - 3, end_y);
  }
  void Line(int x1, int y1, int x2, int y2) {
    fmt::format_to(std::back_inserter(shapes_), "<path class=\"rule\" d=\"M{} {}H{}V{}\"/>\n", x1,
                   y1, x2, y2);
  }

  std::string Finish(std::string_view title) const {
    constexpr std::string_view kFrame =
        R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="img" aria-label="{2}">
<style>
text {{ font: 12px "DejaVu Sans", "Liberation Sans", sans-serif; fill: #1b1f24; }}
.title {{ font-size: 18px; font-weight: bold; }}
.head {{ font-weight: bold; }}
.names {{ font: 11px "DejaVu Sans Mono", monospace; }}
.quiet {{ fill: #57606a; }}
rect {{ stroke: #8c959f; }}
.page {{ fill: #ffffff; stroke: none; }}
.arch {{ fill: #1f3a5f; stroke: none; }}
.light {{ fill: #ffffff; font-weight: bold; }}
.plain {{ fill: #ffffff; }}
.test {{ fill: #e7eef8; }}
.allow {{ fill: #d8f0dc; }}
.deny {{ fill: #fbe7c6; }}
.kill {{ fill: #f6cfcb; }}
.way {{ fill: none; stroke: #1f3a5f; stroke-width: 1.4; }}
.rule {{ fill: none; stroke: #d0d7de; }}
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#1f3a5f"/></marker></defs>
<rect class="page" x="0" y="0" width="{0}" height="{1}"/>
{3}</svg>
)";
    return fmt::format(kFrame, width_ + kMargin, height_ + kMargin, Escaped(title), shapes_);
  }

 private:
  void Cover(int x, int y) {
    width_ = std::max(width_, x);
    height_ = std::max(height_, y);
  }

  std::string shapes_;
  int width_ = 0;
  int height_ = 0;
};

// A test's box: its subject, then a row a branch with the answer at its right end.
class TestBox {
 public:
  explicit TestBox(const TestTable& test) : test_(test), subject_(Rows(test.subject, "|")) {
    int values = 0;
    int answers = 0;
    int subject = 0;
    int lines = static_cast<int>(subject_.size());
    for (const std::string& row : subject_) subject = std::max(subject, WidthOf(row) + kPad);
    for (const Branch& branch : test.branches) {
      for (const std::string& row : Rows(branch.values)) {
        values = std::max(values, WidthOf(row));
        ++lines;
      }
      answers = std::max(answers, branch.target.test ? 0 : WidthOf(branch.target.answer));
    }
    answers_ = answers == 0 ? 0 : answers + 2 * kPad;
    box_.width = std::max(subject, values + answers_ + kPad) + 2 * kPad;
    box_.height = lines * (kLine + 4) + 4;
  }

  void MoveTo(int x, int y) {
    box_.x = x;
    box_.y = y;
  }
  const Box& box() const { return box_; }

  void Draw(Canvas& canvas, const std::vector<TestBox>& others) const {
    canvas.Rectangle(box_, "plain");
    int y = box_.y + 3;
    canvas.Rectangle(
        {box_.x, box_.y, box_.width, static_cast<int>(subject_.size()) * (kLine + 4) + 2}, "test");
    for (const std::string& row : subject_) {
      canvas.Text(box_.x + kPad, y, row, "head");
      y += kLine + 4;
    }
    y += 1;
    for (const Branch& branch : test_.branches) {
      const int top = y;
      for (const std::string& row : Rows(branch.values)) {
        canvas.Text(box_.x + kPad, y, row, &branch == &test_.branches.back() ? "quiet" : "");
        y += kLine + 4;
      }
      if (branch.target.test) {
        canvas.Arrow(box_.x + box_.width, top + 8, others[*branch.target.test].box());
        continue;
      }
      const Box pill = {box_.x + box_.width - answers_ - 4, top - 1, answers_, kLine + 2};
      canvas.Rectangle(pill, ClassOf(branch.target.answer));
      canvas.Text(pill.x + kPad, top, branch.target.answer);
    }
  }

 private:
  const TestTable& test_;
  std::vector<std::string> subject_;
  int answers_ = 0;
  Box box_;
};

class Column {
 public:
  Column(Canvas& canvas, int x) : canvas_(canvas), x_(x) {}

  // The right edge.
  int Draw(const ArchOutline& arch) {
    const abi::ArchInfo& info = abi::Info(arch.arch);
    canvas_.Rectangle({x_, y_, Width(), kLine + 12}, "arch");
    canvas_.Text(x_ + kPad, y_ + 6, fmt::format("{}  ({:#010x})", info.name, info.token), "light");
    y_ += kLine + 24;
    bool has_tests = false;
    for (const Group& group : arch.groups) {
      if (!group.tests.empty() && !has_tests) {
        canvas_.Text(x_, y_, "The answer depends on arguments:", "head");
        y_ += kLine + 8;
        has_tests = true;
      }
      if (group.tests.empty()) {
        DrawAnswer(group);
      } else {
        DrawTests(group);
      }
    }
    DrawRow("every other number", arch.unknown);
    return right_;
  }

 private:
  static int Width() { return static_cast<int>(kLetters) * kLetter + 2 * kPad; }

  void DrawAnswer(const Group& group) {
    const auto lines = Wrap(group.calls, kLetters);
    const Box box = {x_, y_, Width(),
                     static_cast<int>(lines.size()) * kLine + 2 * kPad + kLine + 6};
    canvas_.Rectangle(box, "plain");
    canvas_.Rectangle({x_, y_, Width(), kLine + 8}, ClassOf(group.answer));
    canvas_.Text(x_ + kPad, y_ + 4,
                 fmt::format("{}: {} call{}", group.answer, group.calls.size(),
                             group.calls.size() == 1 ? "" : "s"),
                 "head");
    int y = y_ + kLine + 8 + kPad - 2;
    for (const std::string& line : lines) {
      canvas_.Text(x_ + kPad, y, line, "names");
      y += kLine;
    }
    y_ = box.y + box.height + 12;
    right_ = std::max(right_, x_ + Width());
  }

  void DrawTests(const Group& group) {
    constexpr std::size_t kNameLetters = 22;
    const auto names = Wrap(group.calls, kNameLetters);
    int name_width = 0;
    for (const std::string& name : names) name_width = std::max(name_width, WidthOf(name));
    const Box name = {x_, y_, name_width + 2 * kPad + 8,
                      static_cast<int>(names.size()) * kLine + 8};
    canvas_.Rectangle(name, "test");
    for (std::size_t i = 0; i < names.size(); ++i) {
      canvas_.Text(x_ + kPad, y_ + 3 + static_cast<int>(i) * kLine, names[i], "head");
    }

    std::vector<TestBox> boxes(group.tests.begin(), group.tests.end());
    std::map<std::size_t, std::vector<std::size_t>> levels;
    for (std::size_t i = 0; i < group.tests.size(); ++i) levels[group.tests[i].depth].push_back(i);
    int x = name.x + name.width + kGap;
    int bottom = name.y + name.height;
    for (const auto& [depth, members] : levels) {
      int y = y_;
      int width = 0;
      for (const std::size_t member : members) {
        boxes[member].MoveTo(x, y);
        width = std::max(width, boxes[member].box().width);
        y += boxes[member].box().height + 10;
      }
      bottom = std::max(bottom, y - 10);
      right_ = std::max(right_, x + width);
      x += width + kGap;
    }
    canvas_.Arrow(name.x + name.width, name.y + 10, boxes[0].box());
    for (const TestBox& box : boxes) box.Draw(canvas_, boxes);
    y_ = bottom + 14;
  }

  void DrawRow(std::string_view what, std::string_view answer) {
    canvas_.Rectangle({x_, y_, Width(), kLine + 8}, ClassOf(answer));
    canvas_.Text(x_ + kPad, y_ + 4, fmt::format("{}: {}", what, answer), "head");
    right_ = std::max(right_, x_ + Width());
  }

  Canvas& canvas_;
  int x_;
  int y_ = kMargin + kTitle + kLine + 8;
  int right_ = 0;
};

}  // namespace

std::string Svg(const PolicyOutline& outline, std::string_view title) {
  Canvas canvas;
  canvas.Text(kMargin, kMargin + 4, title, "title");
  canvas.Text(
      kMargin, kMargin + kTitle - 8,
      fmt::format("Find the call's architecture, then its name. Every other architecture: {}.",
                  outline.foreign),
      "quiet");
  int x = kMargin;
  for (const ArchOutline& arch : outline.architectures) {
    x = Column(canvas, x).Draw(arch) + 2 * kMargin;
  }
  return canvas.Finish(title);
}

}  // namespace bailey::compile
