// The heads of the messages that a call sends on a netlink socket, as they lie in its caller's
// memory. Nothing here allocates: a machine's first process reads them, too.
//
// What comes from memory may change before the kernel reads it: nothing may be decided by it. All
// that is read is bounded, and where there is more, `is_more` says so.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "abi/sends.h"

namespace bailey::audit {

// A call that sends on a socket.
struct Send {
  std::int32_t socket = -1;
  abi::SendForm form = abi::SendForm::kBytes;
  std::uint64_t address = 0;
  std::uint64_t size = 0;   // of kBytes: bytes; of kMessages: how many
  unsigned word_bytes = 8;  // of a pointer of the caller
  bool operator==(const Send&) const = default;
};

// include/uapi/linux/netlink.h
inline constexpr int kNetlinkRoute = 0, kNetlinkSockDiag = 4, kNetlinkXfrm = 6,
                     kNetlinkNetfilter = 12;
inline constexpr std::uint16_t kFirstNetlinkType = 16;  // NLMSG_MIN_TYPE, and RTM_BASE
inline constexpr std::uint16_t kSockDestroy = 21;       // include/uapi/linux/sock_diag.h

// Whether a message asks for a change, or is one that the kernel takes from nobody without
// CAP_NET_ADMIN. Types of NETLINK_ROUTE come in fours, of which the third only asks
// (net/core/rtnetlink.c, rtnetlink_rcv_msg).
constexpr bool IsNetlinkChange(int protocol, std::uint16_t type) {
  if (type < kFirstNetlinkType) return false;
  return protocol == kNetlinkXfrm || protocol == kNetlinkNetfilter ||
         (protocol == kNetlinkRoute && type % 4 != 2) ||
         (protocol == kNetlinkSockDiag && type == kSockDestroy);
}

// The types of those that ask for a change, each once, in their order.
struct NetlinkTypes {
  std::array<std::uint16_t, 8> types = {};
  std::size_t count = 0;
  bool is_more = false;  // than this, or than is read

  void Add(std::uint16_t type) {
    const auto known = std::span(types).first(count);
    if (std::ranges::find(known, type) != known.end()) return;
    if (count == types.size())
      is_more = true;
    else
      types[count++] = type;
  }
};

// `Read`: bool(std::uint64_t address, std::span<char>), false where not all of it can be read.
template <class Read>
class NetlinkReader {
 public:
  explicit NetlinkReader(Read read) : read_(read) {}

  // What socketcall's arguments say (include/uapi/linux/net.h); nullopt where it sends nothing.
  std::optional<Send> Demultiplex(std::uint32_t selector, std::uint64_t address,
                                  unsigned word_bytes) {
    constexpr std::pair<std::uint32_t, abi::SendForm> kSelectors[] = {
        {9, abi::SendForm::kBytes},
        {11, abi::SendForm::kBytes},
        {16, abi::SendForm::kMessage},
        {20, abi::SendForm::kMessages}};
    for (const auto& [number, form] : kSelectors) {
      std::array<std::uint64_t, 3> words;
      if (number != selector || !Words(address, word_bytes, words)) continue;
      return Send{static_cast<std::int32_t>(words[0]), form, words[1], words[2], word_bytes};
    }
    return std::nullopt;
  }

  NetlinkTypes TypesOf(const Send& send, int protocol) {
    NetlinkTypes types;
    heads_ = 0;
    if (send.form == abi::SendForm::kBytes) {
      const Piece whole = {send.address, send.size};
      AddTypes({&whole, 1}, protocol, types);
      return types;
    }
    // struct mmsghdr is a struct msghdr and a length (<linux/socket.h>).
    const std::uint64_t step = send.word_bytes == 8 ? 64 : 32;
    const std::uint64_t count = send.form == abi::SendForm::kMessage ? 1 : send.size & 0xffffffff;
    types.is_more = count > kMostMessages;
    for (std::uint64_t i = 0; i < std::min(count, kMostMessages); ++i)
      AddMessage(send.address + i * step, send.word_bytes, protocol, types);
    return types;
  }

 private:
  static constexpr std::uint64_t kMostPieces = 64;    // of a message; UIO_MAXIOV is 1024
  static constexpr std::uint64_t kMostMessages = 16;  // of a sendmmsg
  static constexpr std::size_t kMostHeads = 64;       // of all that a call sends

  struct Piece {
    std::uint64_t address = 0, size = 0;
  };
  struct Head {  // struct nlmsghdr
    std::uint32_t size;
    std::uint16_t type, flags;
    std::uint32_t sequence, port;
  };
  static constexpr std::uint16_t kRequest = 1;  // the kernel passes over all others

  // In the caller's byte order, which is this machine's.
  bool Words(std::uint64_t address, unsigned bytes, std::span<std::uint64_t> words) {
    std::array<char, 2 * kMostPieces * 8> room;
    const auto text = std::span(room).first(words.size() * bytes);
    if (!read_(address, text)) return false;
    for (std::size_t i = 0; i < words.size(); ++i) {
      words[i] = 0;
      std::memcpy(&words[i], text.data() + i * bytes, bytes);
    }
    return true;
  }

  void AddMessage(std::uint64_t message, unsigned bytes, int protocol, NetlinkTypes& types) {
    std::array<std::uint64_t, 4> words;  // the third and the fourth: its pieces, and how many
    if (!Words(message, bytes, words)) return;
    types.is_more |= words[3] > kMostPieces;
    const std::uint64_t count = std::min(words[3], kMostPieces);
    std::array<std::uint64_t, 2 * kMostPieces> pairs;
    if (!Words(words[2], bytes, std::span(pairs).first(2 * count))) return;
    std::array<Piece, kMostPieces> pieces;
    for (std::size_t i = 0; i < count; ++i) pieces[i] = {pairs[2 * i], pairs[2 * i + 1]};
    AddTypes(std::span(pieces).first(count), protocol, types);
  }

  // As net/netlink/af_netlink.c, netlink_rcv_skb, goes from one message to the next.
  void AddTypes(std::span<const Piece> pieces, int protocol, NetlinkTypes& types) {
    std::uint64_t offset = 0;
    while (const auto head = HeadAt(pieces, offset)) {
      if (head->size < sizeof(Head)) return;
      if (heads_++ == kMostHeads) {
        types.is_more = true;
        return;
      }
      if ((head->flags & kRequest) != 0 && IsNetlinkChange(protocol, head->type))
        types.Add(head->type);
      offset += (std::uint64_t{head->size} + 3) & ~std::uint64_t{3};
    }
  }

  // At an offset into pieces that the kernel reads as one.
  std::optional<Head> HeadAt(std::span<const Piece> pieces, std::uint64_t offset) {
    std::array<char, sizeof(Head)> bytes;
    std::size_t have = 0;
    for (const Piece& piece : pieces) {
      if (offset >= piece.size) {
        offset -= piece.size;
        continue;
      }
      const std::size_t wanted = std::min(piece.size - offset, bytes.size() - have);
      if (!read_(piece.address + offset, std::span(bytes).subspan(have, wanted)))
        return std::nullopt;
      have += wanted;
      offset = 0;
      if (have < bytes.size()) continue;
      Head head;
      std::memcpy(&head, bytes.data(), sizeof(head));
      return head;
    }
    return std::nullopt;
  }

  Read read_;
  std::size_t heads_ = 0;
};

}  // namespace bailey::audit
