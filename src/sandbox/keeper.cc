// What stands between supervisor and payload where no namespace is made: nothing dies with it but
// the payload, which asked for that.
#include "os/file.h"
#include "os/process.h"
#include "os/seccomp.h"
#include "sandbox/stages.h"

namespace bailey::sandbox {
namespace {

void Start(Stages& stages, Prepared& prepared, os::Child& payload) {
  const Plan& plan = *prepared.plan;
  stages
      .Then(Stage::kMapIds,
            [&](Failure&) {
              const auto bound = os::DieWithParent();
              return bound ? WaitFor(prepared.socket.Get(), MessageKind::kMapped) : bound;
            })
      // With the caller's rights: what the program's own id may not look into can be granted to it.
      .Then(Stage::kLandlockRules,
            [&](Failure& failure) { return MakeLandlockRules(prepared, failure); })
      .Then(Stage::kBecomeIds,
            [&](Failure&) {
              return BecomeIds(plan.identity, plan.identity.outside_uid, plan.identity.outside_gid);
            })
      .Then(Stage::kForkPayload, [&](Failure&) {
        auto forked = os::Fork(0);
        if (!forked) return os::SysStatus(std::unexpected(forked.error()));
        if (forked->pid == 0) RunPayload(prepared, -1);
        payload = std::move(*forked);
        return os::SysStatus();
      });
}

void Seal(Stages& stages, const Prepared& prepared) {
  const int socket = prepared.socket.Get();
  stages.Then(Stage::kSealRoot, [](Failure&) { return os::SetDumpable(false); })
      .Then(Stage::kNoNewPrivileges, [](Failure&) { return os::SetNoNewPrivileges(); })
      .Then(Stage::kLandlock, [&](Failure&) { return RestrictFiles(prepared); })
      .Then(Stage::kCapabilities, [](Failure&) { return os::DropCapabilities(); })
      .Then(Stage::kDescriptors, [&](Failure&) { return os::CloseAllBut({{socket}}); })
      .Then(Stage::kSeccomp, [&](Failure&) { return os::AttachFilter(prepared.reaper_filter); })
      .Then(Stage::kHandshake, [&](Failure&) {
        return os::WriteAll(socket, Message{.kind = MessageKind::kSealed}.Bytes());
      });
}

}  // namespace

void RunKeeper(Prepared& prepared) {
  Stages stages;
  os::Child payload;
  Start(stages, prepared, payload);
  Seal(stages, prepared);
  if (stages.Failed()) Report(prepared, stages.TheFailure());
  Reap(prepared, payload.pid);
}

}  // namespace bailey::sandbox
