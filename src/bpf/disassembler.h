// One line an instruction, readable without knowing BPF's encoding:
//     0000  ld   [4]            ; arch
//     0001  jeq  #0xc000003e    ; x86_64        true 0002, false 0040
#pragma once

#include <string>

#include "bpf/program.h"

namespace bailey::bpf {

struct DisassembleOptions {
  bool big_endian = false;
};

std::string Disassemble(const Program& program, const DisassembleOptions& options = {});

}  // namespace bailey::bpf
