#include <fcntl.h>

#include "network/low_ports.h"
#include "os/file.h"
#include "os/process.h"
#include "os/seccomp.h"
#include "sandbox/stages.h"

namespace bailey::sandbox {
namespace {

os::SysStatus MapPayload(const Identity& identity, pid_t payload) {
  const auto proc = os::OpenProc();
  if (!proc) return std::unexpected(proc.error());
  return os::WriteIdMaps(proc->Get(), payload, {identity.inside_uid, identity.inside_uid, 1},
                         {identity.inside_gid, identity.inside_gid, 1}, true);
}

// The payload, forked but not yet the program, and the socket that it and PID 1 share.
struct Payload {
  os::Child child;
  base::UniqueFd link;
};

os::SysStatus StartPayload(Prepared& prepared, Payload& payload) {
  auto pair = os::MessagePair();
  if (!pair) return std::unexpected(pair.error());
  auto forked = os::Fork(0);
  if (!forked) return std::unexpected(forked.error());
  if (forked->pid == 0) RunPayload(prepared, (*pair)[1].Get());
  payload.child = std::move(*forked);
  payload.link = std::move((*pair)[0]);
  return {};
}

// Waits until the payload says that it has come so far.
os::SysStatus Hear(const Payload& payload) {
  const auto said = os::ReceiveDescriptor(payload.link.Get());
  return said ? os::SysStatus() : std::unexpected(said.error());
}

void MakeRoot(Stages& stages, Prepared& prepared, Payload& payload) {
  const Plan& plan = *prepared.plan;
  stages
      .Then(Stage::kMapIds,
            [&](Failure&) {
              const auto bound = os::DieWithParent();
              return bound ? WaitFor(prepared.socket.Get(), MessageKind::kMapped) : bound;
            })
      .Then(Stage::kBecomeIds,
            [&](Failure&) {
              return BecomeIds(plan.identity, plan.identity.inside_uid, plan.identity.inside_gid);
            })
      .Then(Stage::kForkPayload, [&](Failure&) { return StartPayload(prepared, payload); })
      .Then(Stage::kMount, [&](Failure& failure) { return BuildRoot(prepared, failure); })
      // Before a wait: later it would be waited for.
      .Then(Stage::kCapabilities, [](Failure&) { return os::LowerBound(0); })
      .Then(Stage::kNamespaces,
            [&](Failure&) {
              const auto made = Hear(payload);
              return made ? os::JoinNamespaces(payload.child.pidfd.Get(), PayloadNamespaces(plan))
                          : made;
            })
      .Then(Stage::kEnterRoot, [&](Failure&) { return EnterRoot(prepared); })
      .Then(Stage::kHandshake, [&](Failure&) { return os::SendDescriptor(payload.link.Get(), -1); })
      // Beside the payload, which makes its network and its user namespace.
      .Then(Stage::kLandlockRules,
            [&](Failure& failure) { return MakeLandlockRules(prepared, failure); })
      .Then(Stage::kLoopback,
            [&](Failure&) {
              if (prepared.network) network::OpenLowPorts();
              return os::SysStatus();
            })
      .Then(Stage::kMapPayloadIds,
            [&](Failure&) {
              const auto made = Hear(payload);
              return made ? MapPayload(plan.identity, payload.child.pid) : made;
            })
      // The payload goes on beside us; the supervisor lets it execute when both are ready.
      .Then(Stage::kHandshake, [&](Failure&) {
        return os::SendDescriptor(payload.link.Get(), prepared.ruleset.Get());
      });
}

void Seal(Stages& stages, const Prepared& prepared) {
  const int socket = prepared.socket.Get();
  stages
      .Then(Stage::kSealRoot,
            [&](Failure&) {
              const auto done = SealRoot(prepared);
              return done ? os::WriteAll(socket, Message{.kind = MessageKind::kRooted}.Bytes())
                          : done;
            })
      // From here nobody may ptrace this task or open its memory: it is a copy of the supervisor,
      // and a payload under seccomp could otherwise act through it.
      .Then(Stage::kSealRoot, [](Failure&) { return os::SetDumpable(false); })
      .Then(Stage::kNoNewPrivileges, [](Failure&) { return os::SetNoNewPrivileges(); })
      .Then(Stage::kLandlock, [&](Failure&) { return RestrictFiles(prepared); })
      .Then(Stage::kCapabilities, [](Failure&) { return os::KeepCapabilities(0); })
      .Then(Stage::kDescriptors, [&](Failure&) { return os::CloseAllBut({{socket}}); })
      .Then(Stage::kSeccomp, [&](Failure&) { return os::AttachFilter(prepared.reaper_filter); })
      .Then(Stage::kHandshake, [&](Failure&) {
        return os::WriteAll(socket, Message{.kind = MessageKind::kSealed}.Bytes());
      });
}

}  // namespace

void RunPid1(Prepared& prepared) {
  Stages stages;
  Payload payload;
  MakeRoot(stages, prepared, payload);
  Seal(stages, prepared);
  if (stages.Failed()) Report(prepared, stages.TheFailure());
  Reap(prepared, payload.child.pid);
}

}  // namespace bailey::sandbox
