// Turns the calls that a sandbox's listener lets go on into a profile.
//
//   learn::Recorder recorder;
//   sandbox::Listener listener({.witness = std::bind_front(&learn::Recorder::See, &recorder)});
//   ...
//   learn::Profile profile = recorder.Take();
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "abi/arguments.h"
#include "audit/decode.h"
#include "audit/event.h"
#include "bpf/instruction.h"
#include "learn/profile.h"
#include "network/decision.h"

namespace bailey::learn {

class Recorder {
 public:
  // On the listener's thread. Never returns an event: what is recorded is kept here.
  std::optional<audit::Event> See(const bpf::SeccompData& call, pid_t task,
                                  const audit::Memory& memory);
  // What the network's gateway decided. From any one thread, until Take.
  void Decided(const network::Decision& decision);
  Profile Take();

 private:
  static constexpr std::size_t kMostValues = 256;
  static constexpr std::size_t kMostPaths = 100000;
  static constexpr std::size_t kMostDestinations = 10000;

  struct Seen {
    std::optional<abi::Arch> arch;
    std::string_view name;
    std::optional<abi::Argument> telling;
    std::optional<abi::Argument> mode, flags;  // where it gives a file its mode
    bool has_paths = false;
    CallUse use;
  };

  void SeePaths(const Seen& seen, const bpf::SeccompData& call, pid_t task,
                const audit::Memory& memory);
  void SeeMode(Seen& seen, const bpf::SeccompData& call) const;
  void SeeAddress(const bpf::SeccompData& call, const audit::Memory& memory);

  std::unordered_map<std::uint64_t, Seen> seen_;  // by architecture and number
  Profile profile_;
  std::set<std::string> destinations_, names_;  // of another thread than the others
};

}  // namespace bailey::learn
