// What a program in a machine was denied, as its guest tells it (guest/protocol.h): counted, and
// recorded as the events that a sandbox's listener would make of it (sandbox/listener.h).
//
//   microvm::CallLog calls({.trail = &trail, .explain = RuleOf}, filter);
//   plan.command.watches = microvm::CallWatches();
//   ...                                              // a Session tells it of every frame
//   for (const sandbox::HeardCall& one : calls.Heard()) ...
//
// The guest is taken for hostile. Rows have numbers below a bound, counts never fall, a call that
// the filter does not deny is no such call, and single ones go through the trail's own rate.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "audit/denials.h"
#include "audit/trail.h"
#include "base/result.h"
#include "bpf/program.h"
#include "guest/protocol.h"
#include "sandbox/file_witness.h"
#include "sandbox/listener.h"

namespace bailey::microvm {

class CallLog {
 public:
  struct Options {
    audit::Trail* trail = nullptr;  // none: it only counts
    std::function<audit::Rule(const bpf::SeccompData&)> explain;
    guest::Listen rate;                     // of single calls that the guest tells of
    sandbox::FileWitness* files = nullptr;  // none: nobody asks what calls name that go on
    bool network = false;  // what calls that go on would change of a network is asked for
  };
  CallLog(Options options, bpf::Program filter)
      : options_(std::move(options)), filter_(std::move(filter)) {}

  // kViolation for what a guest of ours does not say.
  base::Status Take(const guest::Called& called);
  base::Status Take(const guest::Used& used);
  base::Status Take(const guest::Sent& sent);
  base::Status Take(const guest::Denied& denied);
  base::Status Take(const guest::Missed& missed);

  // The most frequent first.
  std::vector<sandbox::HeardCall> Heard() const;
  const guest::Missed& Missed() const { return missed_; }
  const guest::Listen& Rate() const { return options_.rate; }
  bool AsksForFiles() const { return options_.files != nullptr; }
  bool AsksForChanges() const { return options_.network; }

 private:
  std::uint32_t Returned(const bpf::SeccompData& data) const;
  bool GoesOn(const bpf::SeccompData& data) const;
  audit::Rule RuleFor(const bpf::SeccompData& data, std::uint32_t returned);

  Options options_;
  bpf::Program filter_;
  std::map<std::uint16_t, sandbox::HeardCall> rows_;
  guest::Missed missed_;
  // Which rule decides is asked once for each kind of call.
  audit::Denials kinds_;
  std::vector<audit::Rule> rules_;
};

// What a guest is to know of the calls of its architectures: which argument tells them apart, and
// which point to something to be shown. By architecture and number.
std::vector<guest::Watch> CallWatches();
// And which of them name files.
std::vector<guest::Naming> CallNamings();
// And which of them send on sockets.
std::vector<guest::Sending> CallSendings();

}  // namespace bailey::microvm
