#include "microvm/vsock.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <string>

#include "base/text.h"
#include "os/events.h"
#include "os/file.h"
#include "os/unix_socket.h"

namespace bailey::microvm {
namespace {

constexpr std::size_t kMostAnswer = 32;

base::Error Cannot(std::string_view object, os::Errno error) {
  return base::SystemError(fmt::format("connect to {}", object), error.value);
}

bool IsAnswer(std::string_view line) {
  if (!line.starts_with("OK ")) return false;
  const std::string_view number = line.substr(3);
  return !number.empty() && number.find_first_not_of("0123456789") == number.npos;
}

}  // namespace

base::Result<std::optional<base::UniqueFd>> ConnectBeneath(int directory, const char* name) {
  const auto found = os::OpenWithoutLinks(directory, name, O_PATH);
  if (!found && found.error().value == ENOENT) return std::nullopt;
  if (!found) return Cannot(name, found.error());
  auto socket =
      os::ConnectUnix(fmt::format("/proc/self/fd/{}", found->Get()), os::SocketKind::kStream);
  if (!socket && (socket.error().value == ECONNREFUSED || socket.error().value == EAGAIN))
    return std::nullopt;
  if (!socket) return Cannot(name, socket.error());
  return std::optional(*std::move(socket));
}

base::Result<bool> AskForPort(int connection, std::uint32_t port,
                              std::chrono::steady_clock::time_point deadline) {
  const std::string asked = fmt::format("CONNECT {}\n", port);
  const auto sent = os::SendNow(connection, asked);
  if (!sent && (sent.error().value == EPIPE || sent.error().value == ECONNRESET)) return false;
  if (!sent) return Cannot("the guest", sent.error());
  if (*sent != asked.size())
    return base::Violation("connect to the guest: its monitor is not reading");
  // Byte by byte: what comes behind the line is the guest's.
  std::string line;
  const os::Interest reads[] = {{connection}};
  while (line.size() <= kMostAnswer) {
    const auto ready = os::WaitReady(reads, deadline);
    if (!ready) return Cannot("the guest", ready.error());
    if (!*ready) return base::Unsupported("connect to the guest: its monitor does not answer");
    std::array<std::uint8_t, 1> byte;
    const auto count = os::ReadSome(connection, byte);
    if (!count && count.error().value == EAGAIN) continue;
    if (!count && count.error().value == ECONNRESET) return false;
    if (!count) return Cannot("the guest", count.error());
    if (*count == 0) {
      if (line.empty()) return false;
      break;
    }
    if (byte[0] == '\n') {
      if (IsAnswer(line)) return true;
      break;
    }
    line += static_cast<char>(byte[0]);
  }
  return base::Violation(
      fmt::format("connect to the guest: its monitor answered \"{}\"", base::Escape(line)));
}

}  // namespace bailey::microvm
