#include "microvm/backend.h"

#include <utility>

#include "os/vmm.h"

namespace bailey::microvm {
namespace {

constexpr const char* kInSandbox =
    "in a sandbox of the preset vmm, with a filter of its own on top";

class Qemu : public Backend {
 public:
  Qemu(Vmm vmm, base::UniqueFd line) : vmm_(std::move(vmm)), line_(std::move(line)) {}
  base::Result<base::UniqueFd> TakeLine() override { return std::move(line_); }
  base::Error WhyEnded() override { return vmm_.WhyEnded(); }
  // It is used once, and what it was asked to write has been written.
  void End() override { vmm_.Stop(); }
  const char* Isolation() const override { return "microvm (qemu, tcg)"; }
  const char* Confinement() const override { return kInSandbox; }

 private:
  Vmm vmm_;
  base::UniqueFd line_;
};

class Jailed : public Backend {
 public:
  explicit Jailed(std::unique_ptr<Firecracker> machine) : machine_(std::move(machine)) {}
  base::Result<base::UniqueFd> TakeLine() override { return machine_->Connect(); }
  base::Error WhyEnded() override { return machine_->WhyEnded(); }
  void End() override { machine_->Stop(); }
  base::UniqueFd TakeWritten() override { return machine_->TakeWritten(); }
  bool IsAskedFirst() const override { return true; }
  const char* Isolation() const override { return "microvm (firecracker, kvm)"; }
  const char* Confinement() const override {
    return "in its jailer's root, with a user, namespaces and a control group of its own, and its "
           "built-in filters";
  }

 private:
  std::unique_ptr<Firecracker> machine_;
};

class OfPool : public Backend {
 public:
  explicit OfPool(ReadyMachine ready) : ready_(std::move(ready)) {}
  base::Result<base::UniqueFd> TakeLine() override { return ready_.TakeLine(); }
  std::optional<guest::Token> Greeted() const override { return ready_.Token(); }
  base::Error WhyEnded() override { return ready_.WhyEnded(); }
  void End() override { ready_.End(); }
  const char* Isolation() const override { return "microvm (qemu, tcg)"; }
  const char* Confinement() const override { return kInSandbox; }

 private:
  ReadyMachine ready_;
};

}  // namespace

base::Result<std::unique_ptr<Backend>> StartQemu(QemuPlan plan, const Prover& prover) {
  auto pair = os::MakeStreamPair();
  if (!pair) return base::SystemError("make the line to the guest", pair.error().value);
  plan.line = (*pair)[1].Get();
  auto vmm = Vmm::Start(plan, prover);
  if (!vmm) return vmm.error();
  return std::make_unique<Qemu>(*std::move(vmm), std::move((*pair)[0]));
}

base::Result<std::unique_ptr<Backend>> StartFirecracker(const FirecrackerHost& host,
                                                        const std::string& id,
                                                        const JailContents& contents,
                                                        std::chrono::milliseconds patience,
                                                        os::SignalQueue& signals) {
  auto machine = Firecracker::Start(host, id, contents, patience, signals);
  if (!machine) return machine.error();
  return std::make_unique<Jailed>(*std::move(machine));
}

std::unique_ptr<Backend> UseReady(ReadyMachine ready) {
  return std::make_unique<OfPool>(std::move(ready));
}

}  // namespace bailey::microvm
