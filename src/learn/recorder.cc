#include "learn/recorder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

#include "egress/decide.h"
#include "learn/modes.h"
#include "os/file.h"
#include "sandbox/file_witness.h"

namespace bailey::learn {
namespace {

// Of a directory that is only looked at nothing needs to be shown: that it is there, its children
// show; and what lies above the workspace is everybody's.
bool IsLookAtDirectory(const abi::PathArgument& argument, const bpf::SeccompData& call,
                       abi::PathUse wanted, const struct stat& found) {
  const bool opens_path =
      argument.use == abi::PathUse::kOpen && (call.args[argument.flags] & O_PATH) != 0;
  return S_ISDIR(found.st_mode) && (wanted == abi::PathUse::kLook || opens_path);
}

}  // namespace

std::optional<audit::Event> Recorder::See(const bpf::SeccompData& call, pid_t task,
                                          const audit::Memory& memory) {
  const std::uint64_t key = std::uint64_t{call.arch} << 32 | call.nr;
  auto at = seen_.find(key);
  if (at == seen_.end()) {
    Seen seen = {.arch = audit::ArchOf(call), .name = audit::NameOf(call)};
    if (seen.arch) seen.telling = audit::TellingArgumentOf(*seen.arch, seen.name);
    if (seen.arch && GivesMode(seen.name)) {
      if (const auto mode = abi::FindArgument(*seen.arch, seen.name, "mode")) seen.mode = *mode;
      if (const auto flags = abi::FindArgument(*seen.arch, seen.name, "flags")) seen.flags = *flags;
    }
    seen.has_paths = !abi::PathsOf(seen.name).empty();
    at = seen_.emplace(key, std::move(seen)).first;
  }
  Seen& seen = at->second;
  ++seen.use.count;
  if (seen.telling) {
    const std::uint64_t value = audit::ValueOf(*seen.telling, *seen.arch, call);
    if (!seen.use.values.contains(value)) {
      if (seen.use.values.size() < kMostValues) {
        seen.use.values.insert(value);
      } else {
        seen.use.has_more_values = true;
      }
    }
  }
  if (seen.mode && !seen.use.sets_ids) SeeMode(seen, call);
  if (seen.has_paths) SeePaths(seen, call, task, memory);
  if (seen.name == "connect" || seen.name == "bind") SeeAddress(call, memory);
  return std::nullopt;
}

void Recorder::SeeMode(Seen& seen, const bpf::SeccompData& call) const {
  // Where nothing is made, the register holds anything.
  const bool makes =
      !NeedsFlags(seen.name) || (seen.flags && (audit::ValueOf(*seen.flags, *seen.arch, call) &
                                                (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) != 0);
  const std::uint64_t mode = audit::ValueOf(*seen.mode, *seen.arch, call);
  seen.use.sets_ids = makes && (mode & (S_ISUID | S_ISGID)) != 0;
}

void Recorder::SeePaths(const Seen& seen, const bpf::SeccompData& call, pid_t task,
                        const audit::Memory& memory) {
  for (const abi::PathArgument& argument : abi::PathsOf(seen.name)) {
    const auto text = audit::ReadPath(memory, call.args[argument.path]);
    if (!text || text->empty()) continue;
    const auto start = sandbox::StartOf(argument, call, task, *text);
    if (!start) continue;
    const std::string path = sandbox::NormalPath(*start, *text);
    const abi::PathUse wanted = sandbox::UseOf(argument, call);
    const bool writes = wanted == abi::PathUse::kWrite;
    const auto found = os::Stat(AT_FDCWD, path.c_str(), false);
    const bool is_there = found.has_value();
    // What is looked for in vain needs no grant.
    if (!writes && !is_there) continue;
    if (!profile_.paths.contains(path) && profile_.paths.size() >= kMostPaths) continue;
    PathUse& use = profile_.paths[path];
    ++use.count;
    if (is_there && IsLookAtDirectory(argument, call, wanted, *found)) continue;
    use.read |= wanted == abi::PathUse::kRead || wanted == abi::PathUse::kLook;
    use.execute |= wanted == abi::PathUse::kExecute;
    use.write |= writes;
    // A file that is opened for writing and is there keeps its directory as it is.
    use.change_entries |= writes && (argument.use != abi::PathUse::kOpen || !is_there);
  }
}

void Recorder::SeeAddress(const bpf::SeccompData& call, const audit::Memory& memory) {
  const audit::Call decoded = audit::Decode(call, "", memory);
  for (const audit::Argument& argument : decoded.arguments) {
    if (!argument.as_seen) continue;
    constexpr std::string_view kUnix = "unix:";
    if (!argument.value.starts_with(kUnix)) {
      if (decoded.name == "connect") profile_.addresses.insert(argument.value);
      continue;
    }
    const std::string path = argument.value.substr(kUnix.size());
    const bool is_path = path.starts_with('/');
    const bool is_there = is_path && os::Stat(AT_FDCWD, path.c_str(), false).has_value();
    if (decoded.name == "connect" && is_there) profile_.sockets.insert(path);
    // What the C library asks for a cache that is not there is no use of it.
    profile_.unix_sockets |= decoded.name == "bind" || !is_path || is_there;
  }
}

void Recorder::Decided(const network::Decision& decision) {
  using Kind = network::Decision::Kind;
  const auto host = egress::Host::Parse(decision.host);
  if (decision.kind == Kind::kName) {
    if (host && names_.size() < kMostDestinations) names_.insert(host->Text());
    return;
  }
  const bool is_destination = decision.kind == Kind::kConnection ||
                              decision.kind == Kind::kDatagrams || decision.kind == Kind::kPacket;
  if (!is_destination || decision.port == 0 || destinations_.size() >= kMostDestinations) return;
  std::optional<std::string> entry;
  if (host) {
    entry = egress::SuggestRule(*host, decision.port, decision.protocol);
  } else if (decision.address) {
    entry = egress::SuggestRule(*decision.address, decision.port, decision.protocol);
  }
  if (entry && egress::ParseRule(*entry, egress::RuleList::kAllow)) destinations_.insert(*entry);
}

Profile Recorder::Take() {
  for (const auto& [key, seen] : seen_) {
    if (!seen.arch || seen.name.empty()) continue;
    CallUse& use = profile_.calls[{*seen.arch, std::string(seen.name)}];
    use.count += seen.use.count;
    use.values.insert(seen.use.values.begin(), seen.use.values.end());
    use.has_more_values |= seen.use.has_more_values;
    use.sets_ids |= seen.use.sets_ids;
  }
  profile_.runs = 1;
  profile_.destinations = std::move(destinations_);
  profile_.names = std::move(names_);
  return std::move(profile_);
}

}  // namespace bailey::learn
