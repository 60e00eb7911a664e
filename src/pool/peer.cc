#include "pool/peer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/text.h"
#include "os/file.h"
#include "os/local_socket.h"
#include "os/process.h"

namespace bailey::pool {
namespace {

constexpr std::size_t kMostStatus = 64 << 10;

base::Result<std::uint64_t> FiltersOf(int process) {
  const auto text = os::ReadFile(process, "status", kMostStatus);
  if (!text) return base::SystemError("look at the caller's status", text.error().value);
  constexpr std::string_view kKey = "\nSeccomp_filters:";
  const std::size_t at = text->find(kKey);
  if (at == std::string::npos) return base::Unsupported("look at the caller's status: no filters");
  const std::string_view rest = std::string_view(*text).substr(at + kKey.size());
  const auto number = base::ParseNumber(base::Trim(rest.substr(0, rest.find('\n'))));
  if (!number) return base::Internal("look at the caller's status: no number of filters");
  return *number;
}

base::Result<base::UniqueFd> OpenProcess(pid_t process) {
  auto opened = os::Open(AT_FDCWD, fmt::format("/proc/{}", process).c_str(), O_PATH | O_DIRECTORY);
  if (!opened) return base::SystemError("look at the caller", opened.error().value);
  return *std::move(opened);
}

}  // namespace

base::Result<std::array<Self::Place, Self::kPlaces.size()>> Self::PlacesOf(int process) {
  std::array<Place, kPlaces.size()> places;
  for (std::size_t i = 0; i < kPlaces.size(); ++i) {
    const auto found = os::Stat(process, kPlaces[i], true);
    if (!found)
      return base::SystemError(fmt::format("look at the caller's {}", kPlaces[i]),
                               found.error().value);
    places[i] = {found->st_dev, found->st_ino};
  }
  return places;
}

base::Result<Self> Self::Look() {
  const auto process = OpenProcess(::getpid());
  if (!process) return process.error();
  const auto places = PlacesOf(process->Get());
  if (!places) return places.error();
  const auto filters = FiltersOf(process->Get());
  if (!filters) return filters.error();
  Self self;
  self.places_ = *places;
  self.filters_ = *filters;
  return self;
}

base::Status Self::Compare(int process) const {
  const auto places = PlacesOf(process);
  if (!places) return places.error();
  for (std::size_t i = 0; i < kPlaces.size(); ++i)
    if ((*places)[i] != places_[i])
      return base::Violation(fmt::format("serve a caller: its {} is not the pool's", kPlaces[i]));
  const auto filters = FiltersOf(process);
  if (!filters) return filters.error();
  if (*filters > filters_)
    return base::Violation("serve a caller: it is under a filter that the pool is not under");
  return {};
}

base::Status Self::CheckPeer(int connection) const {
  const auto peer = os::PeerOf(connection);
  if (!peer) return base::SystemError("find out who is calling", peer.error().value);
  if (peer->uid != ::geteuid())
    return base::Violation(fmt::format("serve a caller: it is user {}", peer->uid));
  const auto process = OpenProcess(peer->pid);
  if (!process) return process.error();
  if (const auto same = Compare(process->Get()); !same) return same;
  // What was looked at was the caller, and not who got its number after it.
  if (peer->pidfd.IsOpen() && os::HasEnded(peer->pidfd.Get()))
    return base::SystemError("look at the caller", ESRCH);
  return {};
}

}  // namespace bailey::pool
