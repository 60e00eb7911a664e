#include "guest/task.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

#include "guest/machine.h"

namespace bailey::guest {

bool ReadText(pid_t task, std::uint64_t address, Text& text) {
  constexpr std::size_t kPage = 4096;
  text.size = 0;
  while (text.size < sizeof(text.bytes)) {
    const std::uint64_t at = address + text.size;
    iovec to = {text.bytes + text.size,
                std::min<std::size_t>(sizeof(text.bytes) - text.size, kPage - at % kPage)};
    iovec from = {reinterpret_cast<void*>(at), to.iov_len};
    const ssize_t size = ::process_vm_readv(task, &to, 1, &from, 1, 0);
    if (size <= 0) return false;
    if (const void* const end = memchr(to.iov_base, '\0', static_cast<std::size_t>(size))) {
      text.size = static_cast<std::size_t>(static_cast<const char*>(end) - text.bytes);
      return true;
    }
    text.size += static_cast<std::size_t>(size);
  }
  return true;
}

bool ReadBytes(pid_t task, std::uint64_t address, std::size_t size, Text& text) {
  iovec to = {text.bytes, std::min(size, sizeof(text.bytes))};
  iovec from = {reinterpret_cast<void*>(address), to.iov_len};
  const ssize_t count = ::process_vm_readv(task, &to, 1, &from, 1, 0);
  text.size = count > 0 ? static_cast<std::size_t>(count) : 0;
  return count > 0;
}

std::uint32_t ProcessOf(std::uint32_t thread) {
  // A group of processes has the number of the first of them, which nobody else gets meanwhile.
  if (::getpgid(static_cast<pid_t>(thread)) == static_cast<pid_t>(thread)) return thread;
  // There is one of a process's first thread only, which has its number.
  if (const long first = ::syscall(SYS_pidfd_open, thread, 0); first >= 0) {
    ::close(static_cast<int>(first));
    return thread;
  }
  Path path;
  path << "/proc/" << thread << "/status";
  const int file = ::open(path.Text(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return thread;
  char bytes[1024];
  const ssize_t size = ::read(file, bytes, sizeof(bytes));
  ::close(file);
  const std::string_view status(bytes, size > 0 ? static_cast<std::size_t>(size) : 0);
  std::size_t at = status.find("\nTgid:\t");
  if (at == std::string_view::npos) return thread;
  std::uint32_t number = 0;
  for (at += 7; at < status.size() && status[at] >= '0' && status[at] <= '9'; ++at)
    number = number * 10 + static_cast<std::uint32_t>(status[at] - '0');
  return number;
}

void ReadExecutable(std::uint32_t thread, Text& text) {
  Path path;
  path << "/proc/" << thread << "/exe";
  const ssize_t size = ::readlink(path.Text(), text.bytes, sizeof(text.bytes));
  text.size = size > 0 ? static_cast<std::size_t>(size) : 0;
}

}  // namespace bailey::guest
