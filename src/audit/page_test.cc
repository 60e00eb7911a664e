#include "audit/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bailey::audit {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Page, HasTimelineSummaryAndEvents) {
  Event event = {.time = *ParseTime("2026-11-22T03:01:02.000000045Z"),
                 .sandbox = "k3x",
                 .decision = Decision::kDenied,
                 .task = Task{12, 3, "/usr/bin/unshare"}};
  event.detail = Call{.name = "unshare", .answer = "EPERM"};
  Event later = event;
  later.time += std::chrono::seconds(10);
  later.alerts = {"probing"};
  const Event events[] = {event, later};
  const SummaryRow rows[] = {{.kind = "call",
                              .decision = "denied",
                              .what = "unshare()",
                              .answer = "EPERM",
                              .rule = "default",
                              .count = 20,
                              .sandboxes = 1}};
  const std::string page = Page(events, rows);
  EXPECT_THAT(page, HasSubstr("<svg"));
  EXPECT_THAT(page, HasSubstr("2026-11-22T03:01:12.000Z"));
  EXPECT_THAT(page, HasSubstr("denied call unshare() -&gt; EPERM"));
  EXPECT_THAT(page, HasSubstr("<tr class=\"alert\">"));
  EXPECT_THAT(page, HasSubstr("<td class=\"n\">20</td>"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("src=")));
  EXPECT_THAT(page, Not(HasSubstr("href=")));
}

TEST(Page, TakesNoElementFromAProgram) {
  Event event = {.sandbox = "<b>",
                 .decision = Decision::kDenied,
                 .task = Task{1, 1, "/tmp/<script>alert(1)</script>\"'&"}};
  event.detail = FileAccess{"openat", "</code><img src=x>", "read", "\x1b[2J"};
  const Event events[] = {event};
  const SummaryRow rows[] = {{.what = "<i>\"onload=\"x"}};
  const std::string page = Page(events, rows);
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("<i>")));
  EXPECT_THAT(page, Not(HasSubstr("\x1b")));
}

TEST(Page, OfNothingSaysSo) { EXPECT_THAT(Page({}, {}), HasSubstr("There are no events.")); }

}  // namespace
}  // namespace bailey::audit
