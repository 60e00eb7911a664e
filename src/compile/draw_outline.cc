#include "compile/draw_outline.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

#include "abi/arguments.h"
#include "abi/constants.h"
#include "compile/graph.h"
#include "compile/resolve.h"

namespace bailey::compile {
namespace {

// Which constants an argument of this name has.
std::string_view PrefixFor(std::string_view argument) {
  constexpr std::pair<std::string_view, std::string_view> kPrefixes[] = {
      {"family", "AF_"},       {"cmd", "TIOC"},   {"clone_flags", "CLONE_"},
      {"personality", "PER_"}, {"option", "PR_"}, {"op", "SECCOMP_SET_MODE_"},
      {"mode", "S_I"},         {"prot", "PROT_"}, {"unshare_flags", "CLONE_"},
  };
  for (const auto& [name, prefix] : kPrefixes) {
    if (name == argument) return prefix;
  }
  return {};
}

class TestNames {
 public:
  TestNames(abi::Arch arch, std::string_view call) : arch_(arch), call_(call) {}

  // The argument whose bits the word holds; "arg3" where no signature says.
  std::string Argument(Word word) const {
    const unsigned index =
        static_cast<unsigned>(word) - static_cast<unsigned>(Word::kFirstArgument);
    const unsigned slot = index / 2;
    bool is_high = index % 2 == 1;
    bool is_half = is_high;
    std::string name = fmt::format("arg{}", slot);
    for (const abi::Argument& argument : abi::Arguments(arch_, call_)) {
      if (argument.low_slot != slot && argument.high_slot != slot) continue;
      name = argument.name;
      is_half = is_high || abi::Bits(argument.type, arch_) == 64;
      if (argument.low_slot != argument.high_slot) is_high = argument.high_slot == slot;
    }
    if (!is_half) return name;
    return fmt::format("{} half of {}", is_high ? "upper" : "lower", name);
  }

  std::string Value(const std::string& argument, std::uint32_t value) const {
    const std::string_view prefix = PrefixFor(argument);
    const std::string_view name = prefix.empty() ? prefix : abi::ConstantName(arch_, prefix, value);
    if (!name.empty()) return std::string(name);
    return value < 1000 ? fmt::format("{}", value) : fmt::format("{:#x}", value);
  }

  std::string Mask(const std::string& argument, std::uint32_t mask) const {
    const std::string_view prefix = PrefixFor(argument);
    const std::string_view whole = prefix.empty() ? prefix : abi::ConstantName(arch_, prefix, mask);
    if (!whole.empty()) return std::string(whole);
    std::string names;
    for (std::uint32_t left = mask; left != 0; left &= left - 1) {
      const std::string_view name =
          prefix.empty() ? prefix : abi::ConstantName(arch_, prefix, left & (~left + 1));
      if (name.empty()) return fmt::format("{:#x}", mask);
      names += fmt::format("{}{}", names.empty() ? "" : "|", name);
    }
    return names;
  }

 private:
  abi::Arch arch_;
  std::string_view call_;
};

class GroupBuilder {
 public:
  GroupBuilder(const Graph& graph, abi::Arch arch, std::string_view call)
      : graph_(graph), arch_(arch), names_(arch, call) {}

  // False when tests follow each other too deep to be drawn.
  bool Build(NodeId node, Group& group) {
    if (graph_.IsLeaf(node)) {
      group.answer = abi::ToString(abi::Decode(graph_.LeafValue(node)), arch_);
      return true;
    }
    Visit(node, 0);
    // Backwards, what is finished last comes first: each test before those that it leads to.
    for (auto index = finished_.rbegin(); index != finished_.rend(); ++index) {
      for (const Branch& branch : tests_[*index].branches) {
        if (!branch.target.test) continue;
        std::size_t& depth = tests_[*branch.target.test].depth;
        depth = std::max(depth, tests_[*index].depth + 1);
      }
    }
    group.tests = std::move(tests_);
    return !is_too_deep_;
  }

 private:
  static constexpr unsigned kMaxDepth = 1000;

  std::size_t Visit(NodeId node, unsigned level) {
    const auto [known, is_new] = index_of_.try_emplace(node, tests_.size());
    const std::size_t index = known->second;
    if (!is_new) return index;
    tests_.emplace_back();
    tests_[index].subject = Subject(node);
    if (level > kMaxDepth) {
      is_too_deep_ = true;
      return index;
    }
    std::vector<Branch> branches = Branches(node, level);
    tests_[index].branches = std::move(branches);
    finished_.push_back(index);
    return index;
  }

  std::string Subject(NodeId node) const {
    const std::string argument = names_.Argument(graph_.SwitchWord(node));
    const std::uint32_t mask = graph_.SwitchMask(node);
    if (mask == kAllBits) return argument;
    return fmt::format("{} & {}", argument, names_.Mask(argument, mask));
  }

  std::vector<Branch> Branches(NodeId node, unsigned level) {
    const auto pieces = graph_.Pieces(node);
    const std::string argument = names_.Argument(graph_.SwitchWord(node));
    const std::uint32_t mask = graph_.SwitchMask(node);
    // The target of most values is what is left over.
    std::map<NodeId, std::uint64_t> sizes;
    for (std::size_t i = 0; i < pieces.size(); ++i)
      sizes[pieces[i].next] += End(pieces, i, mask) - pieces[i].first;
    const NodeId rest =
        std::ranges::max_element(sizes, {}, [](const auto& each) { return each.second; })->first;
    std::vector<std::pair<NodeId, std::string>> listed;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (pieces[i].next == rest) continue;
      auto at = std::ranges::find(listed, pieces[i].next, &std::pair<NodeId, std::string>::first);
      if (at == listed.end()) at = listed.insert(listed.end(), {pieces[i].next, ""});
      const auto last = static_cast<std::uint32_t>(End(pieces, i, mask) - 1);
      at->second += (at->second.empty() ? "" : ", ") + Range(argument, mask, pieces[i].first, last);
    }
    std::vector<Branch> branches;
    for (auto& [next, values] : listed) branches.push_back({values, TargetOf(next, level)});
    branches.push_back({"otherwise", TargetOf(rest, level)});
    return branches;
  }

  // One past the last value of a piece.
  static std::uint64_t End(std::span<const Piece> pieces, std::size_t i, std::uint32_t mask) {
    return i + 1 < pieces.size() ? std::uint64_t{pieces[i + 1].first} : std::uint64_t{mask} + 1;
  }

  std::string Range(const std::string& argument, std::uint32_t mask, std::uint32_t first,
                    std::uint32_t last) const {
    // Under a mask few values lie between two pieces.
    const auto second = first == kAllBits ? std::nullopt : SmallestMatch(mask, 0, first + 1);
    if (!second || *second > last) return names_.Value(argument, first);
    if (last == mask) return names_.Value(argument, first) + " and above";
    const auto third = SmallestMatch(mask, 0, *second + 1);
    if (*second != kAllBits && (!third || *third > last)) {
      return fmt::format("{}, {}", names_.Value(argument, first), names_.Value(argument, *second));
    }
    return fmt::format("{}..{}", names_.Value(argument, first), names_.Value(argument, last));
  }

  Target TargetOf(NodeId node, unsigned level) {
    if (graph_.IsLeaf(node)) {
      return {abi::ToString(abi::Decode(graph_.LeafValue(node)), arch_), std::nullopt};
    }
    return {"", Visit(node, level + 1)};
  }

  const Graph& graph_;
  abi::Arch arch_;
  TestNames names_;
  std::map<NodeId, std::size_t> index_of_;
  std::vector<TestTable> tests_;
  std::vector<std::size_t> finished_;
  bool is_too_deep_ = false;
};

}  // namespace

base::Result<PolicyOutline> Outline(const policy::Syscalls& syscalls) {
  Graph graph;
  const auto resolved = Resolve(graph, syscalls, Leaves::kActions);
  if (!resolved) return resolved.error();
  PolicyOutline outline;
  const abi::Arch first =
      syscalls.architectures.empty() ? abi::NativeArch() : syscalls.architectures[0];
  outline.foreign = abi::ToString(policy::Resolve(syscalls.foreign, first), first);
  for (const abi::Arch arch : Ordered(syscalls.architectures)) {
    ArchOutline& column = outline.architectures.emplace_back();
    column.arch = arch;
    column.unknown = abi::ToString(policy::Resolve(syscalls.unknown, arch), arch);
    std::vector<std::pair<NodeId, Group>> groups;
    for (const Call& call : resolved->calls) {
      if (call.arch != arch) continue;
      // Calls that name their arguments alike share a table.
      Group group;
      if (!GroupBuilder(graph, arch, call.name).Build(call.decision, group)) {
        return base::Unsupported(
            fmt::format("draw policy: the tests for {} follow each other too deep",
                        call.name.empty() ? "a raw number" : call.name));
      }
      auto at = std::ranges::find_if(groups, [&](const auto& each) {
        return each.first == call.decision && each.second.tests == group.tests;
      });
      if (at == groups.end()) at = groups.insert(groups.end(), {call.decision, std::move(group)});
      at->second.calls.push_back(call.name.empty() ? fmt::format("number {}", call.number)
                                                   : std::string(call.name));
    }
    for (auto& [node, group] : groups) {
      std::ranges::sort(group.calls);
      const auto repeated = std::ranges::unique(group.calls);  // x32's two numbers
      group.calls.erase(repeated.begin(), repeated.end());
      column.groups.push_back(std::move(group));
    }
    std::ranges::stable_sort(column.groups, [](const Group& a, const Group& b) {
      return std::pair(a.answer.empty(),
                       a.answer.empty() ? 0 : -static_cast<long>(a.calls.size())) <
             std::pair(b.answer.empty(), b.answer.empty() ? 0 : -static_cast<long>(b.calls.size()));
    });
  }
  return outline;
}

}  // namespace bailey::compile
