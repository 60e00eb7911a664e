#include "mcp/http_worker_filter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "policy/load.h"
#include "prove/keep.h"

namespace bailey::mcp {
namespace {

// The filter was written by hand; that it does what its list says, and no more, is proved over
// every call, argument and architecture, and so are promises about what it keeps closed.
TEST(HttpWorkerFilter, IsProved) {
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
                                       fmt::join(kHttpWorkerCalls, "\", \""));
  const auto policy = policy::Parse(text, "worker.toml", {.current_directory = "/"});
  ASSERT_TRUE(policy) << base::ToString(policy.error());
  const auto filter = HttpWorkerFilter();
  ASSERT_TRUE(filter);
  const auto kept = prove::ValidateAndKeep(*policy, *filter);
  EXPECT_TRUE(kept) << kept.error().text;
}

}  // namespace
}  // namespace bailey::mcp
