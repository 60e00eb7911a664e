#include "review/source_fate.h"

#include <algorithm>
#include <array>

#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr std::string_view kNoRule = "the rule is not in the filter";
constexpr std::string_view kNoFilter = "no filter is in force";
constexpr std::string_view kKeptIds = "the process keeps the ids that it had";
constexpr std::string_view kKeptGroups = "the process keeps the caller's groups";
constexpr std::string_view kNoNamespace = "the process stays in the namespace that it was in";
constexpr std::string_view kNoMount = "the file system is not the one that was meant";
constexpr std::string_view kKeptCapabilities = "the process keeps its capabilities";
constexpr std::string_view kNoLandlock = "Landlock does not hold";

constexpr Severity kMedium = Severity::kMedium, kHigh = Severity::kHigh;

constexpr Builder kBuilders[] = {
    {"seccomp_rule_add", kNoRule, kMedium, false},
    {"seccomp_rule_add_array", kNoRule, kMedium, false},
    {"seccomp_rule_add_exact", kNoRule, kHigh, false, true},
    {"seccomp_rule_add_exact_array", kNoRule, kHigh, false, true},
    {"seccomp_arch_add", "the filter does not know the architecture", kMedium, false},
    {"seccomp_attr_set", "the filter lacks the attribute", kMedium, false},
    {"seccomp_load", kNoFilter, kHigh, false},
    {"seccomp_merge", "the rules of the other filter are missing", kMedium, false},
    {"seccomp_export_bpf", "what was written is no filter, or half of one", kMedium, false},
    {"seccomp_export_bpf_mem", "what was written is no filter, or half of one", kMedium, false},
    {"landlock_create_ruleset", kNoLandlock, kHigh},
    {"landlock_add_rule", kNoLandlock, kMedium},
    {"landlock_restrict_self", kNoLandlock, kHigh},
    {"capset", kKeptCapabilities, kHigh},
    {"cap_set_proc", kKeptCapabilities, kHigh},
    {"cap_drop_bound", kKeptCapabilities, kMedium},
    {"capng_apply", kKeptCapabilities, kHigh},
    {"setuid", kKeptIds, kHigh},
    {"setgid", kKeptIds, kHigh},
    {"seteuid", kKeptIds, kMedium},
    {"setegid", kKeptIds, kMedium},
    {"setreuid", kKeptIds, kHigh},
    {"setregid", kKeptIds, kHigh},
    {"setresuid", kKeptIds, kHigh},
    {"setresgid", kKeptIds, kHigh},
    {"setgroups", kKeptGroups, kMedium},
    {"initgroups", kKeptGroups, kMedium},
    {"unshare", kNoNamespace, kHigh},
    {"setns", kNoNamespace, kMedium},
    {"mount", kNoMount, kMedium},
    {"pivot_root", kNoMount, kHigh},
    {"chroot", kNoMount, kHigh},
};

// prctl and syscall do as their first argument says.
constexpr Builder kSelected[] = {
    {"PR_SET_NO_NEW_PRIVS", "a set-user-ID program gains privileges again", kHigh},
    {"PR_SET_SECCOMP", kNoFilter, kHigh},
    {"PR_CAPBSET_DROP", kKeptCapabilities, kMedium},
    {"SYS_seccomp", kNoFilter, kHigh},
    {"__NR_seccomp", kNoFilter, kHigh},
    {"SYS_pivot_root", kNoMount, kHigh},
    {"__NR_pivot_root", kNoMount, kHigh},
    {"SYS_landlock_add_rule", kNoLandlock, kMedium},
    {"__NR_landlock_add_rule", kNoLandlock, kMedium},
    {"SYS_landlock_restrict_self", kNoLandlock, kHigh},
    {"__NR_landlock_restrict_self", kNoLandlock, kHigh},
};

// Methods and paths of Rust's crates libseccomp, seccompiler, landlock, caps and nix.
constexpr Builder kMethods[] = {
    {"add_rule", kNoRule, kMedium},
    {"add_rule_exact", kNoRule, kHigh, false, true},
    {"add_rule_conditional", kNoRule, kMedium},
    {"add_rule_conditional_exact", kNoRule, kHigh, false, true},
    {"add_rules", kNoRule, kMedium},
    {"add_arch", "the filter does not know the architecture", kMedium},
    {"restrict_self", kNoLandlock, kHigh},
};
constexpr Builder kRustFunctions[] = {
    {"apply_filter", kNoFilter, kHigh},
    {"apply_filter_all_threads", kNoFilter, kHigh},
    {"set_no_new_privs", "a set-user-ID program gains privileges again", kHigh},
};
constexpr auto kCapsCalls = std::to_array<std::string_view>({"drop", "clear", "set"});

constexpr auto kLeaves = std::to_array<std::string_view>(
    {"else", "case", "default", "break", "return", "goto", "continue", "if"});

// Other projects have functions and methods of these names.
constexpr auto kLibseccomp =
    std::to_array<std::string_view>({"seccomp_init", "scmp_filter_ctx", "SCMP_SYS",
                                     "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_CMP"});
constexpr auto kCrates = std::to_array<std::string_view>(
    {"ScmpFilterContext", "ScmpFilter", "libseccomp", "landlock", "Ruleset", "RulesetCreated",
     "seccompiler", "SeccompFilter", "ScmpAction"});

bool UsesLibrary(const Code& code, std::span<const std::string_view> names) {
  return std::ranges::any_of(names,
                             [&](std::string_view name) { return !code.Places(name).empty(); }) ||
         std::ranges::any_of(code.directives(), [](const Token& directive) {
           return directive.text.find("<seccomp.h>") != std::string_view::npos;
         });
}

// Both sides of an #if are read one after the other, as if both were there.
bool HasDirective(const Code& code, Index from, Index to) {
  const int first = code.tokens()[from].line, last = code.tokens()[to].line;
  const auto found = std::ranges::lower_bound(code.directives(), first, {}, &Token::line);
  return found != code.directives().end() && found->line <= last;
}

template <std::size_t size>
const Builder* Find(const Builder (&table)[size], std::string_view name) {
  const auto found = std::ranges::find(table, name, &Builder::name);
  return found == std::end(table) ? nullptr : &*found;
}

bool IsMethod(const Code& code, const Call& call) {
  return code.Is(call.at - 1, ".") || code.Is(call.at - 1, "->");
}

bool IsLocal(const Code& code, std::string_view name, const Function& function) {
  const auto declares = [&](Index at) {
    const Index before = at - 1;
    return code.Is(before, "*") || code.Is(before, ",") || code.Is(before, "let") ||
           (code.IsKind(before, TokenKind::kName) && !code.Is(before, "return") &&
            !code.Is(before, "goto") && !code.Is(before, "else"));
  };
  return std::ranges::any_of(code.PlacesIn(name, {function.head.begin, function.body.end}),
                             declares);
}

bool InLoop(const Code& code, Index at, const Function& function) {
  for (Index open = code.Around(at); open != kNowhere && open >= function.body.begin;
       open = code.Around(open)) {
    if (!code.Is(open, "{") || open == 0) continue;
    if (code.Is(open - 1, "do") || code.Is(open - 1, "loop")) return true;
    const Index close = open - 1;
    if (code.Is(close, ")") && code.Partner(close) != kNowhere && code.Partner(close) > 0) {
      const std::string_view head = code.At(code.Partner(close) - 1);
      if (head == "for" || head == "while") return true;
    }
    if (code.IsRust()) return true;
  }
  return false;
}

// The brace around a place.
Index BlockOf(const Code& code, Index at) {
  Index open = code.Around(at);
  while (open != kNowhere && !code.Is(open, "{")) open = code.Around(open);
  return open;
}

// r = ...; or if ((r = ...)...), where what was in r before is gone on every way that leads there:
// in the block of the call, or where that block has ended.
bool Overwrites(const Code& code, Index place, Index call) {
  if (!code.Is(place + 1, "=")) return false;
  const bool in_condition = code.Is(place - 1, "(") && code.Is(code.StatementOf(place).begin, "if");
  if (!in_condition &&
      (!code.StartsStatement(place) || code.Is(place - 1, ")") || code.Is(place - 1, "else"))) {
    return false;
  }
  const Index block = BlockOf(code, call);
  for (Index open = BlockOf(code, place), inner = place; open != kNowhere;
       inner = open, open = BlockOf(code, open)) {
    if (open == block) return inner == place;
  }
  return true;
}

}  // namespace

const Builder* BuilderOf(const Code& code, const Call& call) {
  if (call.is_declaration || !code.FunctionsNamed(call.name).empty()) return nullptr;
  const bool method = IsMethod(code, call);
  if (call.name.starts_with("seccomp_") && !UsesLibrary(code, kLibseccomp)) return nullptr;
  if (code.IsRust()) {
    if (method) return UsesLibrary(code, kCrates) ? Find(kMethods, call.name) : nullptr;
    if (const Builder* builder = Find(kRustFunctions, call.name)) return builder;
    if (code.Is(call.at - 1, "::") && code.Is(call.at - 2, "caps") &&
        IsAny(call.name, kCapsCalls)) {
      static constexpr Builder kCaps = {"caps", kKeptCapabilities, kHigh};
      return &kCaps;
    }
  } else if (method) {
    return nullptr;
  }
  if ((call.name == "prctl" || call.name == "syscall") && !call.arguments.empty()) {
    for (Index at = call.arguments[0].begin; at < call.arguments[0].end; ++at) {
      for (const Builder& builder : kSelected) {
        if (code.IsKind(at, TokenKind::kName) && Lower(builder.name) == Lower(code.At(at)))
          return &builder;
      }
    }
    return nullptr;
  }
  const Builder* builder = Find(kBuilders, call.name);
  if (builder == nullptr) return nullptr;
  // To take an id back is no loss of a promise.
  const bool raises = (call.name == "seteuid" || call.name == "setegid") &&
                      !call.arguments.empty() && code.TextOf(call.arguments[0]) == "0";
  return raises ? nullptr : builder;
}

const Builder* WrappedBuilder(const Code& code, const Call& call) {
  if (call.is_declaration || call.is_macro) return nullptr;
  for (const Function* function : code.FunctionsNamed(call.name)) {
    const bool returns = code.IsRust()
                             ? code.Mentions({function->at, function->head.end}, "Result")
                             : !code.Mentions({function->head.begin, function->at}, "void");
    if (!returns || function->name == "main" || code.Mentions(function->head, "noreturn")) continue;
    for (const Call& inner : code.CallsIn(function->body)) {
      const Builder* builder = BuilderOf(code, inner);
      if (builder != nullptr && FateOf(code, inner) == Fate::kRead) return builder;
    }
  }
  return nullptr;
}

Range LifeOf(const Code& code, const Call& call, std::string_view variable) {
  const Function& function = code.functions()[call.function];
  Range life{call.close + 1, function.body.end};
  for (const Index place : code.PlacesIn(variable, life)) {
    if (!Overwrites(code, place, call.at)) continue;
    life.end = place;
    break;
  }
  return life;
}

Fate FateOf(const Code& code, const Call& call) {
  const ResultUse use = code.UseOf(call);
  if (use.kind == Use::kIgnored) return Fate::kDropped;
  if (use.kind == Use::kVoided) return Fate::kVoided;
  if (use.kind == Use::kUsed) return Fate::kRead;
  const Function& function = code.functions()[call.function];
  const Index left = use.operator_at - 1;
  const bool member = code.Is(left - 1, ".") || code.Is(left - 1, "->") || code.Is(left - 1, "*");
  const bool dereferences = code.Is(left - 1, "*") && code.StartsStatement(left - 1);
  if ((member && !code.Is(left - 1, "*")) || dereferences) return Fate::kRead;
  if (!IsLocal(code, use.variable, function)) return Fate::kRead;
  const Range life = LifeOf(code, call, use.variable);
  for (const Index place : code.PlacesIn(use.variable, life)) {
    // Another branch may write it before anybody reads it; that is no reading.
    if (!code.Is(place + 1, "=") || !code.StartsStatement(place)) return Fate::kRead;
    if (life.end == function.body.end) return Fate::kRead;
  }
  if (life.end < function.body.end) {
    if (HasDirective(code, call.at, life.end)) return Fate::kRead;
    // The other branches of an if or switch write it too, and then it is read.
    for (Index at = call.at; at < life.end; ++at) {
      if (IsAny(code.At(at), kLeaves)) return Fate::kRead;
    }
    if (BlockOf(code, life.end) != BlockOf(code, call.at)) return Fate::kRead;
  }
  if (life.end == function.body.end && InLoop(code, call.at, function)) return Fate::kRead;
  return Fate::kNeverRead;
}

}  // namespace bailey::review
