#include "pool/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "os/local_socket.h"

namespace bailey::pool {
namespace {

// Of connect(2) and of a connection that the other end has closed: there is no pool, or no more.
bool IsNobody(int error) {
  constexpr int kErrors[] = {ENOENT, ECONNREFUSED, ECONNRESET, EPIPE, ENOTDIR};
  return std::ranges::find(kErrors, error) != std::end(kErrors);
}

}  // namespace

base::Result<Visit> Visit::Begin(int directory, const std::string& name, const Request& request,
                                 std::array<int, 3> streams) {
  const std::string bytes = Encode(request);
  if (bytes.size() > kMostBytes) {
    return base::InvalidInput(fmt::format(
        "ask a pool: the arguments and environment have more than {} bytes", kMostBytes));
  }
  auto connection = os::ConnectIn(directory, name.c_str());
  if (!connection && IsNobody(connection.error().value))
    return Visit(base::UniqueFd(), connection.error().value);
  if (!connection) return base::SystemError("connect to the pool", connection.error().value);
  const auto sent = os::SendDescriptors(connection->Get(), bytes, streams);
  if (!sent && IsNobody(sent.error().value)) return Visit(base::UniqueFd(), sent.error().value);
  if (!sent) return base::SystemError("ask the pool", sent.error().value);
  return Visit(*std::move(connection), 0);
}

base::Result<Heard> Visit::Listen() {
  if (!connection_.IsOpen()) return NotTaken{error_};
  const Buffer bytes;
  const auto received = os::ReceiveDescriptors(connection_.Get(), bytes.All(), {});
  const bool gone = received ? received->size == 0 : IsNobody(received.error().value);
  if (gone && taken_) return Lost{};
  if (gone) return NotTaken{ECONNRESET};
  if (!received) return base::SystemError("hear from the pool", received.error().value);
  auto message = Decode(bytes.First(received->size));
  if (!message) return message.error();
  if (const auto* refused = std::get_if<Refused>(&*message)) return *refused;
  if (const auto* ended = std::get_if<Ended>(&*message)) return *ended;
  if (!std::holds_alternative<Taken>(*message))
    return base::Internal("hear from the pool: a message that callers send");
  taken_ = true;
  return Taken{};
}

base::Status Visit::Send(Signal signal) const {
  const auto sent = os::SendDescriptors(connection_.Get(), Encode(signal), {});
  if (!sent && !IsNobody(sent.error().value))
    return base::SystemError("pass a signal to the pool", sent.error().value);
  return {};
}

}  // namespace bailey::pool
