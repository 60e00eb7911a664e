// The task that becomes the program. PID 1 starts it before it builds the root, so that what needs
// no root (a network namespace takes the kernel as long as thirty mounts) is done beside that.
#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

#include "abi/notification.h"
#include "network/hand_out.h"
#include "network/probe.h"
#include "os/file.h"
#include "os/local_socket.h"
#include "os/network.h"
#include "os/notify.h"
#include "os/process.h"
#include "os/seccomp.h"
#include "sandbox/stages.h"

namespace bailey::sandbox {
namespace {

os::SysStatus ApplyLimits(const Plan& plan, Failure& failure) {
  for (const Limit& limit : plan.limits.resources) {
    if (const auto set = os::SetLimit(limit.resource, limit.value); !set) return set;
    ++failure.index;
  }
  return {};
}

// The same filter without a supervisor (prove/notified.h proves it to be the policy).
void AnswerPlainly(std::span<std::uint8_t> records) {
  for (std::size_t at = 0; at < records.size(); at += sizeof(bpf::Instruction)) {
    bpf::Instruction instruction;
    std::memcpy(&instruction, records.data() + at, sizeof(instruction));
    if (instruction.code == bpf::kReturn) instruction.k = abi::PlainAnswer(instruction.k);
    std::memcpy(records.data() + at, &instruction, sizeof(instruction));
  }
}

// From here on the supervisor answers: every call but the write that tells it of the listener,
// which no filter hands over (policy::IsNotified), can be made once it has heard that.
os::SysStatus AttachListening(int socket, std::span<std::uint8_t> records) {
  Message listening{.kind = MessageKind::kListening, .error = -1};
  auto attached = os::AttachListener(records);
  if (attached) {
    // Open until the program is executed: the supervisor takes a copy.
    listening.error = attached->Release();
  } else if (attached.error().value != EBUSY) {
    return std::unexpected(attached.error());
  } else {
    AnswerPlainly(records);
    if (const auto plain = os::AttachFilter(records); !plain) return plain;
  }
  return os::WriteAll(socket, listening.Bytes());
}

os::SysStatus AttachFilters(int socket, FilterSlot& filters, Failure& failure) {
  std::uint8_t* records = filters.records.data();
  for (; failure.index < filters.count; ++failure.index) {
    const std::uint32_t size = filters.sizes[failure.index];
    const bool listens = filters.listens && failure.index + 1 == filters.count;
    const auto attached =
        listens ? AttachListening(socket, {records, size}) : os::AttachFilter({records, size});
    if (!attached) return attached;
    records += size;
  }
  return {};
}

// A program that comes later brings its own, which take the numbers 0 to 2. The listener must have
// none of these.
os::SysStatus CloseStandard(const Prepared& prepared, bool listens) {
  if (!prepared.Command() || prepared.Filter().listens != listens) return {};
  return os::CloseStandardDescriptors();
}

// All but the program's and our own; `third` and `fourth` may be none (-1).
os::SysStatus CloseOthers(const Plan& plan, int socket, int third, int fourth = -1) {
  std::array<int, kMostDescriptors + 3> kept;
  auto end = std::ranges::copy(plan.descriptors, kept.begin()).out;
  for (const int own : {socket, third, fourth})
    if (own >= 0) *end++ = own;
  std::sort(kept.begin(), end);
  return os::CloseAllBut({kept.begin(), end});
}

os::SysStatus MakeNetwork(const Prepared& prepared, std::uint32_t namespaces) {
  if (!prepared.network)
    return namespaces & os::kNetworkNamespace ? os::BringLoopbackUp() : os::SysStatus();
  network::MadeSockets made;
  if (const auto done = network::MakeSockets(*prepared.network, made); !done) return done;
  // The gateway reads back what is there while the rest is made.
  return network::HandOut(std::move(made), prepared.handoff);
}

// From where the program will be: without power over its network.
os::SysStatus ProbeNetwork(const Prepared& prepared, Failure& failure) {
  if (!prepared.network) return {};
  unsigned probe = 0;
  const auto& [links, table, refused, routed] = *prepared.network;
  const auto done = routed ? network::ProbeRouted(refused, probe) : network::Probe(refused, probe);
  failure.index = probe;
  return done;
}

// Below the user namespace that owns all the others: in it the payload has no power over them.
os::SysStatus EnterUserNamespace() {
  if (const auto done = os::Unshare(os::kUserNamespace); !done) return done;
  // PID 1 writes our id maps through /proc, and the supervisor reads back what is in force.
  return os::SetDumpable(true);
}

// As execvp(3): a candidate that is there but may not be executed decides the error.
// `executables` ends with null.
os::SysStatus Execute(const char* const* executables, char* const* argv, char* const* environment) {
  os::SysStatus answer = os::Fail(ENOENT);
  for (; *executables; ++executables) {
    const auto executed = os::Execute(*executables, argv, environment);
    if (executed.error().value != ENOENT && executed.error().value != ENOTDIR) answer = executed;
  }
  return answer;
}

os::SysStatus ConnectOutput(const Prepared& prepared) {
  if (!prepared.streams) return {};
  int descriptor = -1;
  for (const base::UniqueFd& end : prepared.streams->Ends()) {
    ++descriptor;
    if (!end.IsOpen()) continue;
    if (const auto done = os::Duplicate(end.Get(), descriptor); !done) return done;
  }
  return {};
}

// In the devpts of the sandbox, so that its name is found inside, and in place of the caller's.
os::SysStatus ConnectTerminal(const Prepared& prepared) {
  if (!prepared.plan->terminal) return {};
  // The host's own multiplexer is /dev/ptmx: in /dev/pts nobody may open it there.
  const bool has_own = HasNamespaces(*prepared.plan);
  const auto terminal = os::MakeTerminal(has_own ? "/dev/pts/ptmx" : "/dev/ptmx");
  if (!terminal) return std::unexpected(terminal.error());
  const Message message{.kind = MessageKind::kTerminal};
  auto sent = os::SendDescriptor(prepared.socket.Get(), terminal->master.Get(), message.Bytes());
  if (!sent) return sent;
  if (const auto taken = os::TakeTerminal(terminal->slave.Get()); !taken) return taken;
  for (const int descriptor : {0, 1, 2}) {
    const auto replaced = os::IsTerminal(descriptor);
    if (!replaced) return std::unexpected(replaced.error());
    if (!*replaced) continue;
    if (auto done = os::Duplicate(terminal->slave.Get(), descriptor); !done) return done;
  }
  return {};
}

void EnterNamespaces(Stages& stages, const Prepared& prepared, int link) {
  const Plan& plan = *prepared.plan;
  const std::uint32_t namespaces = PayloadNamespaces(plan);
  stages
      .Then(Stage::kNamespaces,
            [&](Failure&) {
              const auto done = os::Unshare(namespaces);
              return done ? os::SendDescriptor(link, -1) : done;
            })
      .Then(Stage::kHostname, [&](Failure&) { return os::SetHostname(plan.hostname); })
      .Then(Stage::kLoopback, [&](Failure&) { return MakeNetwork(prepared, namespaces); })
      // While one root is mounted over another, as by PID 1 meanwhile, the kernel takes every
      // process for one in a chroot and gives it no user namespace (kernel/user_namespace.c,
      // current_chrooted).
      .Then(Stage::kHandshake,
            [&](Failure&) {
              const auto entered = os::ReceiveDescriptor(link);
              return entered ? os::SysStatus() : std::unexpected(entered.error());
            })
      .Then(Stage::kUserNamespace, [](Failure&) { return EnterUserNamespace(); });
}

// What needs neither the root nor ids.
void Begin(Stages& stages, const Prepared& prepared, int link) {
  const Plan& plan = *prepared.plan;
  const int socket = prepared.socket.Get();
  stages.Then(Stage::kOutput, [&](Failure&) { return ConnectOutput(prepared); });
  if (HasNamespaces(plan)) {
    stages.Then(Stage::kDescriptors,
                [&](Failure&) { return CloseOthers(plan, socket, link, prepared.handoff); });
    EnterNamespaces(stages, prepared, link);
  } else {
    stages.Then(Stage::kSignals, [](Failure&) { return os::DieWithParent(); });
  }
  stages
      .Then(Stage::kHandshake,
            [&](Failure&) {
              const Message hello{.kind = MessageKind::kHello};
              const auto said = os::WriteAll(socket, hello.Bytes());
              return said && link >= 0 ? os::SendDescriptor(link, -1) : said;
            })
      .Then(Stage::kNewSession,
            [&](Failure&) { return plan.new_session ? os::StartSession() : os::SysStatus(); })
      .Then(Stage::kSignals, [](Failure&) { return os::ResetSignals(); })
      .Then(Stage::kProbe, [&](Failure& failure) { return ProbeNetwork(prepared, failure); })
      .Then(Stage::kLimits, [&](Failure& failure) { return ApplyLimits(plan, failure); })
      .Then(Stage::kNoNewPrivileges, [](Failure&) { return os::SetNoNewPrivileges(); })
      // Here, while PID 1 is waited for.
      .Then(Stage::kCapabilities, [&](Failure&) {
        return HasNamespaces(plan) ? os::LowerBound(plan.capabilities) : os::SysStatus();
      });
}

// In the finished root, with ids: the layers, the narrowest last.
void Restrict(Stages& stages, Prepared& prepared, int link) {
  const Plan& plan = *prepared.plan;
  const int socket = prepared.socket.Get();
  stages
      .Then(Stage::kHandshake,
            [&](Failure&) {
              if (link < 0) return os::SysStatus();
              auto ruleset = os::ReceiveDescriptor(link);
              if (!ruleset) return os::SysStatus(std::unexpected(ruleset.error()));
              prepared.ruleset = std::move(*ruleset);
              return os::SysStatus();
            })
      .Then(Stage::kWorkdir, [&](Failure&) { return os::ChangeDirectory(plan.workdir.c_str()); })
      .Then(Stage::kTerminal, [&](Failure&) { return ConnectTerminal(prepared); })
      .Then(Stage::kKeyring, [](Failure&) { return os::JoinNewSessionKeyring(); })
      .Then(Stage::kLandlock, [&](Failure&) { return RestrictFiles(prepared); })
      .Then(Stage::kCapabilities,
            [&](Failure&) {
              return HasNamespaces(plan) ? os::KeepCapabilities(plan.capabilities)
                                         : os::DropCapabilities();
            })
      // The supervisor reads back what is in force through /proc, which this flag opens to it.
      .Then(Stage::kCapabilities, [](Failure&) { return os::SetDumpable(true); })
      .Then(Stage::kDescriptors, [&](Failure&) { return CloseOthers(plan, socket, -1); })
      .Then(Stage::kHandshake, [&](Failure&) { return WaitFor(socket, MessageKind::kFilter); })
      .Then(Stage::kDescriptors, [&](Failure&) { return CloseStandard(prepared, false); })
      .Then(Stage::kSeccomp,
            [&](Failure& failure) { return AttachFilters(socket, prepared.Filter(), failure); })
      .Then(Stage::kDescriptors, [&](Failure&) { return CloseStandard(prepared, true); });
}

os::SysStatus SayReady(int socket) {
  return os::WriteAll(socket, Message{.kind = MessageKind::kReady}.Bytes());
}

void RunPlanned(Stages& stages, const Prepared& prepared) {
  const int socket = prepared.socket.Get();
  stages
      .Then(Stage::kHandshake,
            [&](Failure&) {
              const auto said = SayReady(socket);
              return said ? WaitFor(socket, MessageKind::kStart) : said;
            })
      .Then(Stage::kExecute, [&](Failure&) {
        return Execute(prepared.executables.data(), prepared.argv.data(),
                       prepared.environment.data());
      });
}

// Standard descriptors come with the message, as numbers 0 to 2; words are in the shared slot.
os::SysStatus ReceiveStart(int socket, bool wait) {
  Message message;
  const auto size = os::ReceiveStandardDescriptors(
      socket, {reinterpret_cast<char*>(&message), sizeof(message)}, wait);
  if (!size) return std::unexpected(size.error());
  if (*size != sizeof(message) || message.kind != MessageKind::kStart) return os::Fail(EPIPE);
  return {};
}

// With every layer in force, the filter too: nothing is put on, or taken off, between the moment at
// which the layers are read back and the program's first instruction.
void RunCommand(Stages& stages, const Prepared& prepared) {
  const int socket = prepared.socket.Get();
  const CommandSlot& command = *prepared.Command();
  stages
      .Then(Stage::kCommand,
            [&](Failure&) {
              // A policy that forbids recvmsg is found out now, and not when there is a program.
              const auto tried = ReceiveStart(socket, false);
              return !tried && tried.error().value == EAGAIN ? os::SysStatus() : tried;
            })
      .Then(Stage::kHandshake, [&](Failure&) { return SayReady(socket); })
      .Then(Stage::kCommand, [&](Failure&) { return ReceiveStart(socket, true); })
      .Then(Stage::kWorkdir,
            [&](Failure&) {
              return command.workdir ? os::ChangeDirectory(command.workdir) : os::SysStatus();
            })
      .Then(Stage::kExecute, [&](Failure&) {
        return Execute(command.executables, command.argv, command.environment);
      });
}

}  // namespace

std::uint32_t PayloadNamespaces(const Plan& plan) {
  return plan.namespaces & ~static_cast<std::uint32_t>(kRootNamespaces);
}

void RunPayload(Prepared& prepared, int link) {
  Stages stages;
  Begin(stages, prepared, link);
  Restrict(stages, prepared, link);
  if (prepared.Command())
    RunCommand(stages, prepared);
  else
    RunPlanned(stages, prepared);
  Report(prepared, stages.TheFailure());
}

}  // namespace bailey::sandbox
