#include "guest/sending.h"

#include <sys/uio.h>

#include <algorithm>

#include "audit/netlink_heads.h"
#include "guest/task.h"
#include "os/task_socket.h"

namespace bailey::guest {
namespace {

const Sending* SendingOf(const Command& command, const bpf::SeccompData& call) {
  const auto sendings = std::span(command.sendings).first(command.sending_count);
  const auto at = std::ranges::find_if(
      sendings, [&](const Sending& one) { return one.arch == call.arch && one.number == call.nr; });
  return at == sendings.end() ? nullptr : &*at;
}

auto ReaderOf(pid_t task) {
  return audit::NetlinkReader([task](std::uint64_t address, std::span<char> bytes) {
    iovec to = {bytes.data(), bytes.size()};
    iovec from = {reinterpret_cast<void*>(address), bytes.size()};
    return bytes.empty() ||
           ::process_vm_readv(task, &to, 1, &from, 1, 0) == static_cast<ssize_t>(bytes.size());
  });
}

}  // namespace

bool ReadChanges(const Command& command, const bpf::SeccompData& call, pid_t task, Sent& sent) {
  const Sending* const sending = SendingOf(command, call);
  if (sending == nullptr) return false;
  auto reader = ReaderOf(task);
  const auto form = static_cast<abi::SendForm>(sending->form);
  audit::Send send = {static_cast<std::int32_t>(call.args[0]), form, call.args[1], call.args[2],
                      sending->pointer};
  if (form == abi::SendForm::kMultiplexed) {
    const auto said = reader.Demultiplex(static_cast<std::uint32_t>(call.args[0]), call.args[1],
                                         sending->pointer);
    if (!said) return false;
    send = *said;
  }
  if (!os::IsNetlinkSocket(task, send.socket)) return false;
  const auto process = static_cast<pid_t>(ProcessOf(static_cast<std::uint32_t>(task)));
  const auto protocol = os::NetlinkProtocol(task, process, send.socket);
  if (!protocol) return false;
  sent.protocol = static_cast<std::uint32_t>(*protocol);
  const audit::NetlinkTypes types = reader.TypesOf(send, *protocol);
  if (types.count == 0 && !types.is_more) return false;
  sent.types = types.types;
  sent.count = static_cast<std::uint8_t>(types.count);
  sent.is_more = types.is_more;
  sent.has_power = os::MayChangeNetworks(task).value_or(false);
  return true;
}

}  // namespace bailey::guest
