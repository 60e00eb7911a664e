// The shortest of many times from a preset's name to an attached filter, each in a fresh process;
// without a number of rounds it is made once, for callgrind.
//
//   build/bench-preset agent 300
//   valgrind --tool=callgrind --toggle-collect='bailey::bench::MakeFilter*' build/bench-preset
//   agent
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "preset.h"

namespace bailey::bench {
namespace {

int Main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "Usage: bench-preset PRESET [ROUNDS]\n");
    return 2;
  }
  // In both cases once here: a launcher is linked statically, and nothing is looked up lazily.
  if (!MakeFilter(argv[1])) return 1;
  if (argc == 2) return 0;
  constexpr double kMost = std::numeric_limits<double>::max();
  WholeTimes best = {kMost, kMost, kMost};
  double sum = kMost;
  for (int round = std::atoi(argv[2]); round > 0; --round) {
    const auto times = TimeWhole([&] { return MakeFilter(argv[1]); });
    if (!times) return 1;
    const double whole = times->read + times->compile + times->attach;
    if (whole < sum) best = *times;
    sum = std::min(sum, whole);
  }
  fmt::print("{}: read {:.0f}, compile {:.0f}, attach {:.0f}, sum {:.0f} µs\n", argv[1],
             best.read / 1000, best.compile / 1000, best.attach / 1000, sum / 1000);
  return 0;
}

}  // namespace
}  // namespace bailey::bench

int main(int argc, char** argv) { return bailey::bench::Main(argc, argv); }
