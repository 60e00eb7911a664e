// The caller's side: one command in a prepared sandbox.
//
//   auto visit = pool::Visit::Begin(directory, name, request, {0, 1, 2});
//   while (true) {
//     auto heard = visit->Listen();              // blocks; visit->Line() can be waited for instead
//     if (auto* ended = std::get_if<pool::Ended>(&*heard)) return ended->exit_status;
//   }
#pragma once

#include <array>
#include <string>
#include <variant>

#include "base/result.h"
#include "base/unique_fd.h"
#include "os/errno.h"
#include "pool/message.h"

namespace bailey::pool {

// Nobody took the command, and the program did not run: there is no such pool, or it has ended.
struct NotTaken {
  int error = 0;  // errno
};
// It was taken, and then who had it was killed: all of its sandbox is, too.
struct Lost {};
using Heard = std::variant<Taken, Ended, Refused, NotTaken, Lost>;

class Visit {
 public:
  // `directory` and `name`: of the pool's socket. kInvalidInput for a request that is too long.
  static base::Result<Visit> Begin(int directory, const std::string& name, const Request& request,
                                   std::array<int, 3> streams);

  // One that has begun before.
  static Visit Of(base::UniqueFd connection) { return Visit(std::move(connection), 0); }
  int Release() && { return connection_.Release(); }
  // False where nobody is there: Listen says so.
  bool IsOpen() const { return connection_.IsOpen(); }
  // Can be read when Listen does not block.
  int Line() const { return connection_.Get(); }
  base::Result<Heard> Listen();
  // For the program; one that has ended gets none.
  base::Status Send(Signal signal) const;

 private:
  explicit Visit(base::UniqueFd connection, int error)
      : connection_(std::move(connection)), error_(error) {}
  base::UniqueFd connection_;
  int error_ = 0;  // why there is no connection
  bool taken_ = false;
};

}  // namespace bailey::pool
