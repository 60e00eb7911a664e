// What a client says to the explicit proxy, SOCKS and HTTP.
#include "network/proxy.h"

#include "input.h"

using namespace bailey;
using Kind = network::ProxyRequest::Kind;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const bool greeted : {false, true}) {
    const auto request = network::ReadProxyRequest({data, size}, greeted);
    Demand(request.size <= size, "a request takes no more than is there");
    if (request.kind == Kind::kTunnel || request.kind == Kind::kForward)
      Demand(request.host.has_value() != request.address.has_value(), "it is for one place");
    if (request.kind == Kind::kRefused) Demand(!request.reply.empty(), "a refusal is said");
  }
  (void)network::ReadTunnelAnswer({data, size});
  return 0;
}
