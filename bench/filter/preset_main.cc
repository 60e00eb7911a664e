// From a preset's name to an attached filter, as a launcher does it once: each time in a process
// that has just begun, linked as the launcher is, and with its heap made ready as the launcher
// makes it.
//
//   build/bench-preset 301 [PRESET...]    a table
//   valgrind --tool=callgrind --toggle-collect='bailey::bench::MakeFilter*' build/bench-preset once
//   agent
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "calls.h"
#include "os/start_heap.h"
#include "policy/load.h"
#include "preset.h"

namespace bailey::bench {
namespace {

struct Times {
  double heap, read, compile, attach;  // nanoseconds
  double Sum() const { return heap + read + compile + attach; }
};

std::optional<Times> MakeOnce(std::string_view preset) {
  const double start = Now();
  os::BeginStartHeap();
  os::PopulateStartHeap();
  const double ready = Now();
  const auto made = MakeFilter(preset);
  const auto attached = made ? AttachHere(made->filter) : std::nullopt;
  if (!attached) return std::nullopt;
  return Times{ready - start, made->read, made->compile, *attached};
}

// In a process of this program that is executed for it.
std::optional<Times> MakeFresh(const std::string& preset) {
  int ends[2];
  if (pipe(ends) != 0) return std::nullopt;
  const pid_t child = fork();
  if (child == 0) {
    if (dup2(ends[1], STDOUT_FILENO) >= 0)
      execl("/proc/self/exe", "bench-preset", "once", preset.c_str(), nullptr);
    _exit(1);
  }
  (void)close(ends[1]);
  Times times;
  const bool read_all = read(ends[0], &times, sizeof(times)) == sizeof(times);
  (void)close(ends[0]);
  int status = 1;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0 || !read_all)
    return std::nullopt;
  return times;
}

int PrintTable(int rounds, const std::vector<std::string>& presets) {
  fmt::print(
      "\n### From policy text to attached filter in a fresh process, µs\n\n"
      "CPU time: the shortest of {} times, what it is made of, and the median.\n\n"
      "| preset | heap | read | compile | attach | shortest | median | below 600 |\n"
      "|---|---|---|---|---|---|---|---|\n",
      rounds);
  for (const std::string& preset : presets) {
    std::vector<Times> all;
    std::vector<double> sums;
    for (int round = 0; round < rounds; ++round) {
      const auto times = MakeFresh(preset);
      if (!times) {
        fmt::print(stderr, "bench-preset: make the filter of {}: its process failed\n", preset);
        return 1;
      }
      all.push_back(*times);
      sums.push_back(times->Sum());
    }
    const Times best = *std::ranges::min_element(all, {}, &Times::Sum);
    const double median = Median(sums);
    fmt::print("| {} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {} |\n", preset,
               best.heap / 1000, best.read / 1000, best.compile / 1000, best.attach / 1000,
               best.Sum() / 1000, median / 1000, median < 600'000 ? "met" : "not met");
  }
  return 0;
}

int Main(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  if (first == "once" && argc == 3) {
    const auto times = MakeOnce(argv[2]);
    if (!times) return 1;
    return write(STDOUT_FILENO, &*times, sizeof(*times)) == sizeof(*times) ? 0 : 1;
  }
  const int rounds = std::atoi(first.c_str());
  if (rounds <= 0) {
    fmt::print(stderr, "Usage: bench-preset ROUNDS [PRESET...]\n");
    return 2;
  }
  std::vector<std::string> presets(argv + 2, argv + argc);
  if (presets.empty()) {
    for (const policy::Preset& preset : policy::Presets()) {
      // A base for others: a program under it alone cannot end.
      if (preset.name != "os") presets.emplace_back(preset.name);
    }
  }
  return PrintTable(rounds, presets);
}

}  // namespace
}  // namespace bailey::bench

int main(int argc, char** argv) { return bailey::bench::Main(argc, argv); }
