// A filter that the kernel will accept. A Program exists only after Validate has looked at it, by
// the rules of kernel/seccomp.c (seccomp_check_filter) and net/core/filter.c (bpf_check_classic).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "bpf/instruction.h"

namespace bailey::bpf {

class Program;

// Errors are kInvalidInput with text "check filter: pc 7: <reason>".
base::Result<Program> Validate(std::vector<Instruction> instructions);
// Reads struct sock_filter records as the kernel takes them, in this machine's byte order.
base::Result<Program> Read(std::span<const std::uint8_t> bytes);
// The same in the byte order of the machine that is to run the filter, and back.
base::Result<Program> ReadAs(std::span<const std::uint8_t> bytes, bool big_endian);
std::vector<std::uint8_t> BytesAs(const Program& program, bool big_endian);

class Program {
 public:
  std::span<const Instruction> Instructions() const { return instructions_; }
  std::size_t Size() const { return instructions_.size(); }
  // The bytes that seccomp(2) and `bwrap --seccomp` take.
  std::vector<std::uint8_t> Bytes() const;
  bool operator==(const Program&) const = default;

 private:
  friend base::Result<Program> Validate(std::vector<Instruction> instructions);
  explicit Program(std::vector<Instruction> instructions)
      : instructions_(std::move(instructions)) {}
  std::vector<Instruction> instructions_;
};

}  // namespace bailey::bpf
