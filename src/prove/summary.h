// What a filter does, for people: per architecture which calls are answered how, and when.
//
//   x86_64
//     EPERM: mount, umount2
//     ioctl: EPERM when cmd == TIOCSTI, else allow
//     every other call of its table: allow
//     numbers that no table names: ENOSYS
//   other architectures: kill-process
#pragma once

#include <string>

#include "base/result.h"
#include "bpf/program.h"

namespace bailey::prove {

// kUnsupported where the limits of work end it first.
base::Result<std::string> Summarize(const bpf::Program& program, bool big_endian);

}  // namespace bailey::prove
