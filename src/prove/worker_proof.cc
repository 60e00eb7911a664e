#include "prove/worker_proof.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "policy/load.h"
#include "prove/keep.h"

namespace bailey::prove {

base::Status ProveWorkerFilter(std::span<const std::string_view> calls,
                               const bpf::Program& filter) {
  const std::string text = fmt::format(R"(bailey = 1
[syscalls]
default = "kill"
unknown = "kill"
fallback = "kill"
foreign = "kill"
architectures = ["native"]
allow = ["{}"]
[guarantees]
keep = ["no-new-user-namespace", "no-mount", "no-mount-api", "no-keyring", "no-io-uring", "no-bpf",
  "no-ptrace", "no-perf", "no-tty-injection", "architectures-closed", "no-fake-success"]
)",
                                       fmt::join(calls, "\", \""));
  const auto policy = policy::Parse(text, "worker.toml", {.current_directory = "/"});
  if (!policy) return policy.error();
  const auto kept = ValidateAndKeep(*policy, filter);
  if (!kept) return kept.error();
  return {};
}

}  // namespace bailey::prove
