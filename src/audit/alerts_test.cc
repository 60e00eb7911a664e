#include "audit/alerts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bailey::audit {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

Event Denied(std::chrono::nanoseconds at, std::string call) {
  Event event = {.time = decltype(Event::time)(at), .decision = Decision::kDenied};
  event.detail = Call{.name = std::move(call)};
  return event;
}

TEST(Alerts, MarkTheEventThatCompletesARule) {
  Alerts alerts({{.name = "many", .kind = "call", .count = 3, .within = 10s},
                 {.name = "tracing", .call = "ptrace", .within = 1s}});
  std::vector<std::vector<std::string>> marks;
  for (const auto& [at, call] : std::vector<std::pair<std::chrono::seconds, std::string>>{
           {1s, "mount"}, {2s, "ptrace"}, {3s, "mount"}, {4s, "mount"}, {5s, "mount"}}) {
    Event event = Denied(at, call);
    alerts.Mark(event);
    marks.push_back(event.alerts);
  }
  EXPECT_THAT(marks, ElementsAre(IsEmpty(), ElementsAre("tracing"), ElementsAre("many"), IsEmpty(),
                                 IsEmpty()));
}

TEST(Alerts, ForgetWhatIsTooOld) {
  Alerts alerts({{.name = "many", .count = 3, .within = 10s}});
  for (const auto at : {0s, 20s, 40s, 60s, 80s}) {
    Event event = Denied(at, "mount");
    alerts.Mark(event);
    EXPECT_THAT(event.alerts, IsEmpty()) << at.count();
  }
}

TEST(Alerts, LookAtDenialsOfTheirKindOnly) {
  Alerts alerts({{.name = "files", .kind = "file", .count = 1, .within = 1s}});
  Event call = Denied(0s, "mount");
  alerts.Mark(call);
  Event seen = {.decision = Decision::kSeen, .detail = FileAccess{.path = "/x"}};
  alerts.Mark(seen);
  Event denied = {.decision = Decision::kDenied, .detail = FileAccess{.path = "/x"}};
  alerts.Mark(denied);
  EXPECT_THAT(call.alerts, IsEmpty());
  EXPECT_THAT(seen.alerts, IsEmpty());
  EXPECT_THAT(denied.alerts, ElementsAre("files"));
}

}  // namespace
}  // namespace bailey::audit
