#include "mcp/http_worker_filter.h"

#include <gtest/gtest.h>

#include "prove/worker_proof.h"

namespace bailey::mcp {
namespace {

TEST(HttpWorkerFilter, IsProved) {
  const auto filter = HttpWorkerFilter();
  ASSERT_TRUE(filter);
  const auto proved = prove::ProveWorkerFilter(kHttpWorkerCalls, *filter);
  EXPECT_TRUE(proved) << proved.error().text;
}

}  // namespace
}  // namespace bailey::mcp
