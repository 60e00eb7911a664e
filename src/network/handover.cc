#include "network/handover.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "os/channel.h"
#include "os/events.h"
#include "os/file.h"
#include "os/links.h"

namespace bailey::network {

base::Result<std::optional<std::vector<base::UniqueFd>>> ReceiveHandedOut(
    const GatewaySockets& sockets) {
  const std::array<os::Interest, 2> interests = {os::Interest{sockets.inside.Get()},
                                                 os::Interest{sockets.supervisor.Get()}};
  const auto ready = os::WaitReady(interests, std::nullopt);
  if (!ready) return base::SystemError("wait for the network inside", ready.error().value);
  if (**ready != 0) return std::nullopt;
  std::array<std::uint8_t, 16> buffer{};
  auto received = os::ReceiveMessage(sockets.inside.Get(), buffer);
  if (!received) return base::SystemError("take over the network inside", received.error().value);
  if (received->size == 0) return std::nullopt;
  return std::optional(std::move(received->descriptors));
}

base::Status ReadBackLinks(int routes, const std::vector<std::string>& wanted) {
  const auto lines = os::DescribeLinks(routes);
  if (!lines) return base::SystemError("read back the network inside", lines.error().value);
  if (*lines == wanted) return {};
  std::vector<std::string> odd;
  std::ranges::set_symmetric_difference(*lines, wanted, std::back_inserter(odd));
  return base::Violation(
      fmt::format("read back the network inside: {} is not as planned", odd.at(0)));
}

base::Status ReadBackRules(int rules, const Plan& plan) {
  const auto differences = os::nft::Compare(rules, plan.table);
  if (!differences)
    return base::SystemError("read back the rules inside", differences.error().value);
  if (!differences->empty())
    return base::Violation(fmt::format("read back the rules inside: {}", differences->at(0)));
  return {};
}

base::Status ListenToRefusals(int log) {
  const os::Netlink batch = os::nft::ListenToLog(kLogGroup, kLogBytes);
  auto done = os::Transact(log, batch.Data(), batch.Acknowledgements());
  if (done) done = os::SetNonBlocking(log);
  if (!done) return base::SystemError("listen to what the rules refuse", done.error().value);
  return {};
}

void Tell(int supervisor, Report::Kind kind, std::string_view text) {
  Report report;
  report.kind = kind;
  text = text.substr(0, report.why.size());
  std::ranges::copy(text, report.why.begin());
  report.why_size = static_cast<std::uint16_t>(text.size());
  (void)os::SendMessage(supervisor,
                        {reinterpret_cast<const std::uint8_t*>(&report), sizeof(report)});
}

}  // namespace bailey::network
