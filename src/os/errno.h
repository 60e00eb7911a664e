// What a system call returns here: a value, or the errno. Nothing in it allocates, so that these
// functions can be used between fork and exec.
#pragma once

#include <cerrno>
#include <expected>

namespace bailey::os {

struct Errno {
  int value = 0;
  bool operator==(const Errno&) const = default;
};

template <class T>
using SysResult = std::expected<T, Errno>;
using SysStatus = std::expected<void, Errno>;

inline std::unexpected<Errno> LastErrno() { return std::unexpected(Errno{errno}); }
inline std::unexpected<Errno> Fail(int number) { return std::unexpected(Errno{number}); }

// For calls that return -1 and set errno.
inline SysStatus Check(long result) {
  if (result == -1) return LastErrno();
  return {};
}

}  // namespace bailey::os
