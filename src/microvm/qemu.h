// QEMU's microvm machine as a command line, decided before anything is started.
#pragma once

#include <cstdint>
#include <optional>
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
  // The machine's memory is a file, and it can be talked to: for one that others are made of.
  struct Copying {
    int memory = -1, monitor = -1;
    int state = -1;  // of one that this begins as: what it changes of the memory is its own then
    bool operator==(const Copying&) const = default;
  };
  bool kvm = false;  // else TCG, which needs no privilege and no device
  std::uint64_t memory_mib = 256;
  std::uint64_t kilohertz = 0;  // of the time stamp counter, which the guest cannot calibrate
  int kernel = -1, initramfs = -1, line = -1;
  std::vector<Drive> drives;
  int network = -1;     // what the guest's interface ends in, a TAP; none: it has no interface
  bool stream = false;  // a stream to passt instead
  std::optional<Copying> copying;
  bool operator==(const QemuPlan&) const = default;
};

// The serial number of the drive that the guest writes what was changed to.
inline constexpr const char* kChangesDrive = "changes";
inline constexpr const char* kQemu = "qemu-system-x86_64";
std::vector<std::string> QemuArguments(const QemuPlan& plan);

}  // namespace bailey::microvm
