// What a filter costs in the kernel: attaching it, and the calls made under it.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "bpf/instruction.h"

namespace bailey::bench {

// Nanoseconds that seccomp(2) takes to attach the filter, in a child made for it.
std::optional<double> AttachTime(std::span<const bpf::Instruction> filter);

struct CallTimes {  // nanoseconds a call
  double getppid, ioctl, clone3, personality;
};
// In a child under the filter; none when it is empty.
std::optional<CallTimes> TimeCalls(std::span<const bpf::Instruction> filter);

double Now();  // nanoseconds
double Median(std::vector<double> values);

}  // namespace bailey::bench
