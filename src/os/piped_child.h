// A program as a child of this process, spoken to through pipes.
#pragma once

#include <sys/types.h>

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

// This process's ends of a program's pipes. Not blocking.
struct PipeEnds {
  base::UniqueFd input;   // what is written here, it reads
  base::UniqueFd output;  // what it writes, is read here
  base::UniqueFd errors;  // and here what it writes to standard error, where that was asked for
};
struct ProgramPipes {
  PipeEnds own;
  std::array<base::UniqueFd, 3> given;  // the program's: input, output, errors
};
SysResult<ProgramPipes> MakeProgramPipes(bool with_errors);

struct PipedChild : PipeEnds {
  pid_t pid = -1;
  base::UniqueFd pidfd;
};

struct PipedOptions {
  bool with_errors = false;  // else standard error is this process's
  int passed = -1;           // a descriptor that the child has as kPassed
};
inline constexpr int kPassed = 3;

// The child dies with the thread that calls. Allocates before it forks.
SysResult<PipedChild> StartPiped(const std::string& path, std::span<const std::string> argv,
                                 const PipedOptions& options = {});

// Writes to a descriptor that somebody else gave, without ever waiting and without changing the
// open file, which others may share.
class PatientWriter {
 public:
  static SysResult<PatientWriter> Of(int descriptor);
  // Of one that is not blocking already.
  static PatientWriter OfOwn(int descriptor);
  int Descriptor() const { return own_.IsOpen() ? own_.Get() : fd_; }
  // As much as goes now; EAGAIN when that is nothing. To be called when poll(2) calls it writable.
  SysResult<std::size_t> Write(std::string_view bytes) const;

 private:
  int fd_ = -1;
  bool is_socket_ = false, waits_ = true;
  base::UniqueFd own_;  // the same pipe or terminal, opened once more: not blocking
};

// One read(2) from a descriptor that poll(2) calls readable; 0 at its end.
SysResult<std::size_t> ReadOnce(int descriptor, std::span<char> buffer);

}  // namespace bailey::os
