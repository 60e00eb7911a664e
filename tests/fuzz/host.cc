// A host's name and an entry: what is read once reads the same again.
#include "egress/host.h"

#include "egress/rule.h"
#include "input.h"

using namespace bailey;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = Text(data, size);
  if (const auto host = egress::Host::Parse(text)) {
    const auto again = egress::Host::Parse(host->Text());
    Demand(again && *again == *host, "a canonical name is canonical");
    Demand(!base::ParseAddress(host->Text()), "a name is no address");
  }
  for (const auto list : {egress::RuleList::kAllow, egress::RuleList::kDeny}) {
    const auto rule = egress::ParseRule(text, list);
    if (!rule) continue;
    const auto again = egress::ParseRule(egress::ToString(*rule), list);
    Demand(again && *again == *rule, "a written entry reads the same");
  }
  return 0;
}
