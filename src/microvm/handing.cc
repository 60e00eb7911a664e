#include "microvm/handing.h"

#include <array>
#include <chrono>

#include "os/events.h"
#include "os/local_socket.h"

namespace bailey::microvm {
namespace {

// One byte, which says what the descriptor is.
enum class Kind : char { kLine = 'l', kSlot = 's', kChanges = 'c' };  // the last one last
constexpr std::size_t kMostSlots = 64;
constexpr std::chrono::seconds kPatience{10};

base::Status Send(int connection, Kind kind, int descriptor) {
  const char word = static_cast<char>(kind);
  const int descriptors[] = {descriptor};
  const auto sent = os::SendDescriptors(connection, {&word, 1}, descriptors);
  if (!sent) return base::SystemError("hand out a machine", sent.error().value);
  return {};
}

base::Error Nonsense() {
  return base::Unsupported("take a machine of a pool: none was handed out");
}

}  // namespace

base::Status SendHanded(int connection, const Handed& handed) {
  auto sent = Send(connection, Kind::kLine, handed.line.Get());
  for (const base::UniqueFd& slot : handed.slots)
    if (sent) sent = Send(connection, Kind::kSlot, slot.Get());
  if (sent) sent = Send(connection, Kind::kChanges, handed.changes.Get());
  return sent;
}

base::Result<Handed> ReceiveHanded(int connection) {
  Handed handed;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!handed.changes.IsOpen()) {
    const os::Interest reads[] = {{connection}};
    const auto ready = os::WaitReady(reads, deadline);
    if (!ready || !*ready) return Nonsense();
    std::array<char, 4096> word;
    std::array<base::UniqueFd, 1> descriptor;
    const auto received = os::ReceiveDescriptors(connection, word, descriptor);
    if (!received || received->size != 1 || received->descriptors != 1) return Nonsense();
    switch (static_cast<Kind>(word[0])) {
      case Kind::kLine:
        handed.line = std::move(descriptor[0]);
        break;
      case Kind::kSlot:
        if (handed.slots.size() == kMostSlots) return Nonsense();
        handed.slots.push_back(std::move(descriptor[0]));
        break;
      case Kind::kChanges:
        handed.changes = std::move(descriptor[0]);
        break;
    }
  }
  if (!handed.line.IsOpen()) return Nonsense();
  return handed;
}

}  // namespace bailey::microvm
