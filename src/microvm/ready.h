// Machines of a pool, from outside: who has one, and what it is asked for.
//
// A pool's name says what its machines are, so that a caller need not ask every pool there is:
// "CONTENTS-MEMORY-DRIVES-POLICY", of which CONTENTS and POLICY are hashes. A machine is for any
// program that needs no more than it has: a policy is put around the program, by whoever runs it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "microvm/files.h"
#include "microvm/original.h"
#include "pool/directory.h"

namespace bailey::microvm {

// All that the machines are made of, as one text: the image's SHA-256, and of kernel, first
// process, QEMU and bailey which file it is and when it was changed last.
base::Result<std::string> ContentsKey(const MachineFiles& files);
// `policy`: whatever tells policies apart.
std::string PoolName(const std::string& contents, const Shape& shape, const std::string& policy);
// The names of the pools that have what is needed: those of the same policy first, then by how
// little they have.
std::vector<std::string> FindFitting(const std::vector<std::string>& names,
                                     const std::string& contents, const Shape& needed,
                                     const std::string& policy);

// One machine, the caller's until it goes.
class ReadyMachine {
 public:
  // None where the pool has gone, or has none for longer than `patience`.
  static base::Result<std::optional<ReadyMachine>> Take(const pool::Directory& directory,
                                                        const std::string& name,
                                                        const std::string& contents,
                                                        std::chrono::milliseconds patience);
  base::UniqueFd TakeLine() { return std::move(line_); }
  // Which it has been greeted with; its answer is still to be heard.
  const guest::Token& Token() const { return token_; }
  base::UniqueFd TakeChanges() { return std::move(changes_); }
  const std::vector<base::UniqueFd>& Slots() const { return slots_; }
  // Why the line was cut, from who watches over the machine.
  base::Error WhyEnded();
  // Gives it back, to be unmade.
  void End() { connection_.Reset(); }

 private:
  ReadyMachine() = default;
  base::UniqueFd connection_, line_, changes_;
  std::vector<base::UniqueFd> slots_;
  guest::Token token_ = {};
};

}  // namespace bailey::microvm
