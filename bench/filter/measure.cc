// bailey's filters and libseccomp's, of the same policies, in one run.
//
//   build/bench-filter data/docker-default-seccomp.json
//
// What is compared is interleaved, and medians are printed, as Markdown. Nothing else should run.
#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "abi/action.h"
#include "bpf/constant.h"
#include "calls.h"
#include "compile/compile.h"
#include "peer.h"
#include "policy/import_oci.h"
#include "policy/load.h"
#include "preset.h"

namespace bailey::bench {
namespace {

using abi::Arch;
using Filter = std::vector<bpf::Instruction>;

constexpr int kRounds = 51;
constexpr int kCallRounds = 11;
constexpr int kWholeRounds = 201;

[[noreturn]] void Stop(const base::Error& error) {
  fmt::print(stderr, "bench-filter: {}\n", base::ToString(error));
  std::exit(1);
}

template <class T>
T Need(base::Result<T> result) {
  if (!result) Stop(result.error());
  return *std::move(result);
}

double Need(std::optional<double> time) {
  if (!time) Stop(base::Internal("attach filter: the child did not end well"));
  return *time;
}

Filter Ours(const policy::Syscalls& syscalls) {
  const bpf::Program program = Need(compile::Compile(syscalls));
  return {program.Instructions().begin(), program.Instructions().end()};
}

struct Candidate {
  std::string name;
  std::function<Filter()> build;
};

std::vector<Candidate> Candidates(const policy::Syscalls& syscalls) {
  return {
      {"libseccomp", [&] { return Need(BuildWithLibseccomp(syscalls, false)); }},
      {"libseccomp, tree", [&] { return Need(BuildWithLibseccomp(syscalls, true)); }},
      {"bailey", [&] { return Ours(syscalls); }},
  };
}

// Medians of what `measure` says of each candidate's filter, rounds interleaved.
std::vector<double> Medians(std::size_t count, int rounds,
                            const std::function<double(std::size_t)>& measure) {
  std::vector<std::vector<double>> samples(count);
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < count; ++i) samples[i].push_back(measure(i));
  }
  std::vector<double> medians;
  for (const std::vector<double>& sample : samples) medians.push_back(Median(sample));
  return medians;
}

std::size_t ConstantCalls(const policy::Syscalls& syscalls, const Filter& filter) {
  const bpf::Program program = Need(bpf::Validate(filter));
  std::size_t constant = 0;
  const auto report = Need(compile::Describe(syscalls, program));
  for (const compile::ArchReport& arch : report.architectures) constant += arch.constant;
  return constant;
}

void CompareFilters(std::string_view title, const policy::Syscalls& syscalls) {
  const std::vector<Candidate> candidates = Candidates(syscalls);
  std::vector<Filter> filters;
  for (const Candidate& candidate : candidates) filters.push_back(candidate.build());
  const auto build = Medians(candidates.size(), kRounds, [&](std::size_t i) {
    const double start = Now();
    const Filter filter = candidates[i].build();
    return Now() - start;
  });
  const auto attach = Medians(candidates.size(), kRounds,
                              [&](std::size_t i) { return Need(AttachTime(filters[i])); });
  fmt::print("\n### {}\n\n", title);
  fmt::print(
      "| | build, µs | ratio | instructions | ratio | longest path | constant-time calls | "
      "attach, µs | ratio |\n|---|---|---|---|---|---|---|---|---|\n");
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    fmt::print("| {} | {:.0f} | {:.3f} | {} | {:.2f} | {} | {} | {:.0f} | {:.2f} |\n",
               candidates[i].name, build[i] / 1000, build[i] / build[0], filters[i].size(),
               static_cast<double>(filters[i].size()) / static_cast<double>(filters[0].size()),
               compile::LongestPath(Need(bpf::Validate(filters[i]))),
               ConstantCalls(syscalls, filters[i]), attach[i] / 1000, attach[i] / attach[0]);
  }
}

void CompareCalls(const policy::Syscalls& syscalls) {
  std::vector<std::string> names = {"no filter", "the cheapest filter"};
  std::vector<Filter> filters = {{}, {{bpf::kReturn, 0, 0, abi::Encode(abi::Action::Allow())}}};
  for (const Candidate& candidate : Candidates(syscalls)) {
    names.push_back(candidate.name);
    filters.push_back(candidate.build());
  }
  std::vector<std::vector<CallTimes>> samples(filters.size());
  for (int round = 0; round < kCallRounds; ++round) {
    for (std::size_t i = 0; i < filters.size(); ++i) {
      if (const auto times = TimeCalls(filters[i])) samples[i].push_back(*times);
    }
  }
  fmt::print(
      "\n### Calls under Docker's profile, ns added to a call without a filter\n\n"
      "| | getppid | ioctl | clone3 | personality |\n|---|---|---|---|---|\n");
  const auto median = [&](std::size_t i, double CallTimes::* call) {
    std::vector<double> values;
    for (const CallTimes& times : samples[i]) values.push_back(times.*call);
    return values.empty() ? 0 : Median(values);
  };
  for (std::size_t i = 0; i < filters.size(); ++i) {
    fmt::print("| {} |", names[i]);
    for (const auto call :
         {&CallTimes::getppid, &CallTimes::ioctl, &CallTimes::clone3, &CallTimes::personality}) {
      if (i == 0) {
        fmt::print(" ({:.0f} in all) |", median(0, call));
      } else {
        fmt::print(" {:.0f} |", median(i, call) - median(0, call));
      }
    }
    fmt::print("\n");
  }
}

// Without what libseccomp cannot say: an answer to unknown numbers.
policy::Syscalls FlatpakAsLibseccompCan() {
  policy::Syscalls syscalls =
      Need(policy::Load("flatpak", {.home = "/root", .current_directory = "/"})).syscalls;
  syscalls.unknown = syscalls.default_action;
  return syscalls;
}

// ioctl where its request is looked at, as in Flatpak's filter.
void CompareIoctl() {
  const policy::Syscalls syscalls = FlatpakAsLibseccompCan();
  std::vector<std::string> names = {"no filter"};
  std::vector<Filter> filters = {{}};
  for (const Candidate& candidate : Candidates(syscalls)) {
    names.push_back(candidate.name);
    filters.push_back(candidate.build());
  }
  std::vector<std::vector<double>> samples(filters.size());
  for (int round = 0; round < kCallRounds; ++round) {
    for (std::size_t i = 0; i < filters.size(); ++i) {
      if (const auto times = TimeCalls(filters[i])) samples[i].push_back(times->ioctl);
    }
  }
  fmt::print(
      "\n### ioctl with its request compared, under the preset flatpak, ns added\n\n"
      "| | ioctl | ratio |\n|---|---|---|\n");
  std::vector<double> added;
  for (const std::vector<double>& sample : samples) {
    added.push_back(sample.empty() ? 0 : Median(sample) - Median(samples[0]));
  }
  for (std::size_t i = 1; i < filters.size(); ++i) {
    fmt::print("| {} | {:.0f} | {:.2f} |\n", names[i], added[i], added[i] / added[1]);
  }
}

// What a process that runs takes; bench-preset measures those that have just begun, whose first
// touch of each page is a fault. No fork between the rounds: it would make pages copies.
void TimePresets() {
  fmt::print(
      "\n### From policy text to attached filter, µs\n\n"
      "The shortest of {} times in a running process.\n\n"
      "| preset | read | compile | attach | sum | instructions |\n"
      "|---|---|---|---|---|---|\n",
      kWholeRounds);
  for (const policy::Preset& preset : policy::Presets()) {
    if (preset.name == "os") continue;  // a base for others: a program under it alone cannot end
    std::vector<double> read, make, attach;
    Filter filter;
    for (int round = 0; round < kWholeRounds; ++round) {
      auto made = MakeFilter(preset.name);
      if (!made) Stop(base::Internal("make filter: the preset does not compile"));
      read.push_back(made->read);
      make.push_back(made->compile);
      filter = std::move(made->filter);
    }
    for (int round = 0; round < kWholeRounds; ++round) {
      attach.push_back(Need(AttachTime(filter)));
    }
    const auto shortest = [](const std::vector<double>& times) {
      return *std::ranges::min_element(times) / 1000;
    };
    const double r = shortest(read), m = shortest(make), a = shortest(attach);
    fmt::print("| {} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {} |\n", preset.name, r, m, a, r + m + a,
               filter.size());
  }
}

int Main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "Usage: bench-filter PROFILE.json\n");
    return 2;
  }
  std::ifstream file(argv[1]);
  const std::string json{std::istreambuf_iterator<char>(file), {}};
  const auto import = [&](std::vector<Arch> archs) {
    return Need(policy::ImportOci(json, argv[1],
                                  {.capabilities = policy::DefaultContainerCapabilities(),
                                   .architectures = std::move(archs)}));
  };
  const policy::Syscalls three = import({Arch::kX86_64, Arch::kI386, Arch::kX32});
  const policy::Syscalls one = import({Arch::kX86_64});
  utsname host;
  (void)uname(&host);
  fmt::print("{} {} {}, {} rules, medians of {} rounds, interleaved\n", host.sysname, host.release,
             host.machine, three.rules.size(), kRounds);
  CompareFilters("Docker's profile, x86_64, i386 and x32", three);
  CompareFilters("Docker's profile, x86_64", one);
  CompareFilters("The preset flatpak, x86_64 and i386", FlatpakAsLibseccompCan());
  CompareCalls(three);
  CompareIoctl();
  TimePresets();
  return 0;
}

}  // namespace
}  // namespace bailey::bench

int main(int argc, char** argv) { return bailey::bench::Main(argc, argv); }
