// The name service's messages (RFC 1035): questions read, answers written. Pure; the bytes come
// from the program inside.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/address.h"
#include "egress/host.h"

namespace bailey::network {

// What a question is about. Names that are none in our one form are kept out as kOther.
struct DnsQuestion {
  enum class Kind : std::uint8_t {
    kAddress4,
    kAddress6,
    kPointer,    // the name of an address: `address`
    kOtherType,  // of a name, any other record
    kNoName,     // the name has no canonical form
  };
  Kind kind = Kind::kNoName;
  std::optional<egress::Host> host;
  std::optional<base::Address> address;
  bool operator==(const DnsQuestion&) const = default;
};

struct DnsQuery {
  std::uint16_t id = 0;
  bool recursion_desired = false;
  DnsQuestion question;
  std::vector<std::uint8_t> question_bytes;  // as they came: an answer repeats them
  bool operator==(const DnsQuery&) const = default;
};

struct DnsRead {
  enum class Kind : std::uint8_t {
    kQuery,
    kSilence,         // nothing that can be answered: too short, or an answer itself
    kFormatError,     // `query.id` alone counts
    kNotImplemented,  // another operation than a query, or another class than the internet's
  };
  Kind kind = Kind::kSilence;
  DnsQuery query;
};
DnsRead ReadDns(std::span<const std::uint8_t> message);

struct DnsAnswer {
  enum class Kind : std::uint8_t {
    kAddress,     // `address`
    kPointer,     // `name`
    kEmpty,       // the name is there, and has no such record
    kNoSuchName,  // NXDOMAIN; never REFUSED, which libraries take for a failing server
  };
  Kind kind = Kind::kNoSuchName;
  std::optional<base::Address> address;
  std::optional<egress::Host> name;
};
std::vector<std::uint8_t> WriteDns(const DnsQuery& query, const DnsAnswer& answer);
// FORMERR or NOTIMP, by what was read.
std::vector<std::uint8_t> WriteDnsError(const DnsRead& read);

}  // namespace bailey::network
