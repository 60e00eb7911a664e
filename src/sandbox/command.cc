#include "sandbox/command.h"

#include <fmt/format.h>

#include <cstring>
#include <span>

#include "os/inet.h"
#include "os/terminal.h"

namespace bailey::sandbox {
namespace {

// Takes room of a slot piece by piece; null when there is none left.
class Room {
 public:
  explicit Room(std::span<char> room) : left_(room) {}

  char* Take(std::size_t size, std::size_t alignment) {
    void* place = left_.data();
    std::size_t space = left_.size();
    if (!std::align(alignment, size, place, space)) return nullptr;
    char* const taken = static_cast<char*>(place);
    left_ = {taken + size, space - size};
    return taken;
  }

  char* Text(const std::string& text) {
    char* const taken = Take(text.size() + 1, 1);
    if (taken) std::memcpy(taken, text.c_str(), text.size() + 1);
    return taken;
  }

  char** List(const std::vector<std::string>& texts) {
    char** const list =
        reinterpret_cast<char**>(Take((texts.size() + 1) * sizeof(char*), alignof(char*)));
    if (!list) return nullptr;
    for (std::size_t i = 0; i < texts.size(); ++i)
      if (list[i] = Text(texts[i]); !list[i]) return nullptr;
    list[texts.size()] = nullptr;
    return list;
  }

 private:
  std::span<char> left_;
};

}  // namespace

base::Status CheckStreams(const std::array<base::UniqueFd, 3>& streams) {
  const std::array<int, 3> descriptors = {streams[0].Get(), streams[1].Get(), streams[2].Get()};
  if (const auto checked = CheckStandardDescriptors(descriptors); !checked) return checked;
  for (const int descriptor : descriptors) {
    const auto kind = os::KindOfSocket(descriptor);
    if (!kind) return base::SystemError("look at standard descriptors", kind.error().value);
    if (*kind == os::SocketKind::kOther) {
      return base::Unsupported(
          "pass on standard descriptors: one is a socket of a network, and a prepared sandbox has "
          "no "
          "pipe for it");
    }
  }
  const auto terminal = os::IsTerminal(descriptors[0]);
  if (!terminal) return base::SystemError("look at standard input", terminal.error().value);
  if (*terminal) {
    return base::Unsupported(
        "pass on standard input: it is a terminal, and a prepared sandbox has none of its own");
  }
  return {};
}

base::Status Write(const Command& command, CommandSlot& slot) {
  Room room(slot.room);
  slot.argv = room.List(command.argv);
  slot.environment = room.List(command.environment);
  slot.executables = room.List(command.executables);
  slot.workdir = command.workdir.empty() ? nullptr : room.Text(command.workdir);
  const bool fits = slot.argv && slot.environment && slot.executables &&
                    (slot.workdir || command.workdir.empty());
  if (!fits) {
    return base::InvalidInput(
        fmt::format("start {}: its arguments and environment have more than {} bytes",
                    command.argv[0], CommandSlot::kRoom));
  }
  return {};
}

}  // namespace bailey::sandbox
