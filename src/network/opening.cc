#include "network/opening.h"

#include "network/plan.h"
#include "os/netlink.h"
#include "os/nftables.h"

namespace bailey::network {

bool OpenName(int netfilter, const std::string& table, const NameTable::Addresses& addresses,
              const std::vector<egress::PortSet>& ports, bool ipv6) {
  for (const base::Address& address : {addresses.v4, addresses.v6}) {
    if (address.IsV6() && !ipv6) continue;
    const NameElements elements = ElementsOf(address, ports);
    for (const bool ranges : {false, true}) {
      const bool v6 = address.IsV6();
      const os::nft::Set set{std::string(ranges ? RangeSet(v6) : PairSet(v6)), v6, ranges,
                             ranges ? elements.ranges : elements.pairs};
      if (set.elements.empty()) continue;
      const os::Netlink batch = os::nft::AddElements(table, set);
      if (!os::Transact(netfilter, batch.Data(), batch.Acknowledgements())) return false;
    }
  }
  return true;
}

Decision AboutPacket(const Packet& packet, const egress::Host* name, const egress::Egress& egress) {
  Decision decision;
  decision.kind = Decision::Kind::kPacket;
  decision.protocol = packet.protocol;
  decision.port = packet.to.port;
  if (name) {
    decision.host = name->Text();
    decision.why = egress.Decide(*name, packet.to.port, packet.protocol).why;
    return decision;
  }
  decision.address = packet.to.address;
  decision.why = packet.other
                     ? "only TCP and UDP can be allowed"
                     : egress.Decide(packet.to.address, packet.to.port, packet.protocol).why;
  return decision;
}

}  // namespace bailey::network
