// The virtual machine monitor: QEMU in a sandbox of the preset vmm, held by a process that goes
// with this one, and takes the sandbox along.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "bpf/program.h"
#include "microvm/qemu.h"
#include "os/process.h"
#include "policy/policy.h"

namespace bailey::microvm {

// A policy's seccomp filters, proved.
using Prover = std::function<base::Result<std::vector<bpf::Program>>(const policy::Policy&)>;

class Vmm {
 public:
  // The numbers in `plan` are descriptors of the caller's, who may close them afterwards.
  static base::Result<Vmm> Start(const QemuPlan& plan, const Prover& prover);
  Vmm(Vmm&&) = default;
  Vmm& operator=(Vmm&&) = delete;
  ~Vmm();  // whatever happens, it does not outlive this object

  // Can be read when it has ended, or said why it could not start.
  int Descriptor() const { return report_.Get(); }
  // Whether it ends within this time.
  bool Ends(std::chrono::milliseconds patience) const;
  // Blocks until it has ended. The error says why, as far as it is known.
  base::Error WhyEnded();
  void Stop();

 private:
  Vmm() = default;
  std::string LastWords();

  os::Child keeper_;
  base::UniqueFd report_, log_;
};

}  // namespace bailey::microvm
