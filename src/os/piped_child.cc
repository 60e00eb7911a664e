#include "os/piped_child.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "os/file.h"
#include "os/process.h"
#include "os/unix_socket.h"

namespace bailey::os {
namespace {

constexpr int kPipeBytes = 1 << 20;
constexpr int kCannotExecute = 127;

// In the child: what it is given takes the numbers 0 and 1.
[[noreturn]] void Become(const char* path, char* const* argv, int input, int output) {
  if (!DieWithParent() || !Duplicate(input, STDIN_FILENO) || !Duplicate(output, STDOUT_FILENO) ||
      !CloseAllBut({}) || !ResetSignals())
    Exit(kCannotExecute);
  (void)Execute(path, argv, environ);  // returns only where it failed
  Exit(kCannotExecute);
}

}  // namespace

SysResult<PipedChild> StartPiped(const std::string& path, std::span<const std::string> argv) {
  auto in = MakePipe();
  if (!in) return std::unexpected(in.error());
  auto out = MakePipe();
  if (!out) return std::unexpected(out.error());
  // More than the usual 64 KiB where this user may still have so much; a smaller pipe is slower.
  (void)::fcntl((*in)[1].Get(), F_SETPIPE_SZ, kPipeBytes);
  (void)::fcntl((*out)[0].Get(), F_SETPIPE_SZ, kPipeBytes);
  for (const int end : {(*in)[1].Get(), (*out)[0].Get()})
    if (const auto set = SetNonBlocking(end); !set) return std::unexpected(set.error());
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  auto child = Fork(0);
  if (!child) return std::unexpected(child.error());
  if (child->pid == 0) Become(path.c_str(), words.data(), (*in)[0].Get(), (*out)[1].Get());
  return PipedChild{child->pid, std::move(child->pidfd), std::move((*in)[1]), std::move((*out)[0])};
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
