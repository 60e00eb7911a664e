// Firecracker's API over its socket (HTTP/1.1), as its only client. The monitor stands next to the
// guest: an answer is bounded in size and time, and what is wrong with it is one line.
#pragma once

#include <chrono>
#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "microvm/firecracker_request.h"

namespace bailey::microvm {

class FirecrackerClient {
 public:
  // `socket`: connected.
  static base::Result<FirecrackerClient> Make(base::UniqueFd socket);
  FirecrackerClient(FirecrackerClient&&) noexcept;
  FirecrackerClient& operator=(FirecrackerClient&&) noexcept;
  ~FirecrackerClient();

  // Blocks until it is answered with 204, as all of Firecracker's changes are. kUnsupported where
  // it refuses, is gone or has not answered within `patience`; kViolation for an answer that is
  // none. After an error the connection is good for nothing more.
  base::Status Send(const ApiRequest& request, std::chrono::milliseconds patience);

 private:
  struct Connection;
  explicit FirecrackerClient(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace bailey::microvm
