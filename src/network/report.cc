#include "network/report.h"

#include <algorithm>

namespace bailey::network {

Report Write(const Decision& decision) {
  Report report;
  report.decision = static_cast<std::uint8_t>(decision.kind);
  report.allowed = decision.allowed;
  report.protocol = static_cast<std::uint8_t>(decision.protocol);
  report.port = decision.port;
  if (decision.address) report.address = WireAddress(*decision.address);
  report.up = decision.up;
  report.count = decision.count;
  report.down = decision.down;
  const auto put = [](std::string_view text, auto& array, std::uint16_t& size) {
    text = text.substr(0, array.size());
    std::ranges::copy(text, array.begin());
    size = static_cast<std::uint16_t>(text.size());
  };
  put(decision.host, report.host, report.host_size);
  put(decision.why, report.why, report.why_size);
  return report;
}

Decision Read(const Report& report) {
  Decision decision;
  decision.kind = static_cast<Decision::Kind>(
      std::min<std::uint8_t>(report.decision, static_cast<std::uint8_t>(Decision::Kind::kLost)));
  decision.allowed = report.allowed != 0;
  decision.protocol = report.protocol == 0 ? egress::Protocol::kTcp : egress::Protocol::kUdp;
  decision.port = report.port;
  decision.address = report.address.Get();
  decision.up = report.up;
  decision.count = report.count;
  decision.down = report.down;
  decision.host.assign(report.host.data(),
                       std::min<std::size_t>(report.host_size, report.host.size()));
  decision.why.assign(report.why.data(), std::min<std::size_t>(report.why_size, report.why.size()));
  return decision;
}

}  // namespace bailey::network
