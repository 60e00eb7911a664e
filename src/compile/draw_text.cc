#include "compile/draw_text.h"

#include <fmt/format.h>

#include <iterator>

namespace bailey::compile {
namespace {

constexpr std::size_t kWidth = 96;

void PutTest(const Group& group, std::size_t index, std::size_t indent, std::string& out);

void PutBranches(const Group& group, const TestTable& test, std::size_t indent, std::string& out) {
  for (const Branch& branch : test.branches) {
    const bool is_rest = &branch == &test.branches.back();
    out.append(indent, ' ');
    out += is_rest ? std::string("otherwise") : fmt::format("{}", branch.values);
    if (!branch.target.test) {
      out += fmt::format(": {}\n", branch.target.answer);
    } else {
      out += ": ";
      PutTest(group, *branch.target.test, indent, out);
    }
  }
}

void PutTest(const Group& group, std::size_t index, std::size_t indent, std::string& out) {
  const TestTable& test = group.tests[index];
  out += fmt::format("by {}\n", test.subject);
  PutBranches(group, test, indent + 2, out);
}

// A test that several branches lead to is written once, with a label; small groups have none.
bool HasSharedTests(const Group& group) {
  std::vector<int> uses(group.tests.size());
  for (const TestTable& test : group.tests) {
    for (const Branch& branch : test.branches) {
      if (branch.target.test && ++uses[*branch.target.test] > 1) return true;
    }
  }
  return false;
}

void PutLabelled(const Group& group, std::string& out) {
  for (std::size_t i = 0; i < group.tests.size(); ++i) {
    out += fmt::format("    [{}] by {}\n", i + 1, group.tests[i].subject);
    for (const Branch& branch : group.tests[i].branches) {
      out += fmt::format("      {}: {}\n", branch.values,
                         branch.target.test ? fmt::format("go to [{}]", *branch.target.test + 1)
                                            : branch.target.answer);
    }
  }
}

// For labels in Graphviz's HTML.
std::string Html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '"') {
      out += "&quot;";
    } else {
      out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    }
  }
  return out;
}

std::string_view ColourOf(std::string_view answer) {
  if (answer == "allow") return "#d8f0dc";
  return answer.starts_with("kill") ? "#f6cfcb" : "#fbe7c6";
}

class DotWriter {
 public:
  std::string Write(const PolicyOutline& outline, std::string_view title) {
    fmt::format_to(
        std::back_inserter(out_),
        "digraph policy {{\n  label=<{}>; labelloc=t; rankdir=LR; fontname=\"sans-serif\";\n"
        "  node [shape=plain, fontname=\"sans-serif\", fontsize=10];\n"
        "  call [shape=oval, label=\"a system call\"];\n"
        "  foreign [label=<{}>];\n"
        "  call -> foreign [label=\"other architectures\"];\n",
        Html(title), Box({"every other architecture"}, outline.foreign));
    for (std::size_t a = 0; a < outline.architectures.size(); ++a) {
      WriteArch(outline.architectures[a], a);
    }
    return out_ + "}\n";
  }

 private:
  static std::string Box(const std::vector<std::string>& lines, std::string_view answer) {
    std::string text;
    for (const std::string& line : lines) text += Html(line) + "<br align=\"left\"/>";
    return fmt::format(
        "<table border=\"0\" cellborder=\"1\" cellspacing=\"0\"><tr><td bgcolor=\"{}\">{}</td></tr>"
        "<tr><td align=\"left\" balign=\"left\">{}</td></tr></table>",
        ColourOf(answer), Html(answer), text);
  }

  void WriteArch(const ArchOutline& arch, std::size_t a) {
    const abi::ArchInfo& info = abi::Info(arch.arch);
    fmt::format_to(std::back_inserter(out_),
                   "  subgraph cluster_{0} {{\n    label=\"{1}\";\n"
                   "    a{0} [shape=box, label=\"{1}: number\"];\n"
                   "    a{0}u [label=<{2}>];\n    a{0} -> a{0}u;\n",
                   a, info.name, Box({"every other number"}, arch.unknown));
    for (std::size_t g = 0; g < arch.groups.size(); ++g) {
      const Group& group = arch.groups[g];
      const std::string id = fmt::format("a{}g{}", a, g);
      const auto lines = Wrap(group.calls, 80);
      if (group.tests.empty()) {
        fmt::format_to(std::back_inserter(out_), "    {} [label=<{}>];\n    a{} -> {};\n", id,
                       Box(lines, group.answer), a, id);
        continue;
      }
      for (std::size_t t = 0; t < group.tests.size(); ++t) WriteTest(group, id, t);
      fmt::format_to(std::back_inserter(out_), "    a{} -> {}t0 [label=\"{}\"];\n", a, id,
                     fmt::join(lines, "\\n"));
    }
    fmt::format_to(std::back_inserter(out_), "  }}\n  call -> a{};\n", a);
  }

  void WriteTest(const Group& group, const std::string& id, std::size_t t) {
    const TestTable& test = group.tests[t];
    std::string rows =
        fmt::format("<tr><td colspan=\"2\" bgcolor=\"#dde6f3\">{}</td></tr>", Html(test.subject));
    std::string edges;
    for (std::size_t b = 0; b < test.branches.size(); ++b) {
      const Branch& branch = test.branches[b];
      const std::string answer = branch.target.test ? "…" : branch.target.answer;
      rows += fmt::format(
          "<tr><td align=\"left\">{}</td><td port=\"b{}\" bgcolor=\"{}\">{}</td></tr>",
          Html(branch.values), b, branch.target.test ? "#ffffff" : ColourOf(answer), Html(answer));
      if (branch.target.test) {
        edges += fmt::format("    {0}t{1}:b{2} -> {0}t{3};\n", id, t, b, *branch.target.test);
      }
    }
    fmt::format_to(std::back_inserter(out_),
                   "    {}t{} [label=<<table border=\"0\" cellborder=\"1\" "
                   "cellspacing=\"0\">{}</table>>];\n{}",
                   id, t, rows, edges);
  }

  std::string out_;
};

}  // namespace

std::vector<std::string> Wrap(const std::vector<std::string>& names, std::size_t width) {
  std::vector<std::string> lines;
  for (const std::string& name : names) {
    if (lines.empty() || lines.back().size() + 1 + name.size() > width) {
      lines.push_back(name);
    } else {
      lines.back() += " " + name;
    }
  }
  return lines;
}

std::string CHeader(const bpf::Program& program, std::string_view about) {
  // Only plain letters: the comment must not end early, nor a backslash join its lines.
  std::string comment;
  for (const char c : about) {
    const bool is_plain = c >= ' ' && c <= '~' && c != '*' && c != '\\' && c != '?';
    comment += is_plain ? c : '.';
  }
  std::string out = fmt::format(
      "/* {}: made by bailey; {} instructions.\n"
      "   For struct sock_fprog: {{ sizeof bailey_filter / sizeof bailey_filter[0], (struct "
      "sock_filter*)bailey_filter }} */\n"
      "#pragma once\n\n#include <linux/filter.h>\n\n"
      "static const struct sock_filter bailey_filter[] = {{\n",
      comment, program.Size());
  for (const bpf::Instruction& instruction : program.Instructions()) {
    fmt::format_to(std::back_inserter(out), "  {{ 0x{:02x}, {}, {}, 0x{:08x} }},\n",
                   instruction.code, instruction.jt, instruction.jf, instruction.k);
  }
  return out + "};\n";
}

std::string PseudoCode(const PolicyOutline& outline) {
  std::string out;
  for (const ArchOutline& arch : outline.architectures) {
    const abi::ArchInfo& info = abi::Info(arch.arch);
    out += fmt::format("architecture {} ({:#x}):\n", info.name, info.token);
    for (const Group& group : arch.groups) {
      const auto lines = Wrap(group.calls, kWidth);
      if (group.tests.empty()) out += fmt::format("  {}:\n", group.answer);
      for (const std::string& line : lines) {
        out += fmt::format("{}{}{}", group.tests.empty() ? "    " : "  ", line,
                           &line != &lines.back() ? "\n"
                           : group.tests.empty()  ? "\n"
                                                  : ": ");
      }
      if (group.tests.empty()) continue;
      if (HasSharedTests(group)) {
        out += "\n";
        PutLabelled(group, out);
      } else {
        PutTest(group, 0, 2, out);
      }
    }
    out += fmt::format("  every other number: {}\n\n", arch.unknown);
  }
  return out + fmt::format("every other architecture: {}\n", outline.foreign);
}

std::string Dot(const PolicyOutline& outline, std::string_view title) {
  return DotWriter().Write(outline, title);
}

}  // namespace bailey::compile
