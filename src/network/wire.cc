#include "network/wire.h"

#include <algorithm>

#include "os/channel.h"

namespace bailey::network {

WireAddress::WireAddress(const base::Address& address)
    : size(static_cast<std::uint8_t>(address.Size())) {
  std::ranges::copy(address.Bytes(), bytes.begin());
}

std::optional<base::Address> WireAddress::Get() const {
  if (size != 4 && size != 16) return std::nullopt;
  return base::Address::FromBytes(std::span(bytes).first(size));
}

void Wire::SetText(std::string_view value) {
  value = value.substr(0, text.size());
  std::ranges::copy(value, text.begin());
  text_size = static_cast<std::uint16_t>(value.size());
}

void Channel::Send(const Wire& message, std::vector<base::UniqueFd> descriptors) {
  waiting_.push_back({message, std::move(descriptors)});
  // An error shows again when the other end is read from.
  (void)Flush();
}

os::SysStatus Channel::Flush() {
  while (!waiting_.empty()) {
    const WireIn& first = waiting_.front();
    std::array<int, os::kMostDescriptors> numbers{};
    for (std::size_t i = 0; i < first.descriptors.size(); ++i)
      numbers[i] = first.descriptors[i].Get();
    const auto sent =
        os::SendMessage(socket_.Get(), first.message.Bytes(),
                        std::span<const int>(numbers).first(first.descriptors.size()));
    if (!sent) {
      // ETOOMANYREFS: as many descriptors are on their way as a process may have (unix(7)).
      const int error = sent.error().value;
      if (error == EAGAIN || error == ETOOMANYREFS || error == ENOBUFS) return {};
      return sent;
    }
    waiting_.pop_front();
  }
  return {};
}

os::SysResult<std::optional<WireIn>> Channel::Receive() {
  WireIn in;
  auto received = os::ReceiveMessage(
      socket_.Get(), {reinterpret_cast<std::uint8_t*>(&in.message), sizeof(in.message)});
  if (!received) {
    if (received.error().value == EAGAIN || received.error().value == EINTR)
      return std::optional<WireIn>();
    // This process can have no more descriptors. The message is whole, and what it came with lost.
    if (received.error().value == EMFILE) return std::optional<WireIn>(std::move(in));
    return std::unexpected(received.error());
  }
  if (received->size != sizeof(in.message)) return os::Fail(EPIPE);
  in.descriptors = std::move(received->descriptors);
  return std::optional<WireIn>(std::move(in));
}

}  // namespace bailey::network
