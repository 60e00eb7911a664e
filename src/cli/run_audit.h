// The audit of one run: its sinks, its listener, and what is said at the end.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/trail.h"
#include "base/result.h"
#include "cli/denials.h"
#include "network/decision.h"
#include "policy/policy.h"
#include "sandbox/file_witness.h"
#include "sandbox/launch.h"
#include "sandbox/listener.h"
#include "sandbox/plan.h"

namespace bailey::cli {

struct AuditReport {
  std::string sandbox;
  bool listened = false;          // denials by errno were counted
  std::string why_not;            // else: why
  std::vector<DeniedCall> calls;  // the most frequent: probes after all others
  std::size_t kinds = 0;          // of denied calls
  std::uint64_t denied = 0;       // in all
  std::size_t probe_kinds = 0;    // of these: what [audit] probes names
  std::uint64_t probes = 0;
  bool has_failed = false;                   // the program: then the probes are shown as well
  std::uint64_t unanswered = 0;              // whose task was killed meanwhile
  std::vector<sandbox::WithheldFile> files;  // the most frequent, with [audit] files
  std::uint64_t withheld = 0;                // uses of files, in all
  std::uint64_t decisions = 0;               // of the network's gateway that were noted
  audit::Totals totals;
};

// Whether the policy's filter hands calls to a supervisor: not where it audits nothing, nor where
// it stacks filters of others.
bool IsListenedTo(const policy::Policy& policy);

// The same of a machine, whose guest answers in the supervisor's place.
bool IsListenedToInMachine(const policy::Policy& policy);

class RunAudit {
 public:
  // nullptr where the policy audits nothing. Both are kept by reference. Errors: a sink that cannot
  // be opened, before anything runs.
  static base::Result<std::unique_ptr<RunAudit>> Open(const policy::Policy& policy,
                                                      const sandbox::Plan& plan);
  // The same of a machine, whose guest listens: what it heard is told by TakeHeard.
  static base::Result<std::unique_ptr<RunAudit>> OpenForMachine(const policy::Policy& policy,
                                                                const sandbox::Plan& plan);

  // nullptr where no call is handed to a supervisor (IsListenedTo).
  sandbox::CallObserver* Observer() { return listener_.get(); }
  // With log = "all" the start is an event when it comes, not with the first other one.
  void NoteStart();
  // Of a sandbox that was prepared before there was a program: now there is one.
  void SetProgram(const std::vector<std::string>& argv);
  // A machine has said hello: what starts now runs in it.
  void SetIsolation(const std::string& isolation);
  audit::Trail& Trail() { return *trail_; }
  // nullptr where files are not watched.
  sandbox::FileWitness* Files() { return files_.get(); }
  // What a machine's guest heard, before Close. `dropped`: single calls that it never told of.
  void TakeHeard(std::vector<sandbox::HeardCall> heard, std::uint64_t unanswered,
                 std::uint64_t dropped);
  // What the network's gateway decided.
  void Decided(const network::Decision& decision);
  // After Launch, with what it returned. `in_full`: with the probes that nobody is shown.
  AuditReport Close(const base::Result<sandbox::Outcome>& outcome, bool in_full);

 private:
  static base::Result<std::unique_ptr<RunAudit>> Make(const policy::Policy& policy,
                                                      const sandbox::Plan& plan);
  void RecordTotals();
  void AddCalls(AuditReport& report, bool in_full) const;
  void RecordEnd(const base::Result<sandbox::Outcome>& outcome);

  explicit RunAudit(const policy::Policy& policy) : policy_(policy) {}

  const policy::Policy& policy_;
  std::string sandbox_;
  std::unique_ptr<audit::Trail> trail_;
  bool notes_start_ = false;
  std::uint64_t decisions_ = 0;
  std::unique_ptr<sandbox::FileWitness> files_;
  std::unique_ptr<sandbox::Listener> listener_;
  std::vector<std::string> argv_;
  bool from_machine_ = false;
  std::vector<sandbox::HeardCall> heard_;
  std::uint64_t unanswered_ = 0, dropped_ = 0;
};

// The directory of the caller's audit store.
base::Result<std::string> CallerStore();

// The table for people, and a line for each thing that was lost.
std::string AuditText(const policy::Policy& policy, const std::optional<AuditReport>& report);

}  // namespace bailey::cli
