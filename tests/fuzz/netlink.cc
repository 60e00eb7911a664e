// A program's memory, in which a call that sends on a netlink socket finds its message: whatever
// lies there, a bounded part is read, and a bounded number of changes is said.
#include "audit/netlink.h"

#include <cstring>

#include "abi/syscalls.h"
#include "input.h"

using namespace bailey;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The first two bytes choose the call and the protocol, the next eight are its last argument.
  constexpr std::size_t kHead = 10;
  constexpr std::uint64_t kBase = 0x1000;
  constexpr std::size_t kMostRead = 64 << 10, kMostTexts = 9;
  constexpr const char* kCalls[] = {"sendto", "sendmsg", "sendmmsg", "socketcall"};
  constexpr int kProtocols[] = {audit::kNetlinkRoute, audit::kNetlinkSockDiag, audit::kNetlinkXfrm,
                                audit::kNetlinkNetfilter};
  if (size < kHead) return 0;
  const std::string_view there = Text(data + kHead, size - kHead);
  std::size_t total = 0;
  const audit::Memory memory = [&](std::uint64_t address,
                                   std::size_t most) -> std::optional<std::string> {
    total += most;
    if (address < kBase || address - kBase >= there.size()) return std::nullopt;
    return std::string(there.substr(address - kBase, most));
  };
  const abi::Arch arch = data[0] & 4 ? abi::Arch::kI386 : abi::Arch::kX86_64;
  const auto number = abi::Number(arch, kCalls[data[0] & 3]);
  if (!number) return 0;
  std::uint64_t last = 0;
  std::memcpy(&last, data + 2, sizeof(last));
  // socketcall's own first argument says which of the others it is.
  const std::uint64_t first = data[0] >> 3;
  const auto send =
      audit::SendOf({*number, abi::Info(arch).token, 0, {first, kBase, last}}, memory);
  if (!send) return 0;
  const auto texts = audit::NetlinkChanges(*send, kProtocols[data[1] & 3], memory);
  Demand(texts.size() <= kMostTexts, "the changes that are said are bounded");
  Demand(total <= kMostRead, "what is read is bounded");
  return 0;
}
