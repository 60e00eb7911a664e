#include "review/find_machine.h"
#include "review/finder.h"

namespace bailey::review {

std::span<const Finder> MachineFinders() {
  static constexpr Finder kFinders[] = {
      {"machine/unbounded-files", "Logs, metrics and serial output that a guest makes grow.",
       FindUnboundedFiles},
      {"machine/serial-console", "A serial console that is on.", FindSerialConsole},
      {"machine/path-escape", "Paths and ids that were put together unchecked.", FindEscapingPaths},
      {"machine/predictable-path", "Names where everybody may make files.", FindPredictablePaths},
      {"machine/no-rate-limiter", "Drives and interfaces that nothing slows down.",
       FindNoRateLimiters},
      {"machine/writable-root", "Writable images that others start from.", FindWritableRoot},
      {"machine/settings", "Filters and jailer left out, metadata without tokens, shared cores.",
       FindMachineSettings},
  };
  return kFinders;
}

}  // namespace bailey::review
