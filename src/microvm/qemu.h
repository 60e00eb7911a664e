// QEMU's microvm machine as a command line, decided before anything is started.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bailey::microvm {

struct Drive {
  std::string serial;  // by which the guest finds it
  bool write = false;
  int descriptor = -1;
  bool operator==(const Drive&) const = default;
};

// Descriptors are numbers that QEMU has when it starts: nothing of the machine has a name on disk.
struct QemuPlan {
  bool kvm = false;  // else TCG, which needs no privilege and no device
  std::uint64_t memory_mib = 256;
  std::uint64_t kilohertz = 0;  // of the time stamp counter, which the guest cannot calibrate
  int kernel = -1, initramfs = -1, line = -1;
  std::vector<Drive> drives;
  bool operator==(const QemuPlan&) const = default;
};

inline constexpr const char* kQemu = "qemu-system-x86_64";
std::vector<std::string> QemuArguments(const QemuPlan& plan);

}  // namespace bailey::microvm
