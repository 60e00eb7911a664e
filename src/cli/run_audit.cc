#include "cli/run_audit.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <random>

#include "audit/store.h"
#include "cli/commands.h"
#include "cli/run_report.h"
#include "os/file.h"
#include "os/notify.h"
#include "os/process.h"
#include "sandbox/host_path.h"
#include "sandbox/network_witness.h"

namespace bailey::cli {
namespace {

constexpr std::size_t kRows = 10;

std::string NewId() {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device random;
  std::string id;
  for (int i = 0; i < 12; ++i) id += kLetters[random() % kLetters.size()];
  return id;
}

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

base::Result<std::string> CallerStore() {
  return audit::StoreDirectory({::geteuid() == 0, Variable("HOME"), Variable("XDG_STATE_HOME")});
}

namespace {

base::Result<std::vector<std::unique_ptr<audit::Sink>>> OpenSinks(const policy::Audit& audit,
                                                                  const std::string& sandbox) {
  std::vector<std::string> names = audit.to;
  if (names.empty()) names.push_back("store");
  std::vector<std::unique_ptr<audit::Sink>> sinks;
  for (const std::string& name : names) {
    if (name != "store") {
      auto sink = audit::OpenSink(name, {});
      if (!sink) return sink.error();
      sinks.push_back(*std::move(sink));
      continue;
    }
    auto directory = CallerStore();
    // Nobody asked for the store by name: a caller without a home goes without.
    if (!directory && audit.to.empty()) continue;
    if (!directory) return directory.error();
    sinks.push_back(audit::MakeStoreSink(*std::move(directory), sandbox, {}));
  }
  return sinks;
}

audit::Event Opening(const policy::Policy& policy, const std::vector<std::string>& argv,
                     const std::string& isolation = {}) {
  audit::Event event;
  event.time = std::chrono::system_clock::now();
  event.detail = audit::Launch{policy.name, argv, isolation};
  return event;
}

audit::TrailOptions OptionsOf(const policy::Policy& policy, const sandbox::Plan& plan) {
  audit::TrailOptions options = {.capacity = policy.audit.capacity, .rate = policy.audit.rate};
  for (const policy::AlertRule& rule : policy.audit.alerts)
    options.alerts.push_back({rule.name, rule.kind, rule.call, rule.count, rule.within});
  options.opening = Opening(policy, plan.argv);
  return options;
}

audit::Event EventOf(const network::Decision& decision) {
  using Kind = network::Decision::Kind;
  audit::Event event = {.decision = decision.allowed ? audit::Decision::kAllowed
                                                     : audit::Decision::kDenied};
  if (decision.kind == Kind::kLost) {
    event.decision = audit::Decision::kSeen;
    event.detail = audit::Dropped{decision.count, "network"};
    return event;
  }
  // Inbound ones are to the host's loopback, under the same number.
  const std::string address = decision.kind == Kind::kInbound ? "127.0.0.1"
                              : decision.address              ? base::ToString(*decision.address)
                                                              : std::string();
  event.detail = audit::Connection{
      decision.kind == Kind::kName ? "dns" : std::string(egress::ToString(decision.protocol)),
      decision.host,
      address,
      decision.port,
      decision.why,
      decision.up,
      decision.down};
  return event;
}

std::vector<audit::Event> LimitsHit(const policy::Limits& limits, const sandbox::Outcome& outcome) {
  using Kind = sandbox::Outcome::Kind;
  std::vector<audit::Event> events;
  const auto add = [&](std::string name, std::string value) {
    audit::Event event = {.decision = audit::Decision::kDenied};
    event.detail = audit::Limit{std::move(name), std::move(value)};
    events.push_back(std::move(event));
  };
  if ((outcome.kind == Kind::kMemoryLimit || outcome.had_memory_kill) && limits.memory)
    add("memory", fmt::format("{} bytes", *limits.memory));
  if (outcome.kind == Kind::kOutputLimit && limits.output)
    add("output", fmt::format("{} bytes", *limits.output));
  if (outcome.kind == Kind::kTimeLimit && limits.wall)
    add("wall", fmt::format("{} ms", limits.wall->count()));
  return events;
}

// A container engine's filter refuses the call, even for what is one's own.
bool MayTakeListener() {
  const auto scope = os::ReadFile(AT_FDCWD, "/proc/sys/kernel/yama/ptrace_scope", 16);
  if (scope && !sandbox::YamaLetsListen(*scope, ::geteuid() == 0)) return false;
  const auto self = os::OpenPidfd(::getpid());
  return self && os::TakeDescriptor(self->Get(), STDERR_FILENO);
}

std::string WhyNotListenedInMachine(const policy::Policy& policy) {
  if (policy.syscalls.stack.empty()) return {};
  return "the policy stacks filters of others, whose errnos come before a supervisor";
}

// Empty: nothing is in the way.
std::string WhyNotListened(const policy::Policy& policy) {
  if (std::string why = WhyNotListenedInMachine(policy); !why.empty()) return why;
  if (!MayTakeListener())
    return "a filter around this sandbox, or kernel.yama.ptrace_scope, lets nobody take a listener";
  return {};
}

// Says when the program is about to start. Only then: the trail has a thread of its own from its
// first event on, and the processes of a launch are forked from one that has none.
class StartListener : public sandbox::Listener {
 public:
  StartListener(Options options, std::function<void()> start)
      : Listener(std::move(options)), start_(std::move(start)) {}

  base::Status Begin(base::UniqueFd listener, const bpf::Program& filter) override {
    const auto begun = Listener::Begin(std::move(listener), filter);
    if (begun) start_();
    return begun;
  }
  void CannotListen() override {
    Listener::CannotListen();
    start_();
  }

 private:
  std::function<void()> start_;
};

// What looks at calls that go on; none where nothing does.
sandbox::Listener::Witness WitnessOf(const policy::Audit& audit, sandbox::FileWitness* files) {
  if (files == nullptr && !audit.network) return {};
  return [files, network = audit.network](const bpf::SeccompData& call, pid_t task,
                                          const audit::Memory& memory) {
    std::optional<audit::Event> event;
    if (files != nullptr) event = files->Look(call, task, memory);
    if (!event && network) event = sandbox::NoteNetworkChange(call, task, memory);
    return event;
  };
}

}  // namespace

bool IsListenedTo(const policy::Policy& policy) {
  return policy.audit.log != policy::AuditLog::kNone && WhyNotListened(policy).empty();
}

bool IsListenedToInMachine(const policy::Policy& policy) {
  return policy.audit.log != policy::AuditLog::kNone && WhyNotListenedInMachine(policy).empty();
}

base::Result<std::unique_ptr<RunAudit>> RunAudit::Make(const policy::Policy& policy,
                                                       const sandbox::Plan& plan) {
  if (policy.audit.log == policy::AuditLog::kNone) return std::unique_ptr<RunAudit>();
  std::unique_ptr<RunAudit> run(new RunAudit(policy));
  run->sandbox_ = NewId();
  auto sinks = OpenSinks(policy.audit, run->sandbox_);
  if (!sinks) return sinks.error();
  run->trail_ =
      std::make_unique<audit::Trail>(run->sandbox_, OptionsOf(policy, plan), *std::move(sinks));
  run->argv_ = plan.argv;
  return run;
}

base::Result<std::unique_ptr<RunAudit>> RunAudit::OpenForMachine(const policy::Policy& policy,
                                                                 const sandbox::Plan& plan) {
  auto run = Make(policy, plan);
  if (!run || !*run) return run;
  (*run)->from_machine_ = true;
  if (policy.audit.files) (*run)->files_ = std::make_unique<sandbox::FileWitness>(plan.root);
  return run;
}

base::Result<std::unique_ptr<RunAudit>> RunAudit::Open(const policy::Policy& policy,
                                                       const sandbox::Plan& plan) {
  auto made = Make(policy, plan);
  if (!made || !*made) return made;
  std::unique_ptr<RunAudit> run = *std::move(made);
  if (IsListenedTo(policy)) {
    sandbox::Listener::Options options = {.trail = run->trail_.get(),
                                          .explain = [&policy](const bpf::SeccompData& call) {
                                            return RuleOf(policy.syscalls, call);
                                          }};
    if (policy.audit.files) run->files_ = std::make_unique<sandbox::FileWitness>(plan.root);
    options.witness = WitnessOf(policy.audit, run->files_.get());
    run->listener_ = std::make_unique<StartListener>(std::move(options), [run = run.get()] {
      if (run->notes_start_) run->trail_->RecordOpening();
    });
  }
  return run;
}

void RunAudit::NoteStart() { notes_start_ = policy_.audit.log == policy::AuditLog::kAll; }

void RunAudit::SetProgram(const std::vector<std::string>& argv) {
  trail_->SetOpening(Opening(policy_, argv));
}

void RunAudit::SetIsolation(const std::string& isolation) {
  trail_->SetOpening(Opening(policy_, argv_, isolation));
  if (notes_start_) trail_->RecordOpening();
}

void RunAudit::TakeHeard(std::vector<sandbox::HeardCall> heard, std::uint64_t unanswered,
                         std::uint64_t dropped) {
  heard_ = std::move(heard);
  unanswered_ = unanswered;
  dropped_ = dropped;
}

void RunAudit::Decided(const network::Decision& decision) {
  if (decision.allowed && policy_.audit.log != policy::AuditLog::kAll) return;
  ++decisions_;
  if (trail_->Admits()) trail_->Record(EventOf(decision));
}

// One event for each kind of denied call: how often it was made, exactly.
void RunAudit::RecordTotals() {
  for (const sandbox::HeardCall& one : heard_) {
    if (!IsDenial(one)) continue;
    audit::Event event = {.decision = audit::Decision::kDenied, .rule = one.rule};
    event.detail = TotalOf(one);
    trail_->Record(std::move(event));
  }
  if (dropped_ == 0) return;
  audit::Event event;
  event.detail = audit::Dropped{dropped_, "guest"};
  trail_->Record(std::move(event));
}

void RunAudit::RecordEnd(const base::Result<sandbox::Outcome>& outcome) {
  audit::Event event;
  if (!outcome) {
    event.detail = audit::Exit{"not-started", kNoSandbox, 0, outcome.error().text};
  } else {
    RecordTotals();
    for (audit::Event& limit : LimitsHit(policy_.limits, *outcome))
      trail_->Record(std::move(limit));
    event.detail = audit::Exit{OutcomeName(outcome->kind), sandbox::ExitStatus(*outcome),
                               static_cast<std::uint64_t>(outcome->start_up.count()), ""};
  }
  if (trail_->HasRecorded() || policy_.audit.log == policy::AuditLog::kAll)
    trail_->Record(std::move(event));
}

void RunAudit::AddCalls(AuditReport& report, bool in_full) const {
  std::vector<sandbox::HeardCall> heard = heard_;
  std::erase_if(heard, [](const sandbox::HeardCall& one) { return !IsDenial(one); });
  const auto probes = std::ranges::stable_partition(
      heard, [&](const sandbox::HeardCall& one) { return !IsProbe(policy_, one); });
  for (const sandbox::HeardCall& one : heard) report.denied += one.count;
  for (const sandbox::HeardCall& one : probes) report.probes += one.count;
  report.kinds = heard.size();
  report.probe_kinds = probes.size();
  // Proving what a line would break takes its time.
  if (!in_full && !report.has_failed) heard.erase(probes.begin(), probes.end());
  report.calls = ExplainDenials(policy_, heard, kRows);
}

AuditReport RunAudit::Close(const base::Result<sandbox::Outcome>& outcome, bool in_full) {
  AuditReport report = {.sandbox = sandbox_};
  report.has_failed = !outcome || sandbox::ExitStatus(*outcome) != 0;
  if (listener_ != nullptr) TakeHeard(listener_->Heard(), listener_->Unanswered(), 0);
  RecordEnd(outcome);
  report.decisions = decisions_;
  report.totals = trail_->Close();
  report.totals.over_rate += dropped_;
  if (from_machine_) report.why_not = WhyNotListenedInMachine(policy_);
  if (from_machine_ && !report.why_not.empty()) return report;
  if (!from_machine_ && listener_ == nullptr) {
    report.why_not = WhyNotListened(policy_);
    return report;
  }
  if (listener_ != nullptr && listener_->IsDeaf()) {
    report.why_not = "a sandbox around this one listens already";
    return report;
  }
  report.listened = true;
  report.unanswered = unanswered_;
  AddCalls(report, in_full);
  if (files_ == nullptr) return report;
  report.files = files_->Withheld();
  if (report.files.size() > kRows) report.files.resize(kRows);
  report.withheld = files_->Total();
  return report;
}

namespace {

// Of a program that succeeded, what it tried and went on without is a line at most.
std::string CallTable(const policy::Policy& policy, const AuditReport& report) {
  if (report.has_failed) return DenialTable(policy, report.calls, report.kinds);
  std::vector<DeniedCall> calls = report.calls;
  std::erase_if(calls, std::mem_fn(&DeniedCall::is_probe));
  std::string text = DenialTable(policy, calls, report.kinds - report.probe_kinds);
  if (!text.empty() && report.probes > 0) {
    text += fmt::format("{:>8} x calls that programs mostly go on without: bailey audit\n",
                        report.probes);
  }
  return text;
}

}  // namespace

std::string AuditText(const policy::Policy& policy, const std::optional<AuditReport>& audited) {
  if (!audited) return {};
  const AuditReport& report = *audited;
  std::string text = CallTable(policy, report);
  if (!report.files.empty())
    text += "bailey run: withheld, and what would show it, under [filesystem]:\n";
  for (const sandbox::WithheldFile& file : report.files) {
    text += fmt::format("{:>8} x {} {} ({})\n", file.count, file.access, file.path, file.reason);
    // No entry makes it writable.
    if (sandbox::IsWithin(file.path, "/proc")) continue;
    text += fmt::format("{:11}{} = [\"{}\"]\n", "", file.access == "write" ? "write" : "read",
                        file.path);
  }
  // Who has no store, and named none, is told of it beside what is not in it: not after each end of
  // a program that was denied what programs go on without. The report has it anyway.
  const bool is_asked = !policy.audit.to.empty() || policy.audit.log == policy::AuditLog::kAll;
  if (text.empty() && report.decisions == 0 && !is_asked) return text;
  const auto lost = [&](std::uint64_t events, const std::string& cause) {
    if (events > 0) text += fmt::format("bailey run: {} events were lost: {}\n", events, cause);
  };
  lost(report.totals.over_rate, "more than [audit] rate; all are counted");
  lost(report.totals.over_capacity, "a sink was slow");
  for (const audit::LostAtSink& sink : report.totals.lost)
    lost(sink.events, fmt::format("{}: {}", sink.sink, sink.fault));
  if (report.totals.is_stuck) text += "bailey run: an audit sink was stuck, and left behind\n";
  return text;
}

}  // namespace bailey::cli
