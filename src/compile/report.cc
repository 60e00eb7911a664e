// Which rules decide is read off the same graph with rules in place of actions: what is not a leaf
// of it decides nothing.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "abi/action.h"
#include "abi/syscalls.h"
#include "bpf/constant.h"
#include "compile/compile.h"
#include "compile/cost.h"
#include "compile/resolve.h"

namespace bailey::compile {
namespace {

using policy::Rule;

bool KeepsBitmap(abi::Arch arch) {
  return arch != abi::Arch::kX32 && !abi::Info(arch).name.starts_with("mips");
}

std::vector<ArchReport> CountConstant(const policy::Syscalls& syscalls, const Graph& graph,
                                      const Resolved& resolved, const bpf::Program& program) {
  std::vector<ArchReport> reports;
  // Allowed for some arguments: an allow leaf is in or below the decision.
  const std::uint32_t allow = abi::Encode(abi::Action::Allow());
  const auto can_allow = [&](NodeId root) {
    std::set<NodeId> seen;
    std::vector<NodeId> open = {root};
    while (!open.empty()) {
      const NodeId node = open.back();
      open.pop_back();
      if (!seen.insert(node).second) continue;
      if (graph.IsLeaf(node)) {
        if (graph.LeafValue(node) == allow) return true;
        continue;
      }
      for (const Piece& piece : graph.Pieces(node)) open.push_back(piece.next);
    }
    return false;
  };
  for (const abi::Arch arch : Ordered(syscalls.architectures)) {
    ArchReport report = {.arch = arch, .has_bitmap = KeepsBitmap(arch)};
    for (const Call& call : resolved.calls) {
      if (call.arch != arch) continue;
      ++report.calls;
      if (!can_allow(call.decision)) continue;
      ++report.allowed;
      const std::uint32_t token = abi::Info(arch).token;
      if (report.has_bitmap && bpf::IsConstantAllow(program, token, call.number)) {
        ++report.constant;
      }
    }
    reports.push_back(report);
  }
  return reports;
}

std::vector<CostReport> Costliest(const policy::Syscalls& syscalls, const Graph& graph,
                                  const Resolved& resolved) {
  constexpr std::size_t kNamed = 3;
  std::vector<CostReport> reports;
  for (const CallCost& cost : CostliestCalls(graph, resolved)) {
    const Call& call = *cost.call;
    // What costs without a rule of its own is a multiplexer.
    const auto rule = std::ranges::find_if(syscalls.rules, [&](const Rule& r) {
      const bool names = r.number ? r.number == call.number : r.syscall == call.name;
      return names && r.condition && (!r.arch || r.arch == call.arch);
    });
    CostReport report = {
        .call = call.name.empty() ? fmt::format("number {}", call.number) : std::string(call.name),
        .arch = call.arch,
        .tests = cost.tests};
    if (rule != syscalls.rules.end()) report.location = rule->location;
    if (std::ranges::find(reports, report.call, &CostReport::call) != reports.end()) continue;
    reports.push_back(std::move(report));
    if (reports.size() == kNamed) break;
  }
  return reports;
}

std::string NameOf(const Rule& rule) {
  if (!rule.number) return rule.syscall;
  return fmt::format("number {} of {}", *rule.number, abi::Info(*rule.arch).name);
}

bool NameSameCall(const Rule& a, const Rule& b) {
  return a.syscall == b.syscall && a.number == b.number && (!a.arch || a.arch == b.arch);
}

// A rule of the same file that comes first, holds always and answers otherwise, or null. Presets
// are there to be overridden, and groups overlap: neither is worth a warning.
const Rule* ShadowedBy(const policy::Syscalls& syscalls, const Rule& rule) {
  for (const Rule& earlier : syscalls.rules) {
    if (&earlier == &rule) return nullptr;
    if (!earlier.condition && NameSameCall(earlier, rule)) {
      const bool is_slip =
          earlier.location.file == rule.location.file && earlier.answer != rule.answer;
      return is_slip ? &earlier : nullptr;
    }
  }
  return nullptr;
}

void WarnOfDeadRules(const policy::Syscalls& syscalls, const Graph& graph, const Resolved& resolved,
                     std::vector<Warning>& warnings) {
  std::vector<bool> decides = resolved.closes_subcalls;
  std::set<NodeId> seen;
  std::vector<NodeId> open;
  for (const Call& call : resolved.calls) open.push_back(call.decision);
  while (!open.empty()) {
    const NodeId node = open.back();
    open.pop_back();
    if (!seen.insert(node).second) continue;
    if (graph.IsLeaf(node)) {
      if (graph.LeafValue(node) != kNoRule) decides[graph.LeafValue(node)] = true;
      continue;
    }
    for (const Piece& piece : graph.Pieces(node)) open.push_back(piece.next);
  }
  for (std::size_t i = 0; i < syscalls.rules.size(); ++i) {
    const Rule& rule = syscalls.rules[i];
    if (decides[i]) continue;
    if (const Rule* earlier = ShadowedBy(syscalls, rule)) {
      warnings.push_back({fmt::format("the rule for {} never decides: {} comes first", NameOf(rule),
                                      base::ToString(earlier->location)),
                          rule.location});
    } else if (rule.condition && resolved.names_call[i]) {
      warnings.push_back(
          {fmt::format("the rule for {} when {} never decides: no arguments are left for it",
                       NameOf(rule), policy::ToString(*rule.condition)),
           rule.location});
    }
  }
}

void WarnOfOpenMultiplexers(const policy::Syscalls& syscalls, std::vector<Warning>& warnings) {
  if (syscalls.multiplexers != policy::Multiplexers::kOpen) return;
  const auto warn = [&](std::string_view multiplexer, bool abi::ArchInfo::* has,
                        std::span<const abi::Multiplexed> table) {
    std::string archs;
    for (const abi::Arch arch : Ordered(syscalls.architectures)) {
      if (!(abi::Info(arch).*has)) continue;
      archs += fmt::format("{}{}", archs.empty() ? "" : ", ", abi::Info(arch).name);
    }
    if (archs.empty()) return;
    std::set<std::string_view> warned;
    for (const Rule& rule : syscalls.rules) {
      if (!rule.condition ||
          std::ranges::find(table, rule.syscall, &abi::Multiplexed::name) == table.end()) {
        continue;
      }
      if (!warned.insert(rule.syscall).second) continue;
      warnings.push_back(
          {fmt::format("the conditions on {} are void on {}: {} reaches it, and is not closed",
                       rule.syscall, archs, multiplexer),
           rule.location});
    }
  };
  warn("socketcall", &abi::ArchInfo::has_socketcall, abi::SocketcallTable());
  warn("ipc", &abi::ArchInfo::has_ipc, abi::IpcTable());
}

}  // namespace

std::size_t LongestPath(const bpf::Program& filter) {
  const std::span<const bpf::Instruction> program = filter.Instructions();
  std::vector<std::size_t> longest(program.size(), 1);
  for (std::size_t pc = program.size(); pc-- > 0;) {
    const bpf::Instruction& instruction = program[pc];
    switch (instruction.code) {
      case bpf::kReturn:
      case bpf::kReturnA:
        break;
      case bpf::kJump:
        longest[pc] += longest[pc + 1 + instruction.k];
        break;
      case bpf::kJeq:
      case bpf::kJge:
      case bpf::kJgt:
      case bpf::kJset:
      case bpf::kJeq | bpf::kX:
      case bpf::kJge | bpf::kX:
      case bpf::kJgt | bpf::kX:
      case bpf::kJset | bpf::kX:
        longest[pc] += std::max(longest[pc + 1 + instruction.jt], longest[pc + 1 + instruction.jf]);
        break;
      default:
        longest[pc] += longest[pc + 1];
    }
  }
  return longest[0];
}

base::Result<Report> Describe(const policy::Syscalls& syscalls, const bpf::Program& program) {
  Graph actions;
  const auto decided = Resolve(actions, syscalls, Leaves::kActions);
  if (!decided) return decided.error();
  Graph graph;
  const auto resolved = Resolve(graph, syscalls, Leaves::kRules);
  if (!resolved) return resolved.error();
  Report report;
  report.instructions = program.Size();
  report.longest_path = LongestPath(program);
  report.translated = TranslatedLength(program);
  report.stackable = StackableFilters(report.translated);
  report.architectures = CountConstant(syscalls, actions, *decided, program);
  report.costliest = Costliest(syscalls, actions, *decided);
  WarnOfDeadRules(syscalls, graph, *resolved, report.warnings);
  WarnOfOpenMultiplexers(syscalls, report.warnings);
  return report;
}

}  // namespace bailey::compile
