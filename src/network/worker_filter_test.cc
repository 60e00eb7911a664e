#include "network/worker_filter.h"

#include <gtest/gtest.h>

#include "prove/worker_proof.h"

namespace bailey::network {
namespace {

TEST(WorkerFilter, IsProved) {
  const auto filter = WorkerFilter();
  ASSERT_TRUE(filter);
  const auto proved = prove::ProveWorkerFilter(kWorkerCalls, *filter);
  EXPECT_TRUE(proved) << proved.error().text;
}

}  // namespace
}  // namespace bailey::network
