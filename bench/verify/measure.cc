// What proofs cost: on libseccomp's filter of Docker's profile, on the presets, on the worst
// filters there are; and what the same questions cost Z3.
//
//   build/bench-verify data/docker-default-seccomp.json
//
// Medians are printed, as Markdown. Where Z3 and bailey do not agree, it ends with 1.
#include <fmt/format.h>
#include <sys/utsname.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "ask_z3.h"
#include "calls.h"
#include "compile/compile.h"
#include "hard_filters.h"
#include "os/start_heap.h"
#include "peer.h"
#include "policy/import_oci.h"
#include "policy/load.h"
#include "prove/keep.h"
#include "prove/prover.h"
#include "prove/validate.h"
#include "verify/meaning.h"
#include "verify/query.h"

namespace bailey::bench {
namespace {

using abi::Arch;
using prove::Finding;
using prove::Guarantee;
using prove::Verdict;

constexpr int kRounds = 51;
constexpr double kMicrosecond = 1e3;
constexpr double kMillisecond = 1e6;

template <class T>
T Need(base::Result<T> result) {
  if (result) return *std::move(result);
  fmt::print(stderr, "bench-verify: {}\n", base::ToString(result.error()));
  std::exit(1);
}

void Need(const base::Status& status) {
  if (status) return;
  fmt::print(stderr, "bench-verify: {}\n", base::ToString(status.error()));
  std::exit(1);
}

// "met" or "missed", beside what was measured.
std::string Judged(double measured, double target) { return measured <= target ? "met" : "missed"; }

// CPU time of this thread, in nanoseconds: what others do on a busy machine is left out.
double Worked() {
  timespec now;
  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// The largest that this process was since the last call, in MiB.
double PeakMemory() {
  double mebibytes = 0;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) mebibytes = std::stod(line.substr(6)) / 1024;
  }
  std::ofstream("/proc/self/clear_refs") << "5\n";
  return mebibytes;
}

struct Docker {
  std::string name;
  prove::Subject subject;
};

std::vector<Docker> DockerFilters(const policy::Syscalls& syscalls) {
  const auto subject = [&](std::vector<bpf::Instruction> instructions) {
    return prove::SubjectOf(syscalls, Need(bpf::Validate(std::move(instructions))));
  };
  std::vector<Docker> filters;
  filters.push_back({"libseccomp", subject(Need(BuildWithLibseccomp(syscalls, false)))});
  filters.push_back({"libseccomp, tree", subject(Need(BuildWithLibseccomp(syscalls, true)))});
  filters.push_back({"bailey", prove::SubjectOf(syscalls, Need(compile::Compile(syscalls)))});
  return filters;
}

std::vector<Finding> ProveAll(const prove::Subject& subject) {
  prove::Prover prover(subject);
  std::vector<Finding> findings;
  for (const Guarantee& one : prove::BuiltinGuarantees()) findings.push_back(prover.Prove(one));
  return findings;
}

std::size_t Count(const std::vector<Finding>& findings, Verdict verdict) {
  return static_cast<std::size_t>(std::ranges::count(findings, verdict, &Finding::verdict));
}

// Milliseconds, and what was found; prints a row.
double MeasureDocker(const Docker& docker) {
  std::vector<double> times;
  std::vector<Finding> findings;
  (void)PeakMemory();
  for (int round = 0; round < kRounds; ++round) {
    const double start = Worked();
    findings = ProveAll(docker.subject);
    times.push_back(Worked() - start);
  }
  const double peak = PeakMemory();
  const double time = Median(times) / kMillisecond;
  const bool is_met = time <= 15 && peak <= 64;
  fmt::print("| {} | {} | {} | {} | {} | {:.2f} | {:.0f} | {} |\n", docker.name,
             docker.subject.stack[0].Size(), Count(findings, Verdict::kProved),
             Count(findings, Verdict::kRefuted), Count(findings, Verdict::kUndecided), time, peak,
             is_met ? "met" : "missed");
  return time;
}

// --- the same questions asked of Z3

// A verdict of its own on each guarantee, from answers on the sets alone.
class Z3Verdicts {
 public:
  Z3Verdicts(const prove::Subject& subject, Asking asking) : z3_(subject, asking) {}

  void AskAll() {
    for (const Guarantee& one : prove::BuiltinGuarantees()) {
      if (one.wants != prove::Wants::kWellFormed) refuted_[one.name] = z3_.IsRefuted(one);
    }
  }
  bool IsRefutedAlone(const Guarantee& one) const {
    const auto found = refuted_.find(one.name);
    return found != refuted_.end() && found->second;
  }
  bool IsRefuted(const Guarantee& one, std::set<std::string_view> visited = {}) const {
    if (!visited.insert(one.name).second) return false;
    if (IsRefutedAlone(one)) return true;
    return std::ranges::any_of(one.rests_on, [&](std::string_view name) {
      const auto all = prove::BuiltinGuarantees();
      const auto other = std::ranges::find(all, name, &Guarantee::name);
      return other != all.end() && IsRefuted(*other, visited);
    });
  }

 private:
  AskZ3 z3_;
  std::map<std::string_view, bool> refuted_;
};

// Where bailey found no answer, Z3 may have one of what it rests on; never of the set itself.
bool Agree(const Finding& ours, const Guarantee& one, const Z3Verdicts& theirs) {
  if (one.wants == prove::Wants::kWellFormed) return true;
  if (ours.verdict == Verdict::kUndecided) return !theirs.IsRefutedAlone(one);
  return theirs.IsRefuted(one) == (ours.verdict == Verdict::kRefuted);
}

int MeasureZ3(const Docker& docker, double our_time) {
  const struct {
    const char* name;
    Asking asking;
  } kWays[] = {
      {"one solver, questions pushed", Asking::kOneSolver},
      {"a solver for each question", Asking::kFreshSolver},
      {"architecture and number folded first", Asking::kFoldedFirst},
  };
  const std::vector<Finding> findings = ProveAll(docker.subject);
  const auto guarantees = prove::BuiltinGuarantees();
  int disagreements = 0;
  for (const auto& way : kWays) {
    const double start = Worked();
    Z3Verdicts verdicts(docker.subject, way.asking);
    verdicts.AskAll();
    const double time = (Worked() - start) / kMillisecond;
    int here = 0;
    for (std::size_t i = 0; i < guarantees.size(); ++i) {
      if (Agree(findings[i], guarantees[i], verdicts)) continue;
      ++here;
      fmt::print(stderr, "bench-verify: {} on {}: Z3 and bailey disagree\n", guarantees[i].name,
                 docker.name);
    }
    fmt::print("| {} | {} | {:.0f} | {:.0f} | {} | {} |\n", docker.name, way.name, time,
               time / our_time, Judged(50, time / our_time),
               here == 0 ? "all agree" : fmt::format("{} disagree", here));
    std::fflush(stdout);
    disagreements += here;
  }
  return disagreements;
}

// --- start-up

const policy::Context kContext = {.home = "/root", .current_directory = "/"};

void MeasurePresets() {
  fmt::print(
      "\n### From policy text to a proved filter, µs\n\n"
      "| preset | read | compile | validate | below 400 | promises | to keep them | sum with at "
      "most "
      "ten | below 600 |\n|---|---|---|---|---|---|---|---|---|\n");
  for (const policy::Preset& preset : policy::Presets()) {
    std::vector<double> read, make, validate, keep, sum;
    std::size_t kept = 0;
    for (int round = 0; round < kRounds; ++round) {
      const double start = Worked();
      const policy::Policy policy = Need(policy::Load(preset.name, kContext));
      const double loaded = Worked();
      const bpf::Program program = Need(compile::Compile(policy.syscalls));
      const double made = Worked();
      Need(prove::Validate(policy.syscalls, program));
      const double validated = Worked();
      Need(prove::ValidateAndKeep(policy, program));
      const double end = Worked();
      policy::Policy with_ten = policy;
      with_ten.guarantees.resize(std::min<std::size_t>(policy.guarantees.size(), 10));
      const double begun = Worked();
      Need(prove::ValidateAndKeep(with_ten, program));
      const double with_ten_kept = Worked() - begun;
      read.push_back(loaded - start);
      make.push_back(made - loaded);
      validate.push_back(validated - made);
      // Both together, as `run` has it, less the one alone.
      keep.push_back((end - validated) - (validated - made));
      sum.push_back((made - start) + with_ten_kept);
      kept = policy.guarantees.size();
    }
    const auto us = [](const std::vector<double>& of) { return Median(of) / kMicrosecond; };
    fmt::print("| {} | {:.0f} | {:.0f} | {:.0f} | {} | {} | {:.0f} | {:.0f} | {} |\n", preset.name,
               us(read), us(make), us(validate), Judged(us(validate), 400), kept,
               std::max(0.0, us(keep)), us(sum), Judged(us(sum), 600));
  }
}

// --- worst cases

void MeasureHardFilters() {
  fmt::print(
      "\n### The worst filters of 4096 instructions\n\n"
      "| | instructions | answer | ms | below 1000 |\n|---|---|---|---|---|\n");
  for (const HardFilter& hard : HardFilters()) {
    std::vector<double> times;
    bool is_exact = false;
    for (int round = 0; round < 5; ++round) {
      const double start = Worked();
      verify::Diagram diagram(verify::ChooseOrder({&hard.program, 1}));
      const verify::Ref meaning = verify::MeaningOf(diagram, hard.program, false);
      is_exact = meaning != verify::Diagram::kLost;
      times.push_back(Worked() - start);
    }
    const double time = Median(times) / kMillisecond;
    fmt::print("| {} | {} | {} | {:.1f} | {} |\n", hard.what, hard.program.Size(),
               is_exact ? "exact" : "undecided", time, Judged(time, 1000));
  }
}

int Main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "Usage: bench-verify PROFILE.json\n");
    return 2;
  }
  std::ifstream file(argv[1]);
  const std::string json{std::istreambuf_iterator<char>(file), {}};
  const policy::Syscalls three =
      Need(policy::ImportOci(json, argv[1],
                             {.capabilities = policy::DefaultContainerCapabilities(),
                              .architectures = {Arch::kX86_64, Arch::kI386, Arch::kX32}}));
  utsname host;
  (void)uname(&host);
  fmt::print("{} {} {}, CPU time, medians of {} rounds\n", host.sysname, host.release, host.machine,
             kRounds);
  const std::vector<Docker> filters = DockerFilters(three);
  fmt::print(
      "\n### All {} guarantees on the filter of Docker's profile (x86_64, i386, x32)\n\n"
      "| filter | instructions | proved | refuted | undecided | ms | peak MiB of the process | at "
      "most 15 ms, 64 MiB |\n|---|---|---|---|---|---|---|---|\n",
      prove::BuiltinGuarantees().size());
  std::vector<double> times;
  for (const Docker& docker : filters) times.push_back(MeasureDocker(docker));
  MeasurePresets();
  MeasureHardFilters();
  fmt::print(
      "\n### The same questions asked of Z3, once\n\n"
      "| filter | asked | ms | ratio | at least 50 | verdicts |\n|---|---|---|---|---|---|\n");
  int disagreements = 0;
  for (std::size_t i = 0; i < filters.size(); ++i) disagreements += MeasureZ3(filters[i], times[i]);
  return disagreements == 0 ? 0 : 1;
}

}  // namespace
}  // namespace bailey::bench

int main(int argc, char** argv) {
  bailey::os::BeginStartHeap();  // as the launcher has it
  bailey::os::PopulateStartHeap();
  return bailey::bench::Main(argc, argv);
}
