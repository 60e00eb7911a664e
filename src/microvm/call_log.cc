#include "microvm/call_log.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "abi/notification.h"
#include "abi/paths.h"
#include "abi/sends.h"
#include "abi/syscalls.h"
#include "audit/decode.h"
#include "audit/netlink.h"
#include "base/text.h"
#include "bpf/interpreter.h"
#include "sandbox/network_witness.h"

namespace bailey::microvm {
namespace {

// Machines are x86_64's, whose kernel takes these.
constexpr std::array kArchs = {abi::Arch::kX86_64, abi::Arch::kX32, abi::Arch::kI386};

base::Error Nonsense() {
  return base::Violation("hear the guest: it tells of a call that its filter does not deny");
}

// What the guest has sent along of its program's memory.
audit::Memory MemoryOf(const guest::Called& called) {
  return [&called](std::uint64_t address, std::size_t most) -> std::optional<std::string> {
    for (const guest::Called::Text& text : called.texts) {
      if (text.slot >= called.data.args.size()) continue;
      const std::uint64_t offset = address - called.data.args[text.slot];
      if (offset > text.bytes.size()) continue;
      // A path ends where the guest has stopped to read.
      std::string bytes(text.bytes.substr(static_cast<std::size_t>(offset)));
      bytes += '\0';
      return bytes.substr(0, most);
    }
    return std::nullopt;
  };
}

guest::Watch WatchOf(abi::Arch arch, const abi::Syscall& call) {
  guest::Watch watch{abi::Info(arch).token, call.number};
  if (const auto telling = audit::TellingArgumentOf(arch, call.name)) {
    watch.low = telling->low_slot;
    watch.high = telling->high_slot;
    watch.bits = static_cast<std::uint8_t>(abi::Bits(telling->type, arch));
  }
  for (const abi::PathArgument& path : abi::PathsOf(call.name))
    watch.paths = static_cast<std::uint8_t>(watch.paths | 1u << path.path);
  if (const auto address = audit::AddressOf(call.name)) {
    watch.address = static_cast<std::uint8_t>(address->slot);
    watch.size = static_cast<std::uint8_t>(address->size);
  }
  return watch;
}

guest::Naming NamingOf(abi::Arch arch, const abi::Syscall& call, const abi::PathArgument& path) {
  guest::Naming naming{abi::Info(arch).token, call.number, path.path};
  if (path.directory >= 0) naming.directory = static_cast<std::uint8_t>(path.directory);
  if (path.use == abi::PathUse::kOpen) naming.flags = path.flags;
  naming.writes = path.use == abi::PathUse::kWrite ? 1 : 0;
  return naming;
}

}  // namespace

std::vector<guest::Naming> CallNamings() {
  std::vector<guest::Naming> namings;
  for (const abi::Arch arch : kArchs)
    for (const abi::Syscall& call : abi::Syscalls(arch))
      for (const abi::PathArgument& path : abi::PathsOf(call.name))
        namings.push_back(NamingOf(arch, call, path));
  std::ranges::stable_sort(namings, {},
                           [](const auto& one) { return std::pair(one.arch, one.number); });
  return namings;
}

std::vector<guest::Sending> CallSendings() {
  std::vector<guest::Sending> sendings;
  for (const abi::Arch arch : kArchs) {
    for (const abi::Syscall& call : abi::Syscalls(arch)) {
      const auto form = abi::SendFormOf(call.name);
      if (!form) continue;
      sendings.push_back({abi::Info(arch).token, call.number, static_cast<std::uint8_t>(*form),
                          static_cast<std::uint8_t>(abi::PointerBytes(arch))});
    }
  }
  return sendings;
}

std::vector<guest::Watch> CallWatches() {
  std::vector<guest::Watch> watches;
  for (const abi::Arch arch : kArchs) {
    for (const abi::Syscall& call : abi::Syscalls(arch)) {
      const guest::Watch watch = WatchOf(arch, call);
      if (watch != guest::Watch{watch.arch, watch.number}) watches.push_back(watch);
    }
  }
  std::ranges::sort(watches, {}, [](const auto& one) { return std::pair(one.arch, one.number); });
  return watches;
}

// Zero where the filter does not hand the call over, or lets it go on.
std::uint32_t CallLog::Returned(const bpf::SeccompData& data) const {
  const std::uint32_t returned = bpf::Interpret(filter_, data, false).value;
  const bool is_denial = abi::Decode(returned).kind == abi::ActionKind::kNotify &&
                         abi::Decode(abi::PlainAnswer(returned)).kind != abi::ActionKind::kAllow;
  return is_denial ? returned : 0;
}

bool CallLog::GoesOn(const bpf::SeccompData& data) const {
  const std::uint32_t returned = bpf::Interpret(filter_, data, false).value;
  return abi::Decode(returned).kind == abi::ActionKind::kNotify &&
         abi::Decode(abi::PlainAnswer(returned)).kind == abi::ActionKind::kAllow;
}

audit::Rule CallLog::RuleFor(const bpf::SeccompData& data, std::uint32_t returned) {
  audit::Denial& kind = kinds_.Of(data, returned);
  if (kind.label < 0) {
    const audit::Rule rule = options_.explain ? options_.explain(kind.example) : audit::Rule();
    const auto found = std::ranges::find(rules_, rule);
    kind.label = found - rules_.begin();
    if (found == rules_.end()) rules_.push_back(rule);
  }
  return rules_[static_cast<std::size_t>(kind.label)];
}

base::Status CallLog::Take(const guest::Called& called) {
  // Before any work: a guest that floods costs what a program that floods a sandbox's listener
  // does.
  if (options_.trail == nullptr || !options_.trail->Admits()) return {};
  const std::uint32_t returned = Returned(called.data);
  if (returned == 0) return Nonsense();
  audit::Event event = {.decision = audit::Decision::kDenied};
  event.task = audit::Task{.inside = called.process, .executable = base::Escape(called.executable)};
  event.rule = RuleFor(called.data, returned);
  event.detail =
      audit::Decode(called.data,
                    abi::ToString(abi::Decode(abi::PlainAnswer(returned)),
                                  audit::ArchOf(called.data).value_or(abi::NativeArch())),
                    MemoryOf(called));
  options_.trail->Record(std::move(event));
  return {};
}

base::Status CallLog::Take(const guest::Used& used) {
  if (options_.files == nullptr || !GoesOn(used.data))
    return base::Violation("hear the guest: it tells of a file that no call of its filter names");
  auto event = options_.files->LookInMachine(used.data, [&used](const abi::PathArgument& argument) {
    const auto found = std::ranges::find(used.names, argument.path, &guest::Used::Name::slot);
    if (found == used.names.end()) return std::optional<sandbox::FileWitness::Named>();
    return std::optional(
        sandbox::FileWitness::Named{std::string(found->path), found->is_there == 1});
  });
  if (!event || options_.trail == nullptr || !options_.trail->Admits()) return {};
  event->task = audit::Task{.inside = used.process, .executable = base::Escape(used.executable)};
  options_.trail->Record(*std::move(event));
  return {};
}

base::Status CallLog::Take(const guest::Sent& sent) {
  const auto types = std::span(sent.types).first(sent.count);
  const auto protocol = static_cast<int>(sent.protocol);
  const bool is_change =
      sent.is_more != 0 || (sent.count > 0 && std::ranges::all_of(types, [&](std::uint16_t type) {
                              return audit::IsNetlinkChange(protocol, type);
                            }));
  const bool is_sent = abi::SendFormOf(audit::NameOf(sent.data)).has_value();
  if (!options_.network || !is_sent || !is_change || !GoesOn(sent.data))
    return base::Violation(
        "hear the guest: it tells of a change of a network that no call of its filter asks for");
  if (options_.trail == nullptr || !options_.trail->Admits()) return {};
  const auto texts = audit::NetlinkTexts(protocol, {sent.types, sent.count, sent.is_more != 0});
  audit::Event event = sandbox::NetworkChange(sent.data, texts, sent.has_power != 0);
  event.task = audit::Task{.inside = sent.process, .executable = base::Escape(sent.executable)};
  options_.trail->Record(std::move(event));
  return {};
}

base::Status CallLog::Take(const guest::Denied& denied) {
  const std::uint32_t returned = Returned(denied.data);
  if (returned == 0 || denied.row >= guest::Denied::kMostRows) return Nonsense();
  const auto [at, is_new] = rows_.try_emplace(denied.row);
  sandbox::HeardCall& row = at->second;
  if (is_new) row = {denied.data, returned, denied.rest == 1, 0, RuleFor(denied.data, returned)};
  if (row.example != denied.data || denied.count < row.count)
    return base::Violation("hear the guest: a count of denied calls is not what it was");
  row.count = denied.count;
  return {};
}

base::Status CallLog::Take(const guest::Missed& missed) {
  if (missed.dropped < missed_.dropped || missed.unanswered < missed_.unanswered)
    return base::Violation("hear the guest: a count of denied calls is not what it was");
  missed_ = missed;
  return {};
}

std::vector<sandbox::HeardCall> CallLog::Heard() const {
  std::vector<sandbox::HeardCall> heard;
  for (const auto& [number, row] : rows_) heard.push_back(row);
  std::ranges::stable_sort(heard, std::greater(), &sandbox::HeardCall::count);
  return heard;
}

}  // namespace bailey::microvm
