#include "review/source_filter.h"

#include <algorithm>
#include <array>
#include <string>

#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr auto kStarts = std::to_array<std::string_view>(
    {"seccomp_init", "new_filter", "init_filter", "ScmpFilterContext"});
constexpr auto kAllows =
    std::to_array<std::string_view>({"SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "Allow", "Log"});
constexpr auto kRuns = std::to_array<std::string_view>(
    {"execv", "execve", "execvp", "execvpe", "execl", "execlp", "execle", "execveat", "fexecve",
     "posix_spawn", "posix_spawnp", "spawn", "exec", "status", "output"});

}  // namespace

FilterStart StartOf(const Code& code) {
  FilterStart start;
  for (const Call& call : code.calls()) {
    // seccompiler: SeccompFilter::new(rules, mismatch, match, arch)
    const bool seccompiler = call.name == "new" && code.Is(call.at - 2, "SeccompFilter");
    const bool known = IsAny(call.name, kStarts) ||
                       (call.name == "new" && code.Is(call.at - 2, "ScmpFilterContext"));
    if (!seccompiler && !known) continue;
    const std::size_t which = seccompiler ? 1 : 0;
    if (call.arguments.size() <= which) continue;
    const bool allows = std::ranges::any_of(kAllows, [&](std::string_view action) {
      return code.Mentions(call.arguments[which], action);
    });
    const auto kind = allows ? FilterStart::Default::kAllow : FilterStart::Default::kDeny;
    if (start.kind != FilterStart::Default::kNone && start.kind != kind) return {};
    if (start.kind == FilterStart::Default::kNone) start = {kind, call.at};
  }
  return start;
}

std::vector<Index> CallNamed(const Code& code, std::string_view name) {
  std::vector<Index> places;
  for (const Index at : code.Places(name)) {
    if (code.Is(at - 1, "(") && (code.Is(at - 2, "SCMP_SYS") || code.Is(at - 2, "SYS")))
      places.push_back(at);
    if (code.IsRust() && code.Is(at - 1, "::") && code.Is(at - 2, "Sysno")) places.push_back(at);
  }
  for (const std::string_view prefix : {"__NR_", "SYS_", "__SNR_", "__PNR_"}) {
    const auto named = code.Places(std::string(prefix) + std::string(name));
    places.insert(places.end(), named.begin(), named.end());
  }
  const std::string quoted = '"' + std::string(name) + '"';
  for (Index at = 0; at < code.tokens().size(); ++at) {
    if (code.IsKind(at, TokenKind::kString) && code.Is(at, quoted)) places.push_back(at);
  }
  std::ranges::sort(places);
  return places;
}

Index StartsProgram(const Code& code) {
  for (const Call& call : code.calls()) {
    if (!IsAny(call.name, kRuns)) continue;
    if (code.IsRust()) {
      // spawn, status and output are methods of Command; thread::spawn starts no program.
      const bool method = code.Is(call.at - 1, ".");
      if (method ? code.Mentions({code.functions()[call.function].body}, "Command")
                 : call.name.starts_with("exec") && !code.FunctionsNamed(call.name).size())
        return call.at;
    } else if (call.begin == call.at || code.Is(call.at - 1, "::")) {
      if (call.name.starts_with("exec") && call.name != "exec") return call.at;
      if (call.name.starts_with("posix_spawn")) return call.at;
    }
  }
  return kNowhere;
}

}  // namespace bailey::review
