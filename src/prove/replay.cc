#include "prove/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "abi/action.h"
#include "abi/constants.h"
#include "bpf/interpreter.h"
#include "os/host.h"
#include "os/replay.h"
#include "prove/call_text.h"

namespace bailey::prove {
namespace {

using abi::ActionKind;
using abi::Arch;
using os::KernelAnswer;
using Kind = os::KernelAnswer::Kind;

ReplayAnswer NotReplayed(std::string reason) {
  return {ReplayStatus::kNotReplayed, {}, std::move(reason)};
}

bool ReadsInstructionPointer(const Subject& subject) {
  return std::ranges::any_of(subject.stack, [](const bpf::Program& program) {
    return std::ranges::any_of(program.Instructions(), [](const bpf::Instruction& instruction) {
      return instruction.code == bpf::kLoadAbs && instruction.k >= bpf::kOffsetIp &&
             instruction.k < bpf::kOffsetArgs;
    });
  });
}

// Why this kernel cannot be asked; empty when it can.
std::string WhyNot(const Subject& subject, const bpf::SeccompData& call) {
  const Arch native = abi::NativeArch();
  const std::uint32_t token = abi::Info(native).token;
  if (call.arch != token) {
    const auto arch = ArchOfCall(call.arch, 0);
    const auto compat = abi::CompatArch(native);
    const bool is_compat = arch && compat && *arch == *compat;
    if (!is_compat || !os::HasCompatCalls()) {
      return fmt::format(
          "this kernel does not run {}",
          arch ? std::string(abi::Info(*arch).name) : fmt::format("architecture {:#x}", call.arch));
    }
  } else if (native == Arch::kX86_64 && (call.nr == 335 || call.nr == 336)) {
    // Recent kernels would make the call without asking any filter.
    return fmt::format("recent kernels make call {} whatever a filter says", call.nr);
  }
  if (subject.big_endian != (std::endian::native == std::endian::big))
    return "the filter is for machines of another byte order";
  return {};
}

std::string ErrnoText(std::int64_t number) { return std::strerror(static_cast<int>(number)); }

// What was seen, as actions are written.
std::string Seen(const KernelAnswer& answer) {
  switch (answer.kind) {
    case Kind::kLetThrough:
      return "let through";
    case Kind::kReturned:
      if (answer.value > 0 || answer.value < -4095) return fmt::format("{}", answer.value);
      return abi::ToString(abi::Action::Errno(static_cast<std::uint16_t>(-answer.value)));
    case Kind::kTraced:
      return abi::ToString({ActionKind::kTrace, static_cast<std::uint16_t>(answer.value)});
    case Kind::kTrapped:
      return abi::ToString({ActionKind::kTrap, static_cast<std::uint16_t>(answer.value)});
    case Kind::kKilled:
      return "killed";
    case Kind::kNotAttached:
    case Kind::kNotPlaced:
      break;
  }
  return {};
}

// What the kernel must be seen to do where it answers with `predicted`.
KernelAnswer Expected(verify::Outcome predicted) {
  const abi::Action action = abi::Decode(verify::ValueOf(predicted));
  switch (action.kind) {
    case ActionKind::kKillProcess:
    case ActionKind::kKillThread:
      return {Kind::kKilled, 0, 0};
    case ActionKind::kTrap:
      return {Kind::kTrapped, action.data, 0};
    case ActionKind::kErrno:
      return {Kind::kReturned, -std::int64_t{action.data}, 0};
    case ActionKind::kNotify:
      return {Kind::kReturned, -std::int64_t{*abi::ErrnoNumber(abi::NativeArch(), "ENOSYS")}, 0};
    case ActionKind::kTrace:
      return {Kind::kTraced, action.data, 0};
    case ActionKind::kLog:
    case ActionKind::kAllow:
      break;
  }
  return {Kind::kLetThrough, 0, 0};
}

std::string WhyRefused(const KernelAnswer& answer) {
  if (answer.kind == Kind::kNotPlaced)
    return fmt::format("no instruction can be placed there: {}", ErrnoText(answer.value));
  const std::size_t number = answer.filter + 1;
  if (answer.value == 0)
    return fmt::format("the filters before filter {} kill for attaching it", number);
  return fmt::format("filter {} cannot be attached: {}", number, ErrnoText(answer.value));
}

// Whether filters that this process is under itself stand in the way.
bool IsFilteredAlready(const os::ReplayCall& call) {
  const auto bare = os::AskKernel({}, call);
  return bare && bare->kind != Kind::kLetThrough;
}

}  // namespace

ReplayAnswer Replay(const Subject& subject, const bpf::SeccompData& call,
                    verify::Outcome predicted) {
  if (std::string reason = WhyNot(subject, call); !reason.empty())
    return NotReplayed(std::move(reason));
  os::ReplayCall attempt;
  attempt.compat = call.arch != abi::Info(abi::NativeArch()).token;
  attempt.number = call.nr;
  attempt.args = call.args;
  if (ReadsInstructionPointer(subject)) attempt.instruction_pointer = call.instruction_pointer;
  const KernelAnswer expected = Expected(predicted);
  if (expected.kind == Kind::kTraced && expected.value == attempt.mark) ++attempt.mark;
  std::vector<std::vector<std::uint8_t>> filters;
  for (const bpf::Program& program : subject.stack) filters.push_back(program.Bytes());
  const auto got = os::AskKernel(filters, attempt);
  if (!got) return NotReplayed(got.error().text);
  if (got->kind == Kind::kNotAttached || got->kind == Kind::kNotPlaced)
    return NotReplayed(WhyRefused(*got));
  ReplayAnswer answer = {ReplayStatus::kAgrees, Seen(*got), {}};
  if (*got != expected) {
    if (IsFilteredAlready(attempt))
      return NotReplayed("a filter that this process is under itself answers this call");
    answer.status = ReplayStatus::kContradicts;
    answer.reason = fmt::format("predicted {}", OutcomeText(predicted, call.arch));
  } else if (abi::Decode(verify::ValueOf(predicted)).kind == ActionKind::kNotify) {
    answer.reason = "notify without a listener";
  }
  return answer;
}

ReplayAnswer Replay(const Subject& subject, const bpf::SeccompData& call) {
  const std::uint32_t value = bpf::InterpretStack(subject.stack, call, subject.big_endian);
  return Replay(subject, call, verify::EffectOf(verify::OutcomeOf(value)));
}

std::string ReplayText(const ReplayAnswer& answer) {
  switch (answer.status) {
    case ReplayStatus::kNotReplayed:
      return "not replayed: " + answer.reason;
    case ReplayStatus::kContradicts:
      return fmt::format("kernel: {}, contradicts: {}", answer.kernel, answer.reason);
    case ReplayStatus::kAgrees:
      break;
  }
  return answer.reason.empty() ? "kernel: " + answer.kernel
                               : fmt::format("kernel: {} ({})", answer.kernel, answer.reason);
}

}  // namespace bailey::prove
