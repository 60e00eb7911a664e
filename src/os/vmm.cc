#include "os/vmm.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace bailey::os {

SysStatus FillRandom(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::getrandom(bytes.data(), bytes.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return LastErrno();
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

namespace {

SysResult<base::UniqueFd> MakeFileOf(const char* name, std::uint64_t size, unsigned flags) {
  base::UniqueFd file(::memfd_create(name, MFD_CLOEXEC | flags));
  if (!file.IsOpen()) return LastErrno();
  if (const auto sized = Resize(file.Get(), size); !sized) return std::unexpected(sized.error());
  return file;
}

}  // namespace

SysResult<base::UniqueFd> MakeMemoryFile(const char* name, std::uint64_t size) {
  return MakeFileOf(name, size, 0);
}

SysResult<base::UniqueFd> MakeSealableFile(const char* name, std::uint64_t size) {
  return MakeFileOf(name, size, MFD_ALLOW_SEALING);
}

SysStatus Seal(int fd) {
  return Check(::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
}

SysResult<base::UniqueFd> OpenForReading(int fd) {
  char path[64];
  (void)::snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  base::UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file.IsOpen()) return LastErrno();
  return file;
}

SysResult<std::array<base::UniqueFd, 2>> MakeStreamPair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return LastErrno();
  return std::array{base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

SysStatus MakeFifo(int directory, const char* name, unsigned mode) {
  return Check(::mkfifoat(directory, name, mode));
}

SysResult<bool> TryLockByte(int fd, std::uint64_t offset) {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(offset);
  lock.l_len = 1;
  if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return LastErrno();
}

SysStatus Resize(int fd, std::uint64_t size) {
  return Check(::ftruncate(fd, static_cast<off_t>(size)));
}

SysStatus KeepOnExecution(int fd) { return Check(::fcntl(fd, F_SETFD, 0)); }

SysResult<std::size_t> WriteSome(int fd, std::span<const std::uint8_t> bytes) {
  for (;;) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return LastErrno();
  }
}

std::uint64_t TimeStampKilohertz() {
#if defined(__x86_64__)
  const auto now = [] {
    timespec time = {};
    ::clock_gettime(CLOCK_MONOTONIC_RAW, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
  };
  const double begin = now();
  const auto first = __rdtsc();
  const timespec pause = {0, 10'000'000};
  ::nanosleep(&pause, nullptr);
  const double end = now();
  const auto last = __rdtsc();
  return static_cast<std::uint64_t>(static_cast<double>(last - first) / (end - begin) * 1e6);
#else
  return 0;
#endif
}

std::uint64_t HostMemory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
  return pages < 0 || size < 0
             ? 0
             : static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size) >> 20;
}

SysResult<WindowSize> GetWindowSize(int terminal) {
  winsize size = {};
  if (::ioctl(terminal, TIOCGWINSZ, &size) != 0) return LastErrno();
  return WindowSize{size.ws_row, size.ws_col};
}

bool IsChildOf(int pid) { return ::getppid() == pid; }

}  // namespace bailey::os
