// Ports inside that the host's loopback reaches. The host's side listens here; a connection goes on
// through a socket that a process inside the sandbox's network makes for it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "network/plan.h"
#include "os/errno.h"

namespace bailey::network {

class Inbound {
 public:
  // Listens at each port of 127.0.0.1, and starts the process. `inside`: any socket made there.
  // Without ports there is neither.
  static base::Result<Inbound> Start(const std::vector<std::uint16_t>& ports, const InwardTo& to,
                                     int inside, bool landlock);

  // To be read from when one is ready.
  const std::vector<base::UniqueFd>& Listeners() const { return listeners_; }
  int Maker() const { return maker_.Get(); }
  std::size_t Waiting() const { return waiting_.size(); }

  // Takes a connection; it goes on when its socket is there. EAGAIN when nobody waits.
  os::SysStatus Accept(std::size_t listener);

  struct Connection {
    base::UniqueFd outside, inside;  // `inside` is about to be connected
    std::uint16_t port = 0;          // of the host's
    base::Endpoint to;
  };
  // nullopt: none now. EPIPE: the process inside is gone.
  os::SysResult<std::optional<Connection>> Next();

 private:
  std::vector<std::uint16_t> ports_;
  InwardTo to_;
  std::vector<base::UniqueFd> listeners_;
  base::UniqueFd maker_;
  std::deque<Connection> waiting_;
};

}  // namespace bailey::network
