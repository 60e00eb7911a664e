// A machine that others begin as: started once, warmed up and written down, so that a copy of it
// is there in a tenth of the time. What a copy begins with is sealed: nothing that a copy does
// reaches another.
//
// Two copies would go on with the same random numbers and an old clock: each is greeted anew, with
// a token, a seed and the time of its own, before anything runs in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "bpf/program.h"
#include "image/kernel.h"
#include "image/store.h"
#include "microvm/plan.h"
#include "microvm/vmm.h"
#include "os/events.h"

namespace bailey::microvm {

// What a machine is made with, and cannot get later.
struct Shape {
  std::uint64_t memory_mib = 0;
  std::size_t drives = 0;  // for what is carried in
  bool operator==(const Shape&) const = default;
};
// How much one of these drives holds; what is not written of it takes no memory.
inline constexpr std::uint64_t kDriveBytes = std::uint64_t{64} << 30;
// Their serial numbers, from 0 on.
std::string SlotName(std::size_t slot);

struct Copy {
  Vmm vmm;
  base::UniqueFd line;                // nothing is on its way there
  std::vector<base::UniqueFd> slots;  // to be written to before anything is mounted
  base::UniqueFd changes;
};

class Original {
 public:
  // `plan`: of what is run in each machine before it counts as ready, so that all code on the way
  // of a program has run once.
  // `heard`: the newest of its filters, where that one hands calls to the guest.
  static base::Result<Original> Make(const MachinePlan& plan, const Shape& shape,
                                     const sandbox::Plan& sandbox, image::Image image,
                                     image::Kernel kernel, std::optional<bpf::Program> heard,
                                     const Prover& prover);
  // One that is ready. `signals`: that of its owner, who has it for as long as the copy: a signal
  // that ends the owner while it takes a machine down leaves what the machine's keeper has made.
  base::Result<Copy> MakeCopy(const Prover& prover, os::SignalQueue& signals) const;
  // What MakeCopy needs to stay open.
  std::vector<int> Descriptors() const;
  // Bytes that it holds: of its memory, and of its state.
  std::uint64_t Bytes() const;

 private:
  struct Machine;
  Original(const MachinePlan& plan, const Shape& shape, const sandbox::Plan& sandbox)
      : plan_(plan), shape_(shape), sandbox_(sandbox) {}
  base::Result<Machine> Start(const Prover& prover, int state) const;
  // `preload`: how many MiB of its image it then reads.
  base::Status WarmUp(Machine& machine, os::SignalQueue& signals, std::uint32_t preload = 0) const;

  MachinePlan plan_;
  Shape shape_;
  sandbox::Plan sandbox_;
  std::optional<bpf::Program> heard_;
  image::Image image_;
  image::Kernel kernel_;
  std::uint64_t kilohertz_ = 0;
  base::UniqueFd memory_, state_;
};

}  // namespace bailey::microvm
