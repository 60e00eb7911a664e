// The worker's part of the name service: queries over UDP and TCP, read, asked about, answered.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "base/unique_fd.h"
#include "network/dns.h"
#include "network/wire.h"

namespace bailey::network {

// One connection of DNS over TCP: messages behind their lengths.
struct DnsStream {
  base::UniqueFd socket;
  std::vector<std::uint8_t> in, out;
  std::size_t asked = 0;  // and not answered yet
  bool ended = false;
};

class NameService {
 public:
  using Ask = std::function<void(const Wire&)>;
  // `udp` stays the caller's.
  NameService(int udp, Ask ask) : udp_(udp), ask_(std::move(ask)) {}

  // Reads what there is, a fair share of it.
  void ReadDatagrams(std::span<std::uint8_t> scratch);
  // False when it is to be closed.
  bool Serve(std::uint64_t id, DnsStream& stream, std::span<std::uint8_t> scratch);
  // The decider has answered; nullptr or the stream that has more to send now.
  DnsStream* Answer(const Wire& answer, std::unordered_map<std::uint64_t, DnsStream>& streams);

 private:
  struct Waiting {
    DnsQuery query;
    base::Endpoint from;       // over UDP
    std::uint64_t stream = 0;  // over TCP
  };
  // What to answer at once, if anything; what the decider is asked about waits.
  std::vector<std::uint8_t> Take(std::span<const std::uint8_t> message, const base::Endpoint& from,
                                 std::uint64_t stream);
  int udp_;
  Ask ask_;
  std::map<std::uint64_t, Waiting> waiting_;
  std::uint64_t next_ = 1;
};

}  // namespace bailey::network
