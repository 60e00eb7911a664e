#include "ask_z3.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "abi/arguments.h"
#include "abi/constants.h"
#include "abi/syscalls.h"
#include "policy/condition.h"
#include "verify/in_z3.h"

namespace bailey::bench {
namespace {

using abi::Arch;
using prove::CallSet;
using prove::Guarantee;
using prove::Wants;

// Words of seccomp_data.
constexpr std::uint32_t kNr = 0;
constexpr std::uint32_t kArch = 1;
constexpr std::uint32_t kArgs = 4;

constexpr std::uint32_t kActionBits = 0xffff0000;
constexpr std::uint32_t kErrno = 0x00050000;
constexpr std::uint32_t kLog = 0x7ffc0000;
constexpr std::uint32_t kAllow = 0x7fff0000;

[[noreturn]] void Stop(const std::string& text) {
  fmt::print(stderr, "bench-verify: {}\n", text);
  std::exit(1);
}

}  // namespace

struct AskZ3::State {
  State(const prove::Subject& judged, Asking way)
      : subject(judged),
        asking(way),
        filters(context),
        solver(context, "QF_BV"),
        effect(filters.Effect(filters.Returns(judged.stack.front()))) {
    if (asking == Asking::kOneSolver) solver.add(answer == effect);
  }

  const z3::expr& Effect() const { return asking == Asking::kOneSolver ? answer : effect; }
  z3::expr Is(std::uint32_t word, std::uint32_t value) {
    return filters.Word(word) == filters.Number(value);
  }
  z3::expr Between(std::uint32_t word, std::uint32_t first, std::uint32_t last) {
    const z3::expr& value = filters.Word(word);
    return z3::uge(value, filters.Number(first)) && z3::ule(value, filters.Number(last));
  }
  z3::expr Argument(const abi::Argument& argument, Arch arch);
  z3::expr Holds(const policy::Test& test, Arch arch, std::string_view call);
  z3::expr Holds(const policy::Condition& condition, Arch arch, std::string_view call);
  z3::expr When(const CallSet& set, Arch arch);
  z3::expr Numbers(std::string_view numbers, Arch arch);
  z3::expr Foreign();
  z3::expr IsOpen();
  z3::expr IsBad(const Guarantee& guarantee, Arch arch);
  bool Satisfiable(const z3::expr& question);
  bool Reaches(const CallSet& set, Arch arch, const z3::expr& bad);
  bool ReachesNumber(Arch arch, std::uint32_t number, const z3::expr& when, const z3::expr& bad);

  const prove::Subject& subject;
  Asking asking;
  z3::context context;
  verify::InZ3 filters;
  z3::solver solver;
  z3::expr effect;
  z3::expr answer = context.bv_const("answer", 32);
};

z3::expr AskZ3::State::Argument(const abi::Argument& argument, Arch arch) {
  const unsigned bits = abi::Bits(argument.type, arch);
  const z3::expr& low = filters.Word(kArgs + 2 * argument.low_slot);
  if (bits < 32) return low.extract(bits - 1, 0);
  if (bits == 32) return low;
  const bool is_pair = argument.high_slot != argument.low_slot;
  const z3::expr& high =
      filters.Word(is_pair ? kArgs + 2 * argument.high_slot : kArgs + 2 * argument.low_slot + 1);
  return z3::concat(high, low);
}

z3::expr AskZ3::State::Holds(const policy::Test& test, Arch arch, std::string_view call) {
  const auto argument = abi::FindArgument(arch, call, test.argument);
  if (!argument) Stop(argument.error().text);
  z3::expr value = Argument(*argument, arch);
  const unsigned bits = value.get_sort().bv_size();
  const auto number = [&](const policy::Value& from) {
    const std::uint64_t resolved = policy::Resolve(from, arch).value_or(0);
    return context.bv_val(bits == 64 ? resolved : resolved % (std::uint64_t{1} << bits), bits);
  };
  const bool is_signed = abi::IsSigned(argument->type) && !test.mask;
  if (test.mask) value = value & number(*test.mask);
  if (test.comparison == policy::Comparison::kAnyBit) return value != context.bv_val(0, bits);
  z3::expr any = context.bool_val(false);
  for (const policy::Value& operand : test.operands) {
    const z3::expr other = number(operand);
    switch (test.comparison) {
      case policy::Comparison::kEqual:
      case policy::Comparison::kIn:
        any = any || value == other;
        break;
      case policy::Comparison::kNotEqual:
        any = any || value != other;
        break;
      case policy::Comparison::kLess:
        any = any || (is_signed ? value < other : z3::ult(value, other));
        break;
      case policy::Comparison::kLessEqual:
        any = any || (is_signed ? value <= other : z3::ule(value, other));
        break;
      case policy::Comparison::kGreater:
        any = any || (is_signed ? value > other : z3::ugt(value, other));
        break;
      case policy::Comparison::kGreaterEqual:
        any = any || (is_signed ? value >= other : z3::uge(value, other));
        break;
      case policy::Comparison::kAnyBit:
        break;
    }
  }
  return any;
}

z3::expr AskZ3::State::Holds(const policy::Condition& condition, Arch arch, std::string_view call) {
  using Kind = policy::Condition::Kind;
  if (condition.kind == Kind::kTest) return Holds(condition.test, arch, call);
  z3::expr all = context.bool_val(true);
  z3::expr any = context.bool_val(false);
  for (const policy::Condition& child : condition.children) {
    const z3::expr holds = Holds(child, arch, call);
    all = all && holds;
    any = any || holds;
  }
  return condition.kind == Kind::kAnd ? all : condition.kind == Kind::kOr ? any : !any;
}

z3::expr AskZ3::State::When(const CallSet& set, Arch arch) {
  constexpr std::string_view kFamilies = "{$families}";
  std::string text(set.when);
  if (text.empty()) return context.bool_val(true);
  if (const auto at = text.find(kFamilies); at != std::string::npos)
    text.replace(at, kFamilies.size(), fmt::format("{{{}}}", fmt::join(subject.families, ", ")));
  const auto condition = policy::ParseCondition(text);
  if (!condition) Stop(condition.error().text);
  return Holds(*condition, arch, set.call);
}

z3::expr AskZ3::State::Numbers(std::string_view numbers, Arch arch) {
  const bool is_x86 = abi::Info(arch).token == abi::Info(Arch::kX86_64).token;
  if (numbers == "all") return context.bool_val(true);
  if (numbers == "negative") return Between(kNr, 0x80000000, 0xfffffffe);
  const z3::expr x32 =
      Between(kNr, abi::kX32FirstOwn, abi::kX32LastOwn) || Between(kNr, abi::kX32Bit, 0x7fffffff);
  if (numbers == "x32") return is_x86 ? x32 : context.bool_val(false);
  z3::expr known = context.bool_val(false);
  for (const abi::Syscall& call : abi::Syscalls(arch)) known = known || Is(kNr, call.number);
  z3::expr unknown = !known && z3::ult(filters.Word(kNr), filters.Number(0x80000000));
  if (arch == Arch::kX86_64) unknown = unknown && !x32;
  if (arch == Arch::kX32)
    unknown = unknown && z3::uge(filters.Word(kNr), filters.Number(abi::kX32Bit));
  return unknown;
}

z3::expr AskZ3::State::Foreign() {
  z3::expr listed = context.bool_val(false);
  bool has_x86_64 = false;
  bool has_x32 = false;
  for (const Arch arch : subject.listed) {
    listed = listed || Is(kArch, abi::Info(arch).token);
    has_x86_64 = has_x86_64 || arch == Arch::kX86_64;
    has_x32 = has_x32 || arch == Arch::kX32;
  }
  if (!has_x86_64 || has_x32) return !listed;
  return !listed || (Is(kArch, abi::Info(Arch::kX86_64).token) && Numbers("x32", Arch::kX86_64));
}

z3::expr AskZ3::State::IsOpen() {
  const z3::expr action = Effect() & filters.Number(kActionBits);
  return action == filters.Number(kAllow) || action == filters.Number(kLog) ||
         Effect() == filters.Number(kErrno);
}

z3::expr AskZ3::State::IsBad(const Guarantee& guarantee, Arch arch) {
  if (guarantee.wants == Wants::kNoFakeSuccess) return Effect() == filters.Number(kErrno);
  if (guarantee.wants != Wants::kErrno) return IsOpen();
  const auto wanted = abi::ErrnoNumber(arch, guarantee.errno_name);
  const z3::expr is_wanted = Effect() == filters.Number(kErrno | wanted.value_or(0));
  return !is_wanted && (!IsOpen() || Effect() == filters.Number(kErrno));
}

bool AskZ3::State::Satisfiable(const z3::expr& question) {
  if (asking != Asking::kOneSolver) {
    z3::solver fresh(context, "QF_BV");
    fresh.add(question);
    return fresh.check() == z3::sat;
  }
  solver.push();
  solver.add(question);
  const bool found = solver.check() == z3::sat;
  solver.pop();
  return found;
}

bool AskZ3::State::ReachesNumber(Arch arch, std::uint32_t number, const z3::expr& when,
                                 const z3::expr& bad) {
  const std::uint32_t token = abi::Info(arch).token;
  if (asking != Asking::kFoldedFirst)
    return Satisfiable(Is(kArch, token) && Is(kNr, number) && when && bad);
  z3::expr_vector from(context);
  z3::expr_vector to(context);
  from.push_back(filters.Word(kArch));
  from.push_back(filters.Word(kNr));
  to.push_back(filters.Number(token));
  to.push_back(filters.Number(number));
  const z3::expr folded = (when && bad).substitute(from, to).simplify();
  return folded.is_true() || (!folded.is_false() && Satisfiable(folded));
}

bool AskZ3::State::Reaches(const CallSet& set, Arch arch, const z3::expr& bad) {
  if (!set.numbers.empty())
    return Satisfiable(Is(kArch, abi::Info(arch).token) && Numbers(set.numbers, arch) && bad);
  const bool is_here = set.archs.empty() || std::ranges::any_of(set.archs, [&](auto name) {
                         return abi::FindArch(name) == arch;
                       });
  if (!is_here) return false;
  if (const auto number = abi::Number(arch, set.call)) {
    const z3::expr when = When(set, arch);
    if (ReachesNumber(arch, *number, when, bad)) return true;
    const std::uint32_t plain = *number & ~abi::kX32Bit;
    const bool has_plain =
        arch == Arch::kX32 && plain >= abi::kX32FirstOwn && plain <= abi::kX32LastOwn;
    if (has_plain && ReachesNumber(arch, plain, when, bad)) return true;
  }
  const auto through = [&](bool has, std::span<const abi::Multiplexed> table,
                           std::string_view multiplexer, std::uint32_t mask) {
    const auto number = abi::Number(arch, multiplexer);
    const auto subcall = std::ranges::find(table, set.call, &abi::Multiplexed::name);
    if (!has || !number || subcall == table.end()) return false;
    const z3::expr selected =
        (filters.Word(kArgs) & filters.Number(mask)) == filters.Number(subcall->selector);
    return ReachesNumber(arch, *number, selected, bad);
  };
  const abi::ArchInfo& info = abi::Info(arch);
  return through(info.has_socketcall, abi::SocketcallTable(), "socketcall", 0xffffffff) ||
         through(info.has_ipc, abi::IpcTable(), "ipc", 0xffff);
}

AskZ3::AskZ3(const prove::Subject& subject, Asking asking)
    : state_(std::make_unique<State>(subject, asking)) {}
AskZ3::~AskZ3() = default;

bool AskZ3::IsRefuted(const Guarantee& guarantee) {
  for (const CallSet& set : guarantee.calls) {
    if (!set.pointer.empty()) continue;
    if (set.numbers == "foreign") {
      if (state_->Satisfiable(state_->Foreign() && state_->IsOpen())) return true;
      continue;
    }
    for (const Arch arch : state_->subject.archs) {
      const bool is_listed =
          std::ranges::find(state_->subject.listed, arch) != state_->subject.listed.end();
      if (guarantee.wants == Wants::kErrno && !is_listed) continue;
      // The kernel passes these whatever a filter says: no question for an engine.
      if (arch == Arch::kX86_64 && (set.call == "uprobe" || set.call == "uretprobe")) continue;
      if (state_->Reaches(set, arch, state_->IsBad(guarantee, arch))) return true;
    }
  }
  return false;
}

}  // namespace bailey::bench
