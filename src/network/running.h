// The gateway of one sandbox as its supervisor holds it: forked when the sandbox is, which finds
// everything made, and gone with it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "network/decision.h"
#include "network/gateway.h"
#include "network/plan.h"
#include "os/process.h"

namespace bailey::network {

class Running {
 public:
  // `sink` is told every decision. `plan` and `resolver` are to outlive the call of Start.
  static base::Result<Running> Make(const Plan& plan, const std::string& resolver,
                                    DecisionSink sink);
  Running(Running&& other) noexcept;
  Running& operator=(Running&&) = delete;
  ~Running();

  // In the sandbox's first process: what is the gateway's is closed.
  void LeaveToSandbox() {
    socket_.Reset();
    far_ = {};
  }
  base::Status Start();

  // The program's task sends the sockets that it made inside over this one.
  int Handoff() const { return handoff_.Get(); }
  void CloseHandoff() { handoff_.Reset(); }
  // To be read from when it is ready.
  int Descriptor() const { return socket_.Get(); }
  // Whether there may be more to read. A gateway that ended unready and said nothing had no inside:
  // the sandbox says why.
  bool IsOpen() const { return socket_.IsOpen(); }
  // kViolation where what was read back is not as planned.
  base::Status Read();
  // What was found in force inside, once it was.
  const std::optional<std::string>& Ready() const { return ready_; }
  // When the sandbox is gone: hears the last decisions.
  void Finish();

 private:
  Running(const Plan& plan, const std::string& resolver, DecisionSink sink)
      : plan_(&plan), resolver_(&resolver), sink_(std::move(sink)) {}
  const Plan* plan_;
  const std::string* resolver_;
  GatewaySockets far_;  // until it has them
  os::Child child_;
  base::UniqueFd socket_, handoff_;
  DecisionSink sink_;
  std::optional<std::string> ready_;
};

}  // namespace bailey::network
