// What a machine is made of, by name.
#pragma once

#include <optional>
#include <string>

namespace bailey::microvm {

struct MachineFiles {
  std::string image;   // by name
  std::string kernel;  // a directory; empty: the installed one
  std::string init;    // the first process's executable
  std::string id;      // empty: made up
  // Where Firecracker and its jailer lie, empty for where they are installed; without it, QEMU.
  std::optional<std::string> firecracker;
};

}  // namespace bailey::microvm
