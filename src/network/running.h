// The gateway of one sandbox as its supervisor holds it: forked before the sandbox is, gone with
// it.
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
  // `sink` is told every decision.
  static base::Result<Running> Start(const Plan& plan, const std::string& resolver,
                                     DecisionSink sink);
  Running(Running&& other) noexcept;
  Running& operator=(Running&&) = delete;
  ~Running();

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
  Running(os::Child child, base::UniqueFd socket, base::UniqueFd handoff, DecisionSink sink)
      : child_(std::move(child)),
        socket_(std::move(socket)),
        handoff_(std::move(handoff)),
        sink_(std::move(sink)) {}
  os::Child child_;
  base::UniqueFd socket_, handoff_;
  DecisionSink sink_;
  std::optional<std::string> ready_;
};

}  // namespace bailey::network
