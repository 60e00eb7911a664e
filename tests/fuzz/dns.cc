// A query of the name service: what is answered is an answer, and no query again.
#include "network/dns.h"

#include "input.h"

using namespace bailey;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = network::ReadDns({data, size});
  if (read.kind == network::DnsRead::Kind::kSilence) return 0;
  const auto answer = read.kind == network::DnsRead::Kind::kQuery
                          ? network::WriteDns(read.query, {})
                          : network::WriteDnsError(read);
  Demand(answer.size() <= size + 600, "an answer is not much longer than its question");
  Demand(network::ReadDns(answer).kind == network::DnsRead::Kind::kSilence,
         "an answer is not answered");
  return 0;
}
