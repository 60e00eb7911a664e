#include "learn/recorder.h"

#include <fcntl.h>

#include <utility>

#include "egress/decide.h"
#include "os/file.h"
#include "sandbox/file_witness.h"

namespace bailey::learn {

std::optional<audit::Event> Recorder::See(const bpf::SeccompData& call, pid_t task,
                                          const audit::Memory& memory) {
  const std::uint64_t key = std::uint64_t{call.arch} << 32 | call.nr;
  auto at = seen_.find(key);
  if (at == seen_.end()) {
    Seen seen = {.arch = audit::ArchOf(call), .name = audit::NameOf(call)};
    if (seen.arch) seen.telling = audit::TellingArgumentOf(*seen.arch, seen.name);
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
  if (seen.has_paths) SeePaths(seen, call, task, memory);
  if (seen.name == "connect") SeeAddress(call, memory);
  return std::nullopt;
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
    const bool is_there = os::Stat(AT_FDCWD, path.c_str(), false).has_value();
    // What is looked for in vain needs no grant.
    if (!writes && !is_there) continue;
    if (!profile_.paths.contains(path) && profile_.paths.size() >= kMostPaths) continue;
    PathUse& use = profile_.paths[path];
    ++use.count;
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
      profile_.addresses.insert(argument.value);
    } else if (argument.value.size() > kUnix.size() && argument.value[kUnix.size()] == '/') {
      const std::string path = argument.value.substr(kUnix.size());
      if (os::Stat(AT_FDCWD, path.c_str(), false)) profile_.sockets.insert(path);
    }
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
  }
  profile_.runs = 1;
  profile_.destinations = std::move(destinations_);
  profile_.names = std::move(names_);
  return std::move(profile_);
}

}  // namespace bailey::learn
