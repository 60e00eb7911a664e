#include "os/netlink.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "os/attributes.h"

namespace bailey::os {
namespace {

constexpr std::size_t Aligned(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

// netlink(7): no dump's part is longer than 32 KiB.
using Buffer = std::array<std::uint8_t, 32768>;

SysStatus SendAll(int socket, Bytes bytes) {
  sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  const ssize_t sent = ::sendto(socket, bytes.data(), bytes.size(), 0,
                                reinterpret_cast<const sockaddr*>(&kernel), sizeof(kernel));
  if (sent < 0) return LastErrno();
  if (static_cast<std::size_t>(sent) != bytes.size()) return Fail(EMSGSIZE);
  return {};
}

SysResult<std::size_t> ReceiveSome(int socket, Buffer& buffer) {
  for (;;) {
    const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno != EINTR) return LastErrno();
  }
}

int ErrorIn(const nlmsghdr& header, Bytes message) {
  if (header.nlmsg_type != NLMSG_ERROR || message.size() < NLMSG_HDRLEN + sizeof(int)) return 0;
  int error = 0;
  std::memcpy(&error, message.data() + NLMSG_HDRLEN, sizeof(error));
  return -error;
}

// Calls act(header, message) for every whole message; stops at the first that is not.
template <class F>
void ForEach(Bytes bytes, F act) {
  while (bytes.size() >= NLMSG_HDRLEN) {
    nlmsghdr header;
    std::memcpy(&header, bytes.data(), sizeof(header));
    if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > bytes.size()) return;
    act(header, bytes.first(header.nlmsg_len));
    bytes = bytes.subspan(std::min(bytes.size(), Aligned(header.nlmsg_len)));
  }
}

}  // namespace

Netlink& Netlink::Begin(std::uint16_t type, std::uint16_t flags) {
  message_ = data_.size();
  nlmsghdr header = {};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST);
  if (flags & NLM_F_ACK) ++acknowledgements_;
  return Append(header);
}

Netlink& Netlink::AppendBytes(Bytes bytes) {
  data_.insert(data_.end(), bytes.begin(), bytes.end());
  data_.resize(Aligned(data_.size()));
  const auto length = static_cast<std::uint32_t>(data_.size() - message_);
  std::memcpy(data_.data() + message_, &length, sizeof(length));
  return *this;
}

Netlink& Netlink::Put(std::uint16_t type, Bytes value) {
  nlattr attribute = {};
  attribute.nla_type = type;
  attribute.nla_len = static_cast<std::uint16_t>(NLA_HDRLEN + value.size());
  Append(attribute);
  return AppendBytes(value);
}

Netlink& Netlink::Put(std::uint16_t type, std::string_view text) {
  std::vector<std::uint8_t> bytes(text.begin(), text.end());
  bytes.push_back(0);
  return Put(type, Bytes(bytes));
}

Netlink& Netlink::PutBig(std::uint16_t type, std::uint32_t value) {
  const std::array<std::uint8_t, 4> bytes = {
      static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
      static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
  return Put(type, Bytes(bytes));
}

Netlink& Netlink::PutNumber(std::uint16_t type, std::uint32_t value) {
  return Put(type, Bytes(reinterpret_cast<const std::uint8_t*>(&value), sizeof(value)));
}

Netlink& Netlink::OpenNest(std::uint16_t type) {
  nests_.push_back(data_.size());
  nlattr attribute = {};
  attribute.nla_type = static_cast<std::uint16_t>(type | NLA_F_NESTED);
  return Append(attribute);
}

Netlink& Netlink::CloseNest() {
  const std::size_t nest = nests_.back();
  const auto length = static_cast<std::uint16_t>(data_.size() - nest);
  std::memcpy(data_.data() + nest, &length, sizeof(length));
  nests_.pop_back();
  return *this;
}

Netlink& Netlink::Acknowledge() {
  nlmsghdr header;
  std::memcpy(&header, data_.data() + message_, sizeof(header));
  header.nlmsg_flags |= NLM_F_ACK;
  std::memcpy(data_.data() + message_, &header, sizeof(header));
  ++acknowledgements_;
  return *this;
}

SysResult<base::UniqueFd> OpenNetlink(NetlinkFamily family) {
  const int protocol = family == NetlinkFamily::kRoute ? NETLINK_ROUTE : NETLINK_NETFILTER;
  base::UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!socket.IsOpen()) return LastErrno();
  // Answers to our own requests that repeat them whole do not fit where many messages fail at once.
  const int on = 1;
  if (::setsockopt(socket.Get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) != 0)
    return LastErrno();
  return socket;
}

SysStatus Transact(int socket, Bytes batch, unsigned acknowledgements) {
  if (const auto sent = SendAll(socket, batch); !sent) return sent;
  Buffer buffer;
  int first_error = 0;
  while (acknowledgements > 0) {
    const auto size = ReceiveSome(socket, buffer);
    if (!size) return std::unexpected(size.error());
    ForEach(Bytes(buffer).first(*size), [&](const nlmsghdr& header, Bytes message) {
      if (header.nlmsg_type != NLMSG_ERROR) return;
      if (acknowledgements > 0) --acknowledgements;
      if (first_error == 0) first_error = ErrorIn(header, message);
    });
    // A batch of nf_tables that is refused as a whole is answered once.
    if (first_error != 0) return Fail(first_error);
  }
  return {};
}

SysResult<std::vector<std::vector<std::uint8_t>>> Ask(int socket, Bytes request) {
  if (const auto sent = SendAll(socket, request); !sent) return std::unexpected(sent.error());
  std::vector<std::vector<std::uint8_t>> answers;
  Buffer buffer;
  int error = 0;
  for (bool over = false; !over && error == 0;) {
    const auto size = ReceiveSome(socket, buffer);
    if (!size) return std::unexpected(size.error());
    ForEach(Bytes(buffer).first(*size), [&](const nlmsghdr& header, Bytes message) {
      error = ErrorIn(header, message);
      const bool last = header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR;
      if (!last) answers.emplace_back(message.begin(), message.end());
      over |= last || (header.nlmsg_flags & NLM_F_MULTI) == 0;
    });
  }
  if (error != 0) return Fail(error);
  return answers;
}

AttributeReader::AttributeReader(Bytes bytes, std::size_t skip)
    : rest_(bytes.subspan(std::min(bytes.size(), skip))) {}

std::optional<Attribute> AttributeReader::Next() {
  if (rest_.size() < NLA_HDRLEN) return std::nullopt;
  nlattr header;
  std::memcpy(&header, rest_.data(), sizeof(header));
  if (header.nla_len < NLA_HDRLEN || header.nla_len > rest_.size()) return std::nullopt;
  const Attribute attribute = {static_cast<std::uint16_t>(header.nla_type & NLA_TYPE_MASK),
                               rest_.subspan(NLA_HDRLEN, header.nla_len - NLA_HDRLEN)};
  rest_ = rest_.subspan(std::min(rest_.size(), Aligned(header.nla_len)));
  return attribute;
}

Bytes FindIn(Bytes bytes, std::uint16_t type, std::size_t skip) {
  AttributeReader reader(bytes, skip);
  while (const auto attribute = reader.Next())
    if (attribute->type == type) return attribute->value;
  return {};
}

std::vector<Attribute> Attributes(Bytes bytes, std::size_t skip) {
  std::vector<Attribute> attributes;
  AttributeReader reader(bytes, skip);
  while (const auto attribute = reader.Next()) attributes.push_back(*attribute);
  return attributes;
}

Bytes Find(std::span<const Attribute> attributes, std::uint16_t type) {
  const auto found = std::ranges::find(attributes, type, &Attribute::type);
  return found == attributes.end() ? Bytes() : found->value;
}

}  // namespace bailey::os
