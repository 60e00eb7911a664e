// Netlink: messages built before they are needed, sent in one batch, and dumps read back.
//
//   Netlink batch;
//   batch.Begin(RTM_NEWADDR, NLM_F_CREATE).Append(header).Put(IFA_LOCAL, bytes).Acknowledge();
//   Transact(socket, batch.Bytes(), batch.Acknowledgements());     // allocates nothing
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

using Bytes = std::span<const std::uint8_t>;

// A row of messages. Values of attributes are put as they lie in memory.
class Netlink {
 public:
  Netlink& Begin(std::uint16_t type, std::uint16_t flags);
  template <class T>
  Netlink& Append(const T& header) {
    return AppendBytes({reinterpret_cast<const std::uint8_t*>(&header), sizeof(header)});
  }
  Netlink& Put(std::uint16_t type, Bytes value);
  Netlink& Put(std::uint16_t type, std::string_view text);      // with a NUL at its end
  Netlink& PutBig(std::uint16_t type, std::uint32_t value);     // in network order
  Netlink& PutNumber(std::uint16_t type, std::uint32_t value);  // in the host's
  // A nest has its length when it is closed.
  Netlink& OpenNest(std::uint16_t type);
  Netlink& CloseNest();
  // Asks for an answer to the last message. An error of one before is answered in any case, and
  // before it: one answer says of them all that they went well.
  Netlink& Acknowledge();

  const std::vector<std::uint8_t>& Data() const { return data_; }
  // How many answers the messages ask for (NLM_F_ACK).
  unsigned Acknowledgements() const { return acknowledgements_; }

 private:
  Netlink& AppendBytes(Bytes bytes);

  std::vector<std::uint8_t> data_;
  std::size_t message_ = 0;  // where the last one begins
  std::vector<std::size_t> nests_;
  unsigned acknowledgements_ = 0;
};

enum class NetlinkFamily : std::uint8_t { kRoute, kNetfilter };
SysResult<base::UniqueFd> OpenNetlink(NetlinkFamily family);

// Sends what was built and waits for every answer; the first one that is an error is returned.
SysStatus Transact(int socket, Bytes batch, unsigned acknowledgements);

// Sends one request with NLM_F_DUMP or without; the messages that answer it, headers included.
SysResult<std::vector<std::vector<std::uint8_t>>> Ask(int socket, Bytes request);

struct Attribute {
  std::uint16_t type = 0;  // without the flags of nesting and byte order
  Bytes value;
};
// The attributes behind a message's header of `skip` bytes, or in a nest's value (skip 0).
std::vector<Attribute> Attributes(Bytes bytes, std::size_t skip = 0);
// The value of the first one of that type; empty when there is none.
Bytes Find(std::span<const Attribute> attributes, std::uint16_t type);

}  // namespace bailey::os
