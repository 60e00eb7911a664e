// What the gateway decided, as a plain value: for reports and whoever else keeps records.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "egress/decide.h"

namespace bailey::network {

struct Decision {
  enum class Kind : std::uint8_t {
    kName,        // a name was asked for
    kConnection,  // TCP
    kDatagrams,   // a flow of UDP
    kPacket,      // refused by the rules inside, before any connection
    kProxy,       // something asked of the explicit proxy that is no request
    kInbound,     // from the host to a port inside
    kLimit,       // accepting pauses
    kLost,        // `count` decisions that there was no room to tell, or more
  };
  Kind kind = Kind::kConnection;
  bool allowed = false;
  egress::Protocol protocol = egress::Protocol::kTcp;
  std::string host;  // canonical; empty: an address alone
  std::optional<base::Address> address;
  std::uint16_t port = 0;
  std::uint64_t up = 0, down = 0;  // bytes, of what has ended
  std::uint64_t count = 0;         // of kLost
  std::string why;                 // the entry that allowed it, or why it was refused
  bool operator==(const Decision&) const = default;
};
// "connect a.test:443 (192.0.2.1)".
std::string ToString(const Decision& decision);
std::string_view ToString(Decision::Kind kind);
// The option that would allow it; nullopt where none can.
std::optional<std::string> Suggestion(const Decision& decision);

using DecisionSink = std::function<void(const Decision&)>;

// What was refused, each thing once.
class Refusals {
 public:
  static constexpr std::size_t kMost = 64;
  void Add(const Decision& decision);
  struct Entry {
    Decision decision;
    std::uint64_t times = 0;
  };
  const std::vector<Entry>& Entries() const { return entries_; }
  std::uint64_t Others() const { return others_; }  // beside those

 private:
  std::vector<Entry> entries_;
  std::uint64_t others_ = 0;
};

}  // namespace bailey::network
