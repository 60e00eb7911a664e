// The machine monitor's side, with one that lies, floods and stalls.
#include "microvm/monitor.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "os/vmm.h"

namespace bailey::microvm {
namespace {

using namespace std::chrono_literals;

enum class Then : std::uint8_t { kCloses, kStalls, kFloods };

struct Talk {
  const char* sentence;
  std::vector<std::string> lines;  // the first one unasked, then one for each that is heard
  Then then = Then::kCloses;
  const char* want;
};

std::string Against(const Talk& talk) {
  auto pair = os::MakeStreamPair();
  std::thread other([&talk, fd = (*pair)[1].Release()] {
    const base::UniqueFd end(fd);
    const auto say = [&end](const std::string& text) {
      return ::send(end.Get(), text.data(), text.size(), MSG_NOSIGNAL) > 0;
    };
    char heard[1024];
    for (std::size_t i = 0; i < talk.lines.size(); ++i) {
      if (i > 0 && ::read(end.Get(), heard, sizeof(heard)) <= 0) return;
      if (!say(talk.lines[i] + "\r\n")) return;
    }
    while (talk.then == Then::kFloods && say(std::string(4096, 'x'))) continue;
    while (talk.then == Then::kStalls && ::read(end.Get(), heard, sizeof(heard)) > 0) continue;
  });
  std::string said = "done";
  {
    const auto patience = talk.then == Then::kStalls ? 50ms : std::chrono::milliseconds(20s);
    auto monitor = Monitor::Make(std::move((*pair)[0]), patience);
    if (!monitor) said = monitor.error().text;
    if (monitor)
      if (const auto loaded = monitor->Load(5); !loaded) said = loaded.error().text;
  }
  other.join();
  return said;
}

TEST(Monitor, WhateverItSaysIsADoneOrAnError) {
  const std::string greeting = R"({"QMP":{"version":{},"capabilities":[]}})";
  const std::string fine = R"({"return":{}})";
  const std::string event = R"({"event":"STOP","data":{}})";
  const std::string done = R"({"return":{"status":"completed"}})";
  const std::string active = R"({"return":{"status":"active"}})";
  const Talk talks[] = {
      {"all goes well", {greeting, fine, fine, event + "\r\n" + fine, active, done}, {}, "done"},
      {"it fails",
       {greeting, fine, fine, fine, R"({"return":{"status":"failed","error-desc":"no\nroom"}})"},
       {},
       "copy the machine's state: failed: no\\nroom"},
      {"it refuses",
       {greeting, fine, R"({"error":{"class":"GenericError","desc":"not that"}})"},
       {},
       "talk to the machine monitor: not that"},
      {"its error is none", {greeting, R"({"error":[1]})"}, {}, "talk to the machine monitor: "},
      {"its state is none", {greeting, fine, fine, fine, R"({"return":[{}]})", done}, {}, "done"},
      {"another protocol",
       {R"({"return":{}})"},
       {},
       "talk to the machine monitor: it greets with something else"},
      {"no protocol", {"hello"}, {}, "talk to the machine monitor: it greets with something else"},
      {"no object", {greeting, "7"}, {}, "talk to the machine monitor: its answer is no object"},
      {"it goes", {greeting, fine}, {}, "talk to the machine monitor: it has closed the line"},
      {"it is silent",
       {greeting},
       Then::kStalls,
       "talk to the machine monitor: no answer within 50 ms"},
      {"it never ends a line",
       {greeting, fine},
       Then::kFloods,
       "talk to the machine monitor: a line is longer than 64 KiB"},
  };
  ::signal(SIGPIPE, SIG_IGN);
  for (const Talk& talk : talks) {
    SCOPED_TRACE(talk.sentence);
    EXPECT_EQ(Against(talk), talk.want);
  }
}

}  // namespace
}  // namespace bailey::microvm
