// Every way through a call's part of the graph is one conjunction of intervals, and every interval
// under a mask a few aligned blocks: (word & mask) == value.
#include "compile/export_entries.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <set>

#include "abi/action.h"
#include "abi/syscalls.h"
#include "policy/load.h"

namespace bailey::compile {
namespace {

constexpr std::size_t kMaxEntries = 512;
constexpr unsigned kMaxDepth = 1000;

// The bits of `value` that `mask` has, moved together at the low end, and back.
std::uint32_t Gather(std::uint32_t value, std::uint32_t mask) {
  std::uint32_t gathered = 0;
  unsigned place = 0;
  for (; mask != 0; mask &= mask - 1) {
    if ((value & mask & (~mask + 1)) != 0) gathered |= 1u << place;
    ++place;
  }
  return gathered;
}

std::uint32_t Scatter(std::uint32_t gathered, std::uint32_t mask) {
  std::uint32_t value = 0;
  for (unsigned place = 0; mask != 0; mask &= mask - 1, ++place) {
    if ((gathered >> place & 1) != 0) value |= mask & (~mask + 1);
  }
  return value;
}

struct Block {
  std::uint32_t mask, value;
};

// The words whose (word & mask) lies in [first, last].
std::vector<Block> BlocksOf(std::uint32_t mask, std::uint32_t first, std::uint32_t last) {
  const unsigned bits = static_cast<unsigned>(std::popcount(mask));
  const auto low = SmallestMatch(mask, 0, first);
  const std::uint32_t high = mask & ~SmallestMatch(mask, ~mask, ~last).value_or(0);
  if (!low || *low > last) return {};
  std::uint64_t next = Gather(*low, mask);
  const std::uint64_t end = std::uint64_t{Gather(high, mask)} + 1;
  std::vector<Block> blocks;
  while (next < end) {
    unsigned size = next == 0 ? bits : static_cast<unsigned>(std::countr_zero(next));
    while (next + (std::uint64_t{1} << size) > end) --size;
    const std::uint32_t free = static_cast<std::uint32_t>((std::uint64_t{1} << size) - 1);
    blocks.push_back(
        {mask & ~Scatter(free, mask), Scatter(static_cast<std::uint32_t>(next), mask)});
    next += std::uint64_t{1} << size;
  }
  return blocks;
}

// What the way so far asks of each half of each register.
struct Way {
  Block words[kWordCount] = {};
};

class Walker {
 public:
  Walker(const Graph& graph, std::uint32_t otherwise) : graph_(graph), otherwise_(otherwise) {}

  // Nothing when there are too many.
  std::optional<std::vector<Entry>> Walk(NodeId node) {
    Visit(node, {}, 0);
    if (entries_.size() > kMaxEntries) return std::nullopt;
    return std::move(entries_);
  }

 private:
  void Visit(NodeId node, const Way& way, unsigned depth) {
    if (++steps_ > 128 * kMaxEntries || depth > kMaxDepth) entries_.resize(kMaxEntries + 1);
    if (entries_.size() > kMaxEntries) return;
    if (graph_.IsLeaf(node)) {
      if (graph_.LeafValue(node) != otherwise_) entries_.push_back(ToEntry(way, node));
      return;
    }
    const Word word = graph_.SwitchWord(node);
    const auto pieces = graph_.Pieces(node);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const std::uint32_t last = i + 1 < pieces.size() ? pieces[i + 1].first - 1 : kAllBits;
      for (const Block& block : BlocksOf(graph_.SwitchMask(node), pieces[i].first, last)) {
        Way next = way;
        Block& known = next.words[static_cast<unsigned>(word)];
        if (((known.value ^ block.value) & known.mask & block.mask) != 0) continue;
        known = {known.mask | block.mask, known.value | block.value};
        Visit(pieces[i].next, next, depth + 1);
      }
    }
  }

  Entry ToEntry(const Way& way, NodeId leaf) const {
    Entry entry = {{}, graph_.LeafValue(leaf)};
    for (unsigned slot = 0; slot < 6; ++slot) {
      const Block& low = way.words[static_cast<unsigned>(LowWord(slot))];
      const Block& high = way.words[static_cast<unsigned>(HighWord(slot))];
      const std::uint64_t mask = std::uint64_t{high.mask} << 32 | low.mask;
      if (mask == 0) continue;
      entry.matches.push_back({slot, mask, std::uint64_t{high.value} << 32 | low.value});
    }
    return entry;
  }

  const Graph& graph_;
  std::uint32_t otherwise_;
  std::vector<Entry> entries_;
  std::size_t steps_ = 0;
};

}  // namespace

base::Status CheckSize(const policy::Syscalls& syscalls,
                       const std::map<std::string, CallEntries>& calls, std::string_view format,
                       std::string_view text) {
  if (text.size() <= policy::kMaxPolicyBytes || calls.empty()) return {};
  const auto& [name, entries] = *std::ranges::max_element(
      calls, {}, [](const auto& call) { return call.second.entries.size(); });
  return CannotSay(syscalls, format, name,
                   fmt::format("with its {} entries it would be larger than {} bytes",
                               entries.entries.size(), policy::kMaxPolicyBytes));
}

base::Error CannotSay(const policy::Syscalls& syscalls, std::string_view format,
                      std::string_view call, std::string_view cause) {
  const auto rule = std::ranges::find_if(syscalls.rules, [&](const policy::Rule& each) {
    return each.number ? call == fmt::format("number {}", *each.number) : each.syscall == call;
  });
  if (rule == syscalls.rules.end()) {
    return base::Unsupported(fmt::format("write {}: the default for {}: {}", format, call, cause));
  }
  base::Error error = base::Unsupported(
      fmt::format("write {}: the rule for {} ({}): {}", format, call, rule->origin.View(), cause));
  error.location = rule->location;
  return error;
}

base::Result<std::map<std::string, CallEntries>> EntriesOf(const Graph& graph,
                                                           const Resolved& resolved,
                                                           const policy::Syscalls& syscalls,
                                                           std::string_view format) {
  std::map<std::string, CallEntries> by_name;
  std::map<std::string, abi::Arch> first_arch;
  for (const Call& call : resolved.calls) {
    const std::uint32_t otherwise =
        abi::Encode(policy::Resolve(syscalls.default_action, call.arch));
    auto entries = Walker(graph, otherwise).Walk(call.decision);
    const std::string name =
        call.name.empty() ? fmt::format("number {}", call.number) : std::string(call.name);
    if (!entries) {
      return CannotSay(syscalls, format, name,
                       fmt::format("it would take more than {} entries", kMaxEntries));
    }
    if (call.name.empty()) {
      return CannotSay(
          syscalls, format, name,
          fmt::format("calls are named there, and {} has none of it", abi::Info(call.arch).name));
    }
    const auto known = by_name.find(name);
    if (known == by_name.end()) {
      by_name.emplace(name, CallEntries{*std::move(entries)});
      first_arch.emplace(name, call.arch);
    } else if (known->second.entries != *entries) {
      return CannotSay(syscalls, format, name,
                       fmt::format("it differs between {} and {}; write one for each architecture",
                                   abi::Info(first_arch.at(name)).name, abi::Info(call.arch).name));
    }
  }
  return by_name;
}

}  // namespace bailey::compile
