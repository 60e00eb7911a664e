// Single things tried from where another process is: in its namespaces, below its root, with its
// ids, capabilities and filters, by children of ours that end at once. The process itself is not
// touched, and nothing is changed: files are opened and closed, sockets connected and closed.
//
//   auto tried = TryInside(place, {.deed = Deed::kConnect, .path = "/run/docker.sock"});
//   if (tried.kind == Tried::Kind::kDone) ...
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "os/process.h"

namespace bailey::os {

enum class Deed : std::uint8_t {
  kConnect,            // to the unix socket `path`
  kOpenForReading,     // `path`
  kOpenForWriting,     // `path`; where it does not exist, whether it might be made
  kFindProcess,        // by `process`, its number where we are
  kConnectToLoopback,  // 127.0.0.1:`port`
  kMakeUserNamespace,
};

struct Attempted {
  Deed deed = Deed::kOpenForReading;
  std::string path;
  std::uint16_t port = 0;
  pid_t process = 0;
};

struct Tried {
  enum class Kind : std::uint8_t { kDone, kRefused, kKilled, kNotEntered };
  Kind kind = Kind::kNotEntered;
  int error = 0;     // an errno, for kRefused and kNotEntered
  std::string step;  // what could not be entered: "its namespaces"
};

// Where a process is: what can be entered again and again, as long as it lives.
class InsideOf {
 public:
  // `filters` hold struct sock_filter records, oldest first; they are attached before an attempt.
  // Errors name what cannot be opened of it.
  static base::Result<InsideOf> Open(pid_t pid, std::vector<std::vector<std::uint8_t>> filters);

  // Needs the privilege to enter: CAP_SYS_ADMIN over its namespaces, or to own its user namespace.
  Tried Try(const Attempted& what) const;

 private:
  InsideOf() = default;
  int Enter() const;

  base::UniqueFd pidfd_, root_;
  unsigned namespaces_ = 0;  // CLONE_NEW* of those that are not ours
  bool root_differs_ = false;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  std::uint64_t capabilities_ = 0;
  std::vector<std::vector<std::uint8_t>> filters_;
};

// bubblewrap, started with these options and held when everything is set up, before its command.
class HeldBubblewrap {
 public:
  // `arguments` without the program's name. Errors say why it did not start.
  static base::Result<HeldBubblewrap> Start(const std::string& program,
                                            std::span<const std::string> arguments);
  HeldBubblewrap(HeldBubblewrap&& other) noexcept
      : child_(std::exchange(other.child_, {})),
        hold_(std::move(other.hold_)),
        inside_(std::exchange(other.inside_, -1)) {}
  HeldBubblewrap& operator=(HeldBubblewrap&&) = delete;
  ~HeldBubblewrap();

  pid_t Pid() const { return inside_; }

 private:
  HeldBubblewrap() = default;

  Child child_;
  base::UniqueFd hold_;
  pid_t inside_ = -1;
};

}  // namespace bailey::os
