// The first bytes of a TLS connection: a verdict on a part is not taken back by what follows.
#include "network/client_hello.h"

#include "input.h"

using namespace bailey;
using Kind = network::ClientHello::Kind;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto whole = network::ReadClientHello({data, size});
  Demand((whole.kind == Kind::kNamed) == whole.host.has_value() || whole.kind == Kind::kMalformed,
         "a named hello has a name");
  const auto half = network::ReadClientHello({data, size / 2});
  if (half.kind != Kind::kIncomplete) Demand(half.kind == whole.kind, "a verdict stays");
  return 0;
}
