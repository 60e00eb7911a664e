// Connections to the outside: a name is resolved when somebody connects to it, and not before; its
// addresses are held to the policy, and tried in turn.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "base/unique_fd.h"
#include "egress/decide.h"
#include "os/inet.h"
#include "os/poller.h"
#include "os/process.h"
#include "policy/policy.h"

namespace bailey::network {

// What the resolver's process is asked and says.
struct ResolveQuestion {
  std::uint64_t id = 0;
  std::array<char, 256> name{};  // NUL-terminated
};
struct ResolveAnswer {
  static constexpr std::size_t kMost = 16;
  std::uint64_t id = 0;
  std::uint32_t count = 0;
  std::array<std::array<std::uint8_t, 16>, kMost> addresses{};
  std::array<std::uint8_t, kMost> sizes{};
};

class Dialer {
 public:
  using Clock = std::chrono::steady_clock;

  struct Target {
    std::optional<egress::Host> host;
    base::Address address;  // where there is no host
    std::uint16_t port = 0;
    egress::Protocol protocol = egress::Protocol::kTcp;
  };
  struct Result {
    base::UniqueFd socket;                 // connected; not open: it is not
    bool through_proxy = false;            // the other side is one, to be asked first
    std::optional<base::Address> address;  // that it leads to, or would
    bool refused = false;                  // by the policy; else it could not be reached
    std::string why;
  };
  using Done = std::function<void(std::uint64_t id, Result result)>;

  // `resolver`: the program to start when the first name is to be resolved.
  Dialer(os::Poller& poller, const policy::Network& policy, std::string resolver, Done done)
      : poller_(poller), policy_(policy), resolver_(std::move(resolver)), done_(std::move(done)) {}

  void Dial(std::uint64_t id, const Target& target);
  // One of the tokens kDial and kResolver.
  void Ready(std::uint64_t token);
  void Tick(Clock::time_point now);
  bool IsIdle() const { return dials_.empty(); }

 private:
  struct Dial_ {
    Target target;
    std::vector<base::Endpoint> candidates;
    std::size_t next = 0;
    base::UniqueFd socket;
    bool through_proxy = false;
    Clock::time_point deadline;
    std::string why;
  };
  struct Cached {
    std::vector<base::Address> addresses;
    Clock::time_point until;
  };

  void Resolve(std::uint64_t id, const std::string& name);
  bool StartResolver();
  void ReadResolver();
  void Resolved(std::uint64_t id, const std::vector<base::Address>& addresses);
  void TryNext(std::uint64_t id);
  static Result Connected(Dial_& dial);
  void Finish(std::uint64_t id, Result result);

  os::Poller& poller_;
  const policy::Network& policy_;
  std::string resolver_;
  Done done_;
  std::unordered_map<std::uint64_t, Dial_> dials_;
  std::map<std::string, Cached> cache_;
  std::map<std::string, std::vector<std::uint64_t>> asked_;  // who waits for a name
  std::map<std::uint64_t, std::string> questions_;
  std::uint64_t next_question_ = 1;
  base::UniqueFd resolver_socket_;
};

}  // namespace bailey::network
