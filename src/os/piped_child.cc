#include "os/piped_child.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "os/file.h"
#include "os/process.h"
#include "os/unix_socket.h"

namespace bailey::os {
namespace {

// Larger than the usual 64 KiB, so that the two ends wake each other seldom, and small enough that
// what lies in it is in the cache of the processor still: a third more than with 1 MiB.
constexpr int kPipeBytes = 256 << 10;
constexpr int kCannotExecute = 127;

struct Ends {
  int input = -1, output = -1, errors = -1, passed = -1;
};

// dup2(2) leaves a descriptor as it is that has the number already, closed on execution included.
SysStatus Give(int descriptor, int number) {
  if (descriptor == number) return Check(::fcntl(number, F_SETFD, 0));
  return Duplicate(descriptor, number);
}

SysStatus GiveEnds(const Ends& ends) {
  if (auto done = Give(ends.input, STDIN_FILENO); !done) return done;
  if (auto done = Give(ends.output, STDOUT_FILENO); !done) return done;
  if (ends.errors >= 0)
    if (auto done = Give(ends.errors, STDERR_FILENO); !done) return done;
  if (ends.passed < 0) return CloseAllBut({});
  if (auto done = Give(ends.passed, kPassed); !done) return done;
  const int kept[] = {kPassed};
  return CloseAllBut(kept);
}

// In the child.
[[noreturn]] void Become(const char* path, char* const* argv, const Ends& ends, pid_t parent) {
  // A parent that was killed before this was said would not take it along.
  if (!DieWithParent() || ::getppid() != parent || !GiveEnds(ends) || !ResetSignals())
    Exit(kCannotExecute);
  (void)Execute(path, argv, environ);  // returns only where it failed
  Exit(kCannotExecute);
}

// Not blocking, and larger than the usual 64 KiB where this user may still have so much.
SysStatus PrepareEnd(int end) {
  (void)::fcntl(end, F_SETPIPE_SZ, kPipeBytes);  // a smaller pipe is only slower
  return SetNonBlocking(end);
}

}  // namespace

SysResult<ProgramPipes> MakeProgramPipes(bool with_errors) {
  ProgramPipes pipes;
  base::UniqueFd* const own[] = {&pipes.own.input, &pipes.own.output, &pipes.own.errors};
  const std::size_t count = with_errors ? 3 : 2;
  for (std::size_t i = 0; i < count; ++i) {
    auto made = MakePipe();
    if (!made) return std::unexpected(made.error());
    const bool is_input = i == 0;
    *own[i] = std::move((*made)[is_input ? 1 : 0]);
    pipes.given[i] = std::move((*made)[is_input ? 0 : 1]);
    if (const auto set = PrepareEnd(own[i]->Get()); !set) return std::unexpected(set.error());
  }
  return pipes;
}

SysResult<PipedChild> StartPiped(const std::string& path, std::span<const std::string> argv,
                                 const PipedOptions& options) {
  auto pipes = MakeProgramPipes(options.with_errors);
  if (!pipes) return std::unexpected(pipes.error());
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const auto& given = pipes->given;
  const Ends ends = {given[0].Get(), given[1].Get(), given[2].Get(), options.passed};
  const pid_t parent = ::getpid();
  auto child = Fork(0);
  if (!child) return std::unexpected(child.error());
  if (child->pid == 0) Become(path.c_str(), words.data(), ends, parent);
  return PipedChild{{std::move(pipes->own)}, child->pid, std::move(child->pidfd)};
}

SysResult<PatientWriter> PatientWriter::Of(int descriptor) {
  PatientWriter writer;
  writer.fd_ = descriptor;
  const auto found = StatFd(descriptor);
  if (!found) return std::unexpected(found.error());
  writer.is_socket_ = S_ISSOCK(found->st_mode);
  if (S_ISFIFO(found->st_mode) || S_ISCHR(found->st_mode)) {
    char path[32];
    (void)std::snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
    // Another user's pipe cannot be opened: it is written to in small pieces then.
    auto own = Open(AT_FDCWD, path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    if (own) {
      writer.own_ = *std::move(own);
      writer.waits_ = false;
      if (S_ISFIFO(found->st_mode)) (void)::fcntl(writer.own_.Get(), F_SETPIPE_SZ, kPipeBytes);
    }
  }
  return writer;
}

PatientWriter PatientWriter::OfOwn(int descriptor) {
  PatientWriter writer;
  writer.fd_ = descriptor;
  writer.waits_ = false;
  return writer;
}

SysResult<std::size_t> PatientWriter::Write(std::string_view bytes) const {
  if (is_socket_) return SendNow(fd_, bytes);
  // A pipe that poll(2) calls writable has room for PIPE_BUF bytes: so much never blocks.
  const std::size_t most = !waits_ ? bytes.size() : std::min<std::size_t>(bytes.size(), PIPE_BUF);
  ssize_t size = -1;
  do {
    size = ::write(Descriptor(), bytes.data(), most);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return LastErrno();
  return static_cast<std::size_t>(size);
}

SysResult<std::size_t> ReadOnce(int descriptor, std::span<char> buffer) {
  ssize_t size = -1;
  do {
    size = ::read(descriptor, buffer.data(), buffer.size());
  } while (size < 0 && errno == EINTR);
  if (size < 0) return LastErrno();
  return static_cast<std::size_t>(size);
}

}  // namespace bailey::os
