#include "audit/event.h"

#include <gtest/gtest.h>

#include <random>

namespace bailey::audit {
namespace {

Event Example() {
  Event event = {.sequence = 7,
                 .time = *ParseTime("2026-11-22T03:01:02.000000045Z"),
                 .sandbox = "k3x-1",
                 .decision = Decision::kDenied,
                 .task = Task{4711, 3, "/usr/bin/unshare"},
                 .rule = Rule{"deny of untrusted", "untrusted.toml:26:3"}};
  event.detail = Call{.arch = "x86_64",
                      .name = "mount",
                      .number = 165,
                      .arguments = {{"dev_name", "/dev/sda", true}, {"flags", "MS_BIND"}},
                      .answer = "EPERM"};
  event.alerts = {"probing"};
  return event;
}

TEST(Event, HasThisJsonForm) {
  EXPECT_EQ(
      ToJson(Example()),
      R"({"version":1,"sequence":7,"time":"2026-11-22T03:01:02.000000045Z","sandbox":"k3x-1",)"
      R"("kind":"call","decision":"denied",)"
      R"("task":{"pid":4711,"inside":3,"executable":"/usr/bin/unshare"},)"
      R"("rule":{"origin":"deny of untrusted","place":"untrusted.toml:26:3"},)"
      R"("call":{"arch":"x86_64","name":"mount","number":165,"arguments":[)"
      R"({"name":"dev_name","value":"/dev/sda","as_seen":true},{"name":"flags","value":"MS_BIND"}],)"
      R"("answer":"EPERM"},"alerts":["probing"]})");
  EXPECT_EQ(Summary(Example()),
            "denied call mount(dev_name=\\\"/dev/sda\\\", flags=MS_BIND) -> EPERM (deny of "
            "untrusted) ALERT probing");
}

TEST(Event, OfEveryKindComesBackAsItWas) {
  const Detail details[] = {
      Launch{"agent", {"sh", "-c", "a \"b\"\n"}},
      Launch{"agent", {"true"}, "microvm (qemu, tcg)"},
      Exit{"signalled", 9, 3100, ""},
      Exit{"not-started", 125, 0, "build root: bind /x: No such file or directory"},
      Example().detail,
      FileAccess{"openat", "/etc/shadow", "read", "not shown"},
      Connection{"tcp", "example.org", "192.0.2.1", 443, "not allowed", 10, 20},
      Limit{"memory", "1GiB"},
      Approval{"write ./out", "rule 3"},
      Dropped{18446744073709551615u, "ring"},
      Total{"x86_64", "socket", "socket(family=AF_VSOCK)", "EAFNOSUPPORT", 10000000},
  };
  // One of each, a launch in a machine, and an exit that has a cause.
  static_assert(std::size(details) == std::variant_size_v<Detail> + 2);
  for (const Detail& detail : details) {
    Event event = Example();
    event.detail = detail;
    const auto back = FromJson(ToJson(event));
    ASSERT_TRUE(back) << back.error().text;
    EXPECT_EQ(*back, event) << ToJson(event);
  }
}

TEST(Event, HoldsAnyBytesOfAProgram) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    Event event = Example();
    std::string bytes;
    for (auto i = random() % 20; i > 0; --i) bytes += static_cast<char>(random());
    event.task->executable = bytes;
    const std::string line = ToJson(event);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_TRUE(FromJson(line)) << line;
  }
}

TEST(Event, IsNotReadFromWhatIsNone) {
  const std::string good = ToJson(Example());
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string line = good;
    return line.replace(line.find(from), from.size(), to);
  };
  const struct {
    std::string line, error;
  } kCases[] = {
      {"", "read event: it is no JSON object"},
      {"[1]", "read event: it is no JSON object"},
      {good.substr(0, good.size() - 1), "read event: it is no JSON object"},
      {with("\"version\":1", "\"version\":2"),
       "read event: its version is above 1, which this program reads"},
      {with("\"sequence\":7", "\"sequence\":-7"),
       "read event: event.sequence is not a number that fits"},
      {with("\"sequence\":7,", ""), "read event: event.sequence is not present"},
      {with("03:01", "25:01"), "read event: event.time is no time"},
      {with("2026-11-22", "2026-02-30"), "read event: event.time is no time"},
      {with("\"denied\"", "\"maybe\""),
       "read event: event.decision is not denied, allowed or seen"},
      {with("\"kind\":\"call\"", "\"kind\":\"fall\""), "read event: event.fall is not present"},
      {with("\"kind\":\"call\"", "\"kind\":\"task\""), "read event: event.kind is unknown"},
      {with("165", "4294967296"), "read event: call.number is not a number that fits"},
      {with("[\"probing\"]", "[1]"), "read event: event.alerts is not an array of strings"},
  };
  for (const auto& one : kCases) {
    const auto event = FromJson(one.line);
    ASSERT_FALSE(event) << one.line;
    EXPECT_EQ(event.error().text, one.error) << one.line;
  }
}

TEST(Event, PassesOverFieldsThatItDoesNotKnow) {
  std::string line = ToJson(Example());
  line.insert(1, "\"new\":{\"x\":1},");
  const auto event = FromJson(line);
  ASSERT_TRUE(event);
  EXPECT_EQ(*event, Example());
}

}  // namespace
}  // namespace bailey::audit
