// One line an instruction, readable without knowing BPF's encoding:
//
//     0000  ld    [4]                                     ; arch
//     0001  jeq   #0xc000003e      true 0002  false 0005  ; x86_64
//     0002  ld    [0]                                     ; nr
//     0003  jeq   #0x3b            true 0004  false 0005  ; execve
//     0004  ret   #0x50001                                ; EPERM
//     0005  ret   #0x7fff0000                             ; allow
//
// Call names and errnos are those of the architecture that every way to the instruction has
// compared `arch` with; where ways differ, numbers stay numbers.
#pragma once

#include <string>

#include "bpf/program.h"

namespace bailey::bpf {

struct DisassembleOptions {
  bool big_endian = false;
};

std::string Disassemble(const Program& program, const DisassembleOptions& options = {});

}  // namespace bailey::bpf
