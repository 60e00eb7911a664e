// What a filter costs in the kernel: attaching it, and the calls made under it.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "bpf/instruction.h"

namespace bailey::bench {

// Nanoseconds that seccomp(2) takes to attach the filter: to the caller, or to a child made for it.
std::optional<double> AttachHere(std::span<const bpf::Instruction> filter);
std::optional<double> AttachTime(std::span<const bpf::Instruction> filter);

struct CallTimes {  // nanoseconds a call
  double getppid, ioctl, clone3, personality;
};
// In a child under the filter; none when it is empty.
std::optional<CallTimes> TimeCalls(std::span<const bpf::Instruction> filter);

// Nanoseconds that this process has had of a processor: nothing measured here waits, and what else
// the machine does counts only through its caches.
double Now();
double Median(std::vector<double> values);

}  // namespace bailey::bench
