#include "sandbox/network_witness.h"

#include "audit/netlink.h"
#include "os/task_socket.h"
#include "sandbox/listener.h"

namespace bailey::sandbox {

std::optional<audit::Event> NoteNetworkChange(const bpf::SeccompData& call, std::int32_t task,
                                              const audit::Memory& memory) {
  const auto send = audit::SendOf(call, memory);
  if (!send || !os::IsNetlinkSocket(task, send->socket)) return std::nullopt;
  const auto process = static_cast<pid_t>(TaskOf(task).pid);
  const auto protocol = os::NetlinkProtocol(task, process, send->socket);
  const auto has_power = os::MayChangeNetworks(task);
  if (!protocol || !has_power) return std::nullopt;
  const auto changes = audit::NetlinkChanges(*send, *protocol, memory);
  if (changes.empty()) return std::nullopt;
  return NetworkChange(call, changes, *has_power);
}

audit::Event NetworkChange(const bpf::SeccompData& call, const std::vector<std::string>& changes,
                           bool has_power) {
  audit::Event event = {.decision = audit::Decision::kSeen};
  if (!has_power) {
    event.decision = audit::Decision::kDenied;
    event.rule = audit::Rule{"[process]: no capability over the network", ""};
  }
  event.detail = audit::DecodeChanges(call, changes);
  return event;
}

}  // namespace bailey::sandbox
