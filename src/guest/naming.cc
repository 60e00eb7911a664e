#include "guest/naming.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "guest/machine.h"

namespace bailey::guest {
namespace {

// Where a relative path starts, as the root of this process has it: the program's lies at its top.
bool ReadStart(const Naming& naming, const bpf::SeccompData& call, pid_t task, Text& start) {
  Path link;
  link << "/proc/" << static_cast<std::size_t>(task);
  const auto directory = naming.directory < call.args.size()
                             ? static_cast<std::int32_t>(call.args[naming.directory])
                             : AT_FDCWD;
  if (directory == AT_FDCWD) {
    link << "/cwd";
  } else if (directory >= 0) {
    link << "/fd/" << static_cast<std::size_t>(directory);
  } else {
    return false;
  }
  const ssize_t size = ::readlink(link.Text(), start.bytes, sizeof(start.bytes));
  start.size = size > 0 ? static_cast<std::size_t>(size) : 0;
  return start.size > 0 && start.size < sizeof(start.bytes) && start.bytes[0] == '/';
}

// False where it is empty, cut off, or starts at what has no name.
bool ReadPath(const Naming& naming, const bpf::SeccompData& call, pid_t task, Text& path) {
  static Text named;
  if (!ReadText(task, call.args[naming.path], named) || named.size == 0 ||
      named.size == sizeof(named.bytes))
    return false;
  path.size = 0;
  if (named.bytes[0] != '/') {
    if (!ReadStart(naming, call, task, path)) return false;
    if (path.size + 1 + named.size >= sizeof(path.bytes)) return false;
    path.bytes[path.size++] = '/';
  }
  memcpy(path.bytes + path.size, named.bytes, named.size);
  path.size += named.size;
  path.slot = naming.path;
  return true;
}

bool Writes(const Naming& naming, const bpf::SeccompData& call) {
  if (naming.flags >= call.args.size()) return naming.writes == 1;
  const std::uint64_t flags = call.args[naming.flags];
  return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
}

// As the task sees it; a link that it ends with is itself there.
bool IsThere(pid_t task, const Text& path) {
  Path place;
  place << "/proc/" << static_cast<std::size_t>(task) << "/root";
  const int root = ::open(place.Text(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return false;
  static char text[sizeof(path.bytes) + 1];
  memcpy(text, path.bytes, path.size);
  text[path.size] = '\0';
  open_how how = {};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  const auto found = static_cast<int>(::syscall(SYS_openat2, root, text, &how, sizeof(how)));
  if (found >= 0) ::close(found);
  ::close(root);
  return found >= 0;
}

}  // namespace

std::size_t FilesOf(const Command& command, const bpf::SeccompData& call, pid_t task,
                    std::span<Text> paths) {
  const auto namings = std::span(command.namings).first(command.naming_count);
  const auto key = [](const Naming& naming) { return std::pair(naming.arch, naming.number); };
  const auto of_call = std::ranges::equal_range(namings, std::pair(call.arch, call.nr), {}, key);
  std::size_t count = 0;
  for (const Naming& naming : of_call) {
    if (count == std::min(paths.size(), Used::kMostNames)) break;
    Text& path = paths[count];
    if (naming.path >= call.args.size() || !ReadPath(naming, call, task, path)) continue;
    path.is_there = IsThere(task, path);
    if (!path.is_there || Writes(naming, call)) ++count;
  }
  return count;
}

}  // namespace bailey::guest
