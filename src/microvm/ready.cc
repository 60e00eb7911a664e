#include "microvm/ready.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <tuple>
#include <utility>

#include "base/text.h"
#include "image/kernel.h"
#include "image/store.h"
#include "microvm/handing.h"
#include "microvm/session.h"
#include "os/events.h"
#include "os/file.h"
#include "os/local_socket.h"

namespace bailey::microvm {
namespace {

constexpr std::array<const char*, 3> kProgramPlaces = {"/usr/local/bin/", "/usr/bin/", "/bin/"};
constexpr std::chrono::seconds kLastWords{5};

// FNV-1a: names need not be secret, and who hands out a machine compares the whole text.
std::string Hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

// A file that is changed, or replaced by another, has another one.
base::Status AddFile(const std::string& path, std::string& key) {
  const auto found = os::Stat(AT_FDCWD, path.c_str(), true);
  if (!found) return base::SystemError("look at " + base::Escape(path), found.error().value);
  key += fmt::format("{} {}:{} {} {}.{:09} {}.{:09}\n", path, found->st_dev, found->st_ino,
                     found->st_size, found->st_mtim.tv_sec, found->st_mtim.tv_nsec,
                     found->st_ctim.tv_sec, found->st_ctim.tv_nsec);
  return {};
}

base::Status AddKernel(const std::string& given, std::string& key) {
  const std::string place = given.empty() ? image::InstalledKernel() : given;
  for (const char* const name : {"/vmlinux", "/release"})
    if (const auto added = AddFile(place + name, key); !added) return added;
  for (const std::string& folder : {place + "/modules", place + "/erofs"}) {
    const auto modules = os::Open(AT_FDCWD, folder.c_str(), O_RDONLY | O_DIRECTORY);
    if (!modules) continue;  // built in
    const auto names = os::Names(modules->Get());
    if (!names) return base::SystemError("look into the kernel's modules", names.error().value);
    for (const std::string& name : *names)
      if (const auto added = AddFile(folder + "/" + name, key); !added) return added;
  }
  return {};
}

struct PoolOf {
  std::string contents, policy;
  Shape shape;
};

std::optional<PoolOf> ReadName(const std::string& name) {
  const auto parts = base::Split(name, '-');
  if (parts.size() != 4) return std::nullopt;
  const auto memory = base::ParseNumber(parts[1]), drives = base::ParseNumber(parts[2]);
  if (!memory || !drives) return std::nullopt;
  return PoolOf{std::string(parts[0]), std::string(parts[3]), {*memory, *drives}};
}

}  // namespace

base::Result<std::string> ContentsKey(const MachineFiles& files) {
  const auto image = image::FindImage(files.image);
  if (!image) return image.error();
  std::string key = fmt::format("{} {}\n", ::geteuid(), image->hash);
  auto added = AddKernel(files.kernel, key);
  if (added) added = AddFile(files.init, key);
  if (added) added = AddFile("/proc/self/exe", key);
  if (!added) return added.error();
  for (const char* const place : kProgramPlaces)
    if (AddFile(fmt::format("{}{}", place, kQemu), key)) break;
  return key;
}

std::string PoolName(const std::string& contents, const Shape& shape, const std::string& policy) {
  return fmt::format("{}-{}-{}-{}", Hash(contents), shape.memory_mib, shape.drives, Hash(policy));
}

std::vector<std::string> FindFitting(const std::vector<std::string>& names,
                                     const std::string& contents, const Shape& needed,
                                     const std::string& policy) {
  using Found = std::tuple<bool, std::uint64_t, std::size_t, std::string>;
  std::vector<Found> found;
  for (const std::string& name : names) {
    const auto pool = ReadName(name);
    if (!pool || pool->contents != Hash(contents) || pool->shape.memory_mib < needed.memory_mib ||
        pool->shape.drives < needed.drives)
      continue;
    found.emplace_back(pool->policy != Hash(policy), pool->shape.memory_mib, pool->shape.drives,
                       name);
  }
  std::ranges::sort(found);
  std::vector<std::string> fitting;
  for (Found& one : found) fitting.push_back(std::move(std::get<std::string>(one)));
  return fitting;
}

base::Result<std::optional<ReadyMachine>> ReadyMachine::Take(const pool::Directory& directory,
                                                             const std::string& name,
                                                             const std::string& contents,
                                                             std::chrono::milliseconds patience) {
  auto connection = os::ConnectIn(directory.descriptor.Get(), name.c_str());
  if (!connection &&
      (connection.error().value == ENOENT || connection.error().value == ECONNREFUSED))
    return std::nullopt;
  if (!connection) return base::SystemError("take a machine of a pool", connection.error().value);
  if (!os::SendDescriptors(connection->Get(), contents, {})) return std::nullopt;
  const os::Interest reads[] = {{connection->Get()}};
  const auto ready = os::WaitReady(reads, std::chrono::steady_clock::now() + patience);
  if (!ready) return base::SystemError("take a machine of a pool", ready.error().value);
  if (!*ready) return std::nullopt;
  auto handed = ReceiveHanded(connection->Get());
  // Who was to hand it out is gone, or refuses: a machine of one's own says what is wrong.
  if (!handed) return std::nullopt;
  ReadyMachine machine;
  machine.connection_ = *std::move(connection);
  machine.line_ = std::move(handed->line);
  machine.changes_ = std::move(handed->changes);
  machine.slots_ = std::move(handed->slots);
  // The guest has that to do while the caller is busy with what it will run.
  if (const auto done = os::IgnoreBrokenPipes(); !done)
    return base::SystemError("ignore broken pipes", done.error().value);
  const auto said = SayWelcome(machine.line_.Get());
  if (!said) return std::nullopt;
  machine.token_ = *said;
  return machine;
}

base::Error ReadyMachine::WhyEnded() {
  std::array<char, 4096> said;
  const os::Interest reads[] = {{connection_.Get()}};
  const auto ready = os::WaitReady(reads, std::chrono::steady_clock::now() + kLastWords);
  if (ready && *ready) {
    const auto received = os::ReceiveDescriptors(connection_.Get(), said, {});
    if (received && received->size > 0)
      return base::Unsupported(std::string(said.data(), received->size));
  }
  return base::Unsupported("run the machine monitor: who watched over it has ended");
}

}  // namespace bailey::microvm
