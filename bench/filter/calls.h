// What a filter costs in the kernel: attaching it, and the calls made under it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "bpf/instruction.h"

namespace bailey::bench {

// Nanoseconds that seccomp(2) takes to attach the filter, in a child made for it.
// Runs `make` and attaches what it gives, in a fresh child: as a launcher would, which does it
// once, in memory that it has not touched before.
struct WholeTimes {
  double read, compile, attach;
};
struct Made {
  double read, compile;
  std::vector<bpf::Instruction> filter;
};
std::optional<WholeTimes> TimeWhole(const std::function<std::optional<Made>()>& make);
std::optional<double> AttachTime(std::span<const bpf::Instruction> filter);

struct CallTimes {  // nanoseconds a call
  double getppid, ioctl, clone3, personality;
};
// In a child under the filter; none when it is empty.
std::optional<CallTimes> TimeCalls(std::span<const bpf::Instruction> filter);

double Now();  // nanoseconds
double Median(std::vector<double> values);

}  // namespace bailey::bench
