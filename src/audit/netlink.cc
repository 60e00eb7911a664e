#include "audit/netlink.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

namespace bailey::audit {
namespace {

// include/uapi/linux/rtnetlink.h, Linux 6.18.
constexpr std::string_view kKinds[] = {"NEW", "DEL", "GET", "SET"};
constexpr std::string_view kObjects[] = {
    "LINK",      "ADDR",    "ROUTE",    "NEIGH",     "RULE",          "QDISC",    "TCLASS",
    "TFILTER",   "ACTION",  "PREFIX",   "MULTICAST", "ANYCAST",       "NEIGHTBL", "NDUSEROPT",
    "ADDRLABEL", "DCB",     "NETCONF",  "MDB",       "NSID",          "STATS",    "CACHEREPORT",
    "CHAIN",     "NEXTHOP", "LINKPROP", "VLAN",      "NEXTHOPBUCKET", "TUNNEL"};

std::string TextOf(int protocol, std::uint16_t type) {
  const auto object = static_cast<std::size_t>(type - kFirstNetlinkType) / std::size(kKinds);
  switch (protocol) {
    case kNetlinkRoute:
      if (object >= std::size(kObjects)) return fmt::format("NETLINK_ROUTE {:#x}", type);
      return fmt::format("RTM_{}{}", kKinds[type % std::size(kKinds)], kObjects[object]);
    case kNetlinkSockDiag:
      return "SOCK_DESTROY";
    case kNetlinkXfrm:
      return fmt::format("NETLINK_XFRM {:#x}", type);
    default:
      return fmt::format("NETLINK_NETFILTER {:#x}", type);
  }
}

auto ReaderOf(const Memory& memory) {
  return NetlinkReader([&memory](std::uint64_t address, std::span<char> bytes) {
    if (bytes.empty()) return true;
    const auto read = memory(address, bytes.size());
    if (!read || read->size() < bytes.size()) return false;
    std::ranges::copy(*read, bytes.begin());
    return true;
  });
}

}  // namespace

std::optional<Send> SendOf(const bpf::SeccompData& call, const Memory& memory) {
  const auto arch = ArchOf(call);
  const auto form = arch ? abi::SendFormOf(NameOf(call)) : std::nullopt;
  if (!form) return std::nullopt;
  const unsigned word_bytes = abi::PointerBytes(*arch);
  if (*form == abi::SendForm::kMultiplexed) {
    const auto selector = static_cast<std::uint32_t>(call.args[0]);
    return ReaderOf(memory).Demultiplex(selector, call.args[1], word_bytes);
  }
  return Send{static_cast<std::int32_t>(call.args[0]), *form, call.args[1], call.args[2],
              word_bytes};
}

std::vector<std::string> NetlinkTexts(int protocol, const NetlinkTypes& types) {
  std::vector<std::string> texts;
  for (const std::uint16_t type : std::span(types.types).first(types.count))
    texts.push_back(TextOf(protocol, type));
  if (types.is_more) texts.push_back("more than is read");
  return texts;
}

std::vector<std::string> NetlinkChanges(const Send& send, int protocol, const Memory& memory) {
  return NetlinkTexts(protocol, ReaderOf(memory).TypesOf(send, protocol));
}

Call DecodeChanges(const bpf::SeccompData& call, const std::vector<std::string>& changes) {
  Call decoded = Decode(call, "continue", {});
  for (const std::string& change : changes) decoded.arguments.push_back({"message", change, true});
  return decoded;
}

}  // namespace bailey::audit
